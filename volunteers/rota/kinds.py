"""The kinds of messages about shifts, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("shifts", "我的班", "邀请、候补轮到、改时间、取消、请我顶班", "volunteers"),
    [
        Kind("rota.invited", "邀请值班", sms=True),
        Kind("rota.entered", "排了班", sms=True),
        Kind("rota.place_free", "候补轮到，请确认", sms=True),
        Kind("rota.retimed", "改了时间，请再确认", sms=True),
        Kind("rota.changed", "班次有改动", sms=True),
        Kind("rota.moved", "值班地点改了", sms=True),
        Kind("rota.called_off", "班次取消", sms=True),
        Kind("rota.released", "不用来值班了", sms=True),
        Kind("rota.lapsed", "没有排上", sms=True),
        Kind("rota.stand_in_asked", "请我顶班或换班", sms=True),
        Kind("rota.stand_in_over", "不用顶班了", sms=True),
        Kind("rota.stand_in_declined", "对方顶不了", sms=True),
        Kind("rota.stood_in", "有人顶班了", sms=True),
        Kind("rota.leading", "当班长", sms=True),
        Kind("rota.no_show", "记了未到", sms=True),
        Kind("rota.reinstated", "撤销了未到", sms=True),
    ],
)
declare(
    Group("rota_desk", "排班", "有人退出、婉拒邀请、换了人", "staff"),
    [
        Kind("rota.left", "有人来不了", robot=True),
        Kind("rota.declined", "婉拒了邀请"),
        Kind("rota.stood_in_of", "换人了"),
    ],
)
