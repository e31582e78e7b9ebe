"""Rights over training."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "training",
    {
        "read": ("查看培训和谁有证", {*BRANCH, *ABOVE, Role.GRID_WORKER}),
        "manage": ("开课、点名、记结果", {*BRANCH, Role.COMMUNITY_STAFF}),
        "attend": ("报名培训、签到", {Role.VOLUNTEER}),
    },
)
