"""Rights over the calendar of working days."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "workdays",
    {
        "read": ("查看工作日历", {*BRANCH, *ABOVE, Role.GRID_WORKER, Role.ADMIN}),
        "edit": ("录入、修改工作日历", {*ABOVE, Role.ADMIN}),
    },
)
