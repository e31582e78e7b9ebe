"""Rights over accounts, posts and the workings of the system."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "accounts",
    {
        "issue": ("给名册上的人开通账号", {*BRANCH, Role.COMMUNITY_STAFF, Role.ADMIN}),
        "appoint": ("任免职务", {Role.SECRETARY, *ABOVE, Role.ADMIN}),
    },
)
declare(
    "system",
    {
        "audit": ("查看操作记录", {Role.SECRETARY, *ABOVE, Role.ADMIN}),
        "jobs": ("查看和运行后台任务", {Role.ADMIN}),
        "outbox": ("查看和重发未送达的消息", {Role.SECRETARY, *ABOVE, Role.ADMIN}),
    },
)
