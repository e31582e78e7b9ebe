"""Rights over an estate's own rules."""

from core.access import ABOVE, BRANCH, declare

declare(
    "policies",
    {
        "read": ("查看小区的办事规则", {*BRANCH, *ABOVE}),
        "change": ("修改小区的办事规则", {*BRANCH}),
    },
)
