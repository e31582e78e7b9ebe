"""Rights over standing orders. Whoever may order for somebody may also set up a series for them."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "standing",
    {
        "read": ("查看范围内的定期服务", {*BRANCH, *ABOVE, Role.GRID_WORKER}),
        "approve": ("同意定期服务，请固定志愿者", {*BRANCH}),
    },
)
