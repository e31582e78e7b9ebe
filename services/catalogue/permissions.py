"""Rights over the services list."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "catalogue",
    {
        "read": ("查看本小区的服务清单", {*BRANCH, *ABOVE, Role.GRID_WORKER}),
        "edit": ("修改本小区的服务清单", {*BRANCH}),
    },
)
