"""The kinds of messages about orders, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("offers", "派给我的单", "派单、抢单，接了以后又取消的", "volunteers"),
    [
        Kind("order.offered", "派单", sms=True),
        Kind("order.open_call", "抢单", sms=True, robot=True),
        Kind("order.released", "不用去了", sms=True),
    ],
)
declare(
    Group("orders", "我点的单", "有人接单、请评价、转办、撤单退单、支部回访"),
    [
        Kind("order.accepted", "有人接单"),
        Kind("order.looking_again", "另找志愿者"),
        Kind("order.moved", "转到别处办"),
        Kind("order.completed", "请评价"),
        Kind("order.cancelled", "已撤单"),
        Kind("order.sent_back", "请补充"),
        Kind("order.called_back", "支部已回访"),
    ],
)
declare(
    Group("thanks", "居民的评价", "我服务过的居民评了几星、说了什么", "volunteers"),
    [Kind("order.thanked", "居民评价")],
)
declare(
    Group("desk", "支部要办的单", "要重新派的、转来的、要回访的", "staff"),
    [
        Kind("order.back_in_queue", "需要重新派单", robot=True),
        Kind("order.transferred", "别处转来的单", robot=True),
        Kind("order.low_rating", "评分低，请回访", robot=True),
    ],
)
