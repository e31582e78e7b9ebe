"""The kinds of messages about standing orders, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("standing", "定期服务", "支部同不同意、改日子、跳过、暂停、结束"),
    [
        Kind("standing.approved", "支部同意"),
        Kind("standing.turned_down", "支部没有同意"),
        Kind("standing.changed", "改了安排"),
        Kind("standing.skipped", "有一次不上门"),
        Kind("standing.restored", "那一次照常上门"),
        Kind("standing.paused", "暂停"),
        Kind("standing.resumed", "恢复上门"),
        Kind("standing.ended", "结束"),
        Kind("standing.stalled", "停住了"),
    ],
)
declare(
    Group("standing_helpers", "请我固定上门", "想请您固定上门、不用固定去了", "volunteers"),
    [Kind("standing.asked", "想请您固定上门", sms=True), Kind("standing.released", "不用固定去了", sms=True)],
)
declare(
    Group("standing_desk", "支部要办的定期服务", "居民提出的、志愿者答复的、这次没人能去的", "staff"),
    [
        Kind("standing.proposed", "居民提出定期服务", robot=True),
        Kind("standing.answered", "志愿者答复"),
        Kind("standing.needs_a_hand", "这次请派单", robot=True),
    ],
)
