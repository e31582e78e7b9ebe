"""Rights over teams. Leaders of a team have theirs from the team itself, see ``queries.TeamPage``."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "teams",
    {
        "read": ("查看志愿服务队", {*BRANCH, *ABOVE}),
        "manage": ("建队、改队、收人，任命队长", {*BRANCH, *ABOVE}),
        "corps": ("建总队，改总队", {*ABOVE}),
        "join": ("申请加入志愿服务队", {Role.VOLUNTEER}),
    },
)
