"""Rights over the register of volunteers."""

from core.access import ABOVE, BRANCH, declare

declare(
    "volunteers",
    {
        "read": ("查看志愿者名册", {*BRANCH, *ABOVE}),
        "edit": ("登记志愿者，修改技能、时间和状态", {*BRANCH}),
    },
)
