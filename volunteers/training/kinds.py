"""The kinds of messages about training, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("training", "我的培训", "报名、候补、改时间、取消、结果、快到期", "volunteers"),
    [
        Kind("training.entered", "报了名"),
        Kind("training.promoted", "候补排上了"),
        Kind("training.changed", "改了时间或地点"),
        Kind("training.called_off", "培训取消"),
        Kind("training.removed", "移出名单"),
        Kind("training.passed", "合格"),
        Kind("training.failed", "没有合格"),
        Kind("training.lapsing", "快到期"),
    ],
)
declare(
    Group("training_desk", "志愿者的培训", "谁的培训快到期", "staff"),
    [Kind("training.lapsing_of", "志愿者的培训快到期")],
)
