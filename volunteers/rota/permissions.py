"""Rights over rotas."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "rota",
    {
        "read": ("查看排班", {*BRANCH, *ABOVE, Role.GRID_WORKER}),
        "manage": ("排班、邀请、点名、记未到", {*BRANCH, Role.COMMUNITY_STAFF}),
        "serve": ("报名排班、换班、签到", {Role.VOLUNTEER}),
    },
)
