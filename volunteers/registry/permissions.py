"""Rights over the register of volunteers."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "volunteers",
    {
        "read": ("查看志愿者名册", {*BRANCH, *ABOVE}),
        "apply": ("申请当志愿者", {Role.RESIDENT}),
        "edit": ("登记志愿者、审核申请，修改技能、时间和状态", {*BRANCH}),
    },
)
