"""The kinds of messages about registration and teams, in the groups in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("registration", "志愿者登记", "申请批没批准、请假和暂停、孩子的监护人同意"),
    [
        Kind("volunteer.approved", "申请批准"),
        Kind("volunteer.returned", "申请退回补充"),
        Kind("volunteer.refused", "申请没有批准"),
        Kind("volunteer.suspended", "服务暂停"),
        Kind("volunteer.granted_leave", "登记了请假"),
        Kind("volunteer.back", "服务恢复"),
        Kind("volunteer.farewell", "已退出"),
        Kind("volunteer.guardian_named", "孩子当志愿者"),
        Kind("volunteer.skill_expires", "技能核实到期"),
    ],
)
declare(
    Group("registration_desk", "支部要办的登记", "新的申请、撤回的同意、请假和退出的志愿者", "staff"),
    [
        Kind("volunteer.applied", "志愿者申请", robot=True),
        Kind("volunteer.consent_withdrawn", "撤回了同意"),
        Kind("volunteer.on_leave", "志愿者请假"),
        Kind("volunteer.left", "志愿者退出"),
        Kind("volunteer.skill_lapses", "技能核实要到期"),
    ],
)
declare(
    Group("teams", "志愿队", "想入队的、收没收下、当了队长", "volunteers"),
    [
        Kind("team.asks", "想加入队伍"),
        Kind("team.taken_in", "已入队"),
        Kind("team.declined", "这次没有收"),
        Kind("team.let_go", "不在队里了"),
        Kind("team.has_left", "队员退队"),
        Kind("team.made_leader", "当队长"),
    ],
)
