"""Rights over the ledger of hours."""

from core.access import ABOVE, BRANCH, declare

declare(
    "hours",
    {
        "read": ("查看志愿者的服务时长", {*BRANCH, *ABOVE}),
        "correct": ("更正服务时长", {*BRANCH}),
    },
)
