"""The kinds of messages about hours and all that hangs on them, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("hours", "我的服务时长", "记入、更正、忘了点“完成”的，月底公示", "volunteers"),
    [
        Kind("hours.credited", "记入时长"),
        Kind("hours.corrected", "时长更正"),
        Kind("hours.not_ended", "别忘了点完成"),
        Kind("notice.opened", "时长公示"),
    ],
)
declare(
    Group("hours_answers", "时长异议的答复", "我说记得不对的，支部怎么答复"),
    [Kind("dispute.answered", "异议答复")],
)
declare(
    Group("timebank", "时间储蓄", "转出有没有确认，谁送给我时间，有没有冲销"),
    [
        Kind("timebank.confirmed", "转出已确认"),
        Kind("timebank.received", "收到储蓄时间"),
        Kind("timebank.refused", "没有转出"),
        Kind("timebank.reversed", "储蓄冲销"),
    ],
)
declare(
    Group("hours_desk", "支部要办的时长", "漏记的、有异议的、公示期满的、要核实的时间储蓄", "staff"),
    [
        Kind("hours.unrecorded", "时长漏录"),
        Kind("hours.dispute_due", "异议该答复了"),
        Kind("hours.differ", "明细和汇总不符"),
        Kind("dispute.raised", "时长异议"),
        Kind("notice.waits", "公示期满"),
        Kind("timebank.asked", "时间储蓄要核实"),
    ],
)
