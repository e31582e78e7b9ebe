"""What the audit trail calls things, in Chinese: verbs and the kinds of what they were done to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERB_NAMES: Mapping[str, str] = {
    # accounts and posts
    "sign_in": "登录",
    "issue": "开通账号",
    "reset_password": "重置密码",
    "change_password": "修改密码",
    "disable": "停用账号",
    "enable": "恢复账号",
    "set_email": "修改邮箱",
    "appoint": "任命",
    "end_appointment": "结束任职",
    "name_helper": "添加代点单家人",
    "drop_helper": "移除代点单家人",
    "choose_messages": "修改消息提醒",
    "add_device": "打开设备推送",
    "drop_device": "关闭设备推送",
    "add_robot": "添加群机器人",
    "change_robot": "修改群机器人",
    "switch_on_robot": "启用群机器人",
    "switch_off_robot": "停用群机器人",
    "remove_robot": "移除群机器人",
    "test_robot": "试发群机器人",
    # people and rolls
    "reveal": "查看完整信息",
    "add_person": "登记居民",
    "edit_person": "修改居民信息",
    "move_person": "居民搬家",
    "move_out": "居民搬出",
    "move_back": "居民搬回",
    "add_estate": "登记小区",
    "upload_roll": "上传名册",
    "drop_roll": "丢弃名册",
    "import_roll": "导入名册",
    "import_volunteers": "导入志愿者名册",
    # orders
    "place": "点单",
    "dispatch": "派单",
    "accept": "接单",
    "decline": "婉拒",
    "expire": "收回过时的派单",
    "undo": "撤回派单",
    "transfer": "转出订单",
    "note": "内部备注",
    "withdraw": "退出",
    "no_show": "记未到",
    "check_in": "签到",
    "complete": "完成",
    "rate": "评价",
    "call_back": "回访",
    "cancel": "撤单",
    "send_back": "退单",
    "resubmit": "重新提交",
    "reassign": "转派",
    # standing orders and calendars
    "set_up_series": "定下定期服务",
    "approve_series": "同意定期服务",
    "turn_down_series": "不同意定期服务",
    "change_series": "修改定期服务",
    "skip_visit": "跳过一次上门",
    "restore_visit": "恢复一次上门",
    "pause_series": "暂停定期服务",
    "resume_series": "恢复定期服务",
    "end_series": "结束定期服务",
    "agree_series": "愿意固定上门",
    "leave_series": "不固定上门",
    "lose_helper": "固定志愿者不在了",
    "export_standing": "导出定期服务",
    "open_feed": "开日历订阅",
    "withdraw_feed": "停用日历订阅",
    "pause": "暂停计时",
    "resume": "恢复计时",
    "extend": "延期",
    "take_up": "接手",
    "recount": "重算时限",
    "remind": "提醒",
    "escalate": "往上通知",
    # the calendar
    "edit_calendar_day": "修改日历",
    "restore_calendar_day": "恢复日历的一天",
    "enter_calendar_year": "录完一年的日历",
    "reopen_calendar_year": "改回未录入",
    "import_calendar": "录入日历",
    "restore_calendar": "恢复一年的日历",
    # volunteers, hours, the services list
    "register": "登记志愿者",
    "change_volunteer": "修改志愿者信息",
    "suspend": "暂停服务",
    "return": "恢复服务",
    "leave": "退出志愿者",
    "open_to_orders": "打开接单",
    "close_to_orders": "关闭接单",
    "correct_hours": "更正时长",
    "issue_certificate": "开具时长证明",
    "add_item": "添加服务项目",
    "change_policy": "修改办事规则",
    "change_item": "修改服务项目",
    "withdraw_item": "停用服务项目",
    "restore_item": "恢复服务项目",
    "move_item": "调整服务顺序",
    "export": "导出名册",
    "export_orders": "导出订单",
    # emergency calls and whom they reach
    "add_contact": "添加紧急联系人",
    "edit_contact": "修改紧急联系人",
    "order_contacts": "调整紧急联系人顺序",
    "drop_contact": "移除紧急联系人",
    "open_to_calls": "打开应急可叫",
    "close_to_calls": "关闭应急可叫",
    "raise": "一键求助",
    "answer": "应答求助",
    "on_way": "去现场",
    "arrive": "到场",
    "stand_down": "来不了",
    "remark": "补充说明",
    "call_off": "按错撤回",
    "false_alarm": "报平安",
    "close": "处理完求助",
    "after_care": "求助后回访",
    "view_care": "查看家中注意事项",
    "export_emergencies": "导出求助记录",
    # the workings of the system
    "run_job": "运行后台任务",
    "send_again": "重发消息",
    "send_all_again": "重发全部未达消息",
}
SUBJECT_NAMES: Mapping[str, str] = {
    "account": "账号",
    "appointment": "任职",
    "household": "住户",
    "person": "居民",
    "estate": "小区",
    "roll": "名册",
    "roll_import": "名册导入",
    "order": "订单",
    "order_list": "订单清单",
    "standing_order": "定期服务",
    "standing_list": "定期服务清单",
    "calendar_feed": "日历订阅",
    "volunteer": "志愿者",
    "volunteer_list": "志愿者名册",
    "hour_entry": "时长",
    "certificate": "时长证明",
    "item": "服务项目",
    "service_item": "服务项目",
    "policy": "办事规则",
    "emergency": "紧急求助",
    "emergency_list": "求助记录",
    "calendar_year": "工作日历",
    "job": "后台任务",
    "message": "消息",
    "robot": "群机器人",
}
DETAIL_NAMES: Mapping[str, str] = {
    "role": "职务",
    "organisation": "组织",
    "ends_on": "最后一天",
    "relation": "关系",
    "field": "栏目",
    "job": "任务",
    "robot": "群",
    "channel": "渠道",
    "minutes": "分钟",
    "stars": "星",
    "volunteer_name": "志愿者",
    "file": "文件",
    "day": "日期",
    "before": "原来",
    "after": "改为",
    "days": "天数",
}
"""What of an event's details is fit to show: names and figures, no ids."""


def name_of_verb(verb: str) -> str:
    """A verb in Chinese; one that the table does not hold stays as it is."""
    return VERB_NAMES.get(verb, verb)


def name_of_subject(kind: str) -> str:
    """A kind of subject in Chinese; one that the table does not hold stays as it is."""
    return SUBJECT_NAMES.get(kind, kind)


def told_details(details: Mapping[str, Any]) -> str:
    """The details that are fit to show, as one line."""
    shown = [f"{name}{details[key]}" for key, name in DETAIL_NAMES.items() if details.get(key) not in (None, "")]
    return "，".join(shown)
