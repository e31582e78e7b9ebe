"""Rights over orders."""

from core.access import ABOVE, BRANCH, Role, declare

declare(
    "orders",
    {
        "place": ("为自己家点单", {Role.RESIDENT}),
        "place_for": (
            "代他人点单",
            {*BRANCH, Role.GRID_WORKER, Role.BUILDING_STEWARD, Role.UNIT_STEWARD},
        ),
        "read": ("查看范围内的订单", {*BRANCH, *ABOVE, Role.GRID_WORKER}),
        "dispatch": ("派单、转派、退单、回访", {*BRANCH}),
        "take_over": ("处理支部转上来的订单", {*ABOVE}),
        "take_up": ("接手超时的单", {*BRANCH, *ABOVE}),
        "serve": ("接单、签到、完成", {Role.VOLUNTEER}),
    },
)
