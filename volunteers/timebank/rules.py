"""What an estate decides about its time bank."""

from __future__ import annotations

from community.policies.declared import Rule, Topic, declare

TIME_BANK = declare(
    Topic(
        "timebank",
        "时间储蓄",
        "志愿者把服务时长存起来，送给需要的家人，或留给以后的自己",
        (
            Rule("runs", "本小区开办时间储蓄", False, "switch",
                 hint="打开以后，志愿者能存、能送、能用。志愿服务不收费，用储蓄只是优先安排"),
            Rule("share", "每月时长最多能存", 100, low=1, high=100, unit="%"),
            Rule("cap_hours", "每月最多存", 20, low=1, high=300, unit="小时"),
            Rule("only_confirmed", "公示确认过的月份才能存", True, "switch", hint="小区不做时长公示的，把这一项关掉"),
        ),
    )
)  # fmt: skip
