"""Rights over emergency calls. Whoever was told of one may answer it, whatever posts they hold."""

from core.access import ABOVE, BRANCH, Role, declare

_STEWARDS = frozenset({Role.BUILDING_STEWARD, Role.UNIT_STEWARD})

declare(
    "emergency",
    {
        "raise": ("为自己家求助", {Role.RESIDENT}),
        "raise_for": ("替打来电话的住户求助", {*BRANCH, *_STEWARDS, Role.GRID_WORKER}),
        "read": ("查看范围内的求助，并去现场", {*BRANCH, *ABOVE, *_STEWARDS, Role.GRID_WORKER}),
        "respond": ("收到求助后应答、到场", {*BRANCH, *ABOVE, *_STEWARDS, Role.GRID_WORKER, Role.VOLUNTEER}),
        "after_care": ("记求助后的回访", {*BRANCH, Role.GRID_WORKER}),
        "export": ("导出求助记录", {*BRANCH, *ABOVE}),
    },
)
