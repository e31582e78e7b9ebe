"""Rights over the ledger of hours and what hangs on it."""

from core.access import ABOVE, BRANCH, declare

declare(
    "hours",
    {
        "read": ("查看志愿者的服务时长", {*BRANCH, *ABOVE}),
        "correct": ("更正服务时长，答复异议", {*BRANCH}),
        "record": ("记录集体活动等的服务时长", {*BRANCH}),
        "notice": ("公示每月时长", {*BRANCH}),
        "honour": ("登记志愿者的荣誉", {*BRANCH}),
        "timebank": ("确认时间储蓄的赠送", {*BRANCH}),
    },
)
