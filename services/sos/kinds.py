"""The kinds of messages about emergency calls. Nobody switches off what somebody's safety hangs on."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("emergencies", "一键求助", "有人求助要您去看，谁在赶来，求助结束"),
    [
        Kind("emergency.needed", "紧急求助", urgent=True, may_switch_off=False, sms=True, robot=True),
        Kind("emergency.family", "家人求助", urgent=True, may_switch_off=False, sms=True),
        Kind("emergency.answered", "有人看到求助", urgent=True, may_switch_off=False, sms=True),
        Kind("emergency.on_way", "有人在路上", urgent=True, may_switch_off=False, sms=True),
        Kind("emergency.arrived", "有人到了", urgent=True, may_switch_off=False, sms=True),
        Kind("emergency.stood_down", "有人来不了", urgent=True, may_switch_off=False, sms=True),
        Kind("emergency.ended", "求助结束", urgent=True, may_switch_off=False, sms=True, robot=True),
    ],
)
declare(
    Group("look_in", "建议上门看看", "一户连着误报几次，提醒支部上门看看", "staff"),
    [Kind("emergency.look_in", "建议上门看看")],
)
