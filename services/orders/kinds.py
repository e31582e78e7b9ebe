"""The kinds of messages about orders, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("offers", "派给我的单", "派单、抢单，接了以后又取消的", "volunteers"),
    [
        Kind("order.offered", "派单", sms=True),
        Kind("order.open_call", "抢单", sms=True, robot=True),
        Kind("order.released", "不用去了", sms=True),
        Kind("order.held_up", "先等一等", sms=True),
        Kind("order.still_open", "还在等您答复", sms=True),
        Kind("order.yours", "别忘了这一单", sms=True),
    ],
)
declare(
    Group("orders", "我点的单", "有人接单、请评价、转办、撤单退单、支部回访、时限变动"),
    [
        Kind("order.accepted", "有人接单"),
        Kind("order.looking_again", "另找志愿者"),
        Kind("order.moved", "转到别处办"),
        Kind("order.completed", "请评价"),
        Kind("order.cancelled", "已撤单"),
        Kind("order.sent_back", "请补充"),
        Kind("order.called_back", "支部已回访"),
        Kind("order.paused", "请您回复"),
        Kind("order.resumed", "恢复计时"),
        Kind("order.extended", "时限延长"),
        Kind("order.recounted", "时限重算"),
    ],
)
declare(
    Group("thanks", "居民的评价", "我服务过的居民评了几星、说了什么", "volunteers"),
    [Kind("order.thanked", "居民评价")],
)
declare(
    Group("desk", "支部要办的单", "要重新派的、转来的、要回访的、快到时限的", "staff"),
    [
        Kind("order.back_in_queue", "需要重新派单", robot=True),
        Kind("order.transferred", "别处转来的单", robot=True),
        Kind("order.low_rating", "评分低，请回访", robot=True),
        Kind("order.near", "快到时限", robot=True),
        Kind("order.answered", "居民已回复", robot=True),
        Kind("order.taken_up", "有人接手", robot=True),
        Kind("order.extended_again", "再次延期", robot=True),
    ],
)
declare(
    Group("late", "超时的单", "到了时限还没有办好的、一级级告诉上来的", "staff"),
    [
        Kind("order.over", "时限到了", sms=True, robot=True),
        Kind("order.escalated", "超时没有动静", sms=True, robot=True),
    ],
)
