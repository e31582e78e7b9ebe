"""What an estate decides about its shifts."""

from __future__ import annotations

from community.policies.declared import Rule, Topic, declare

ROTA = declare(
    Topic(
        "rota",
        "排班与值守",
        "候补多久要确认、夜班怎么休息、多早可以签到",
        (
            Rule("confirm_minutes", "有空位后，候补的人多久内确认", 120, low=10, high=2880, unit="分钟",
                 hint="过了时间就轮到下一位"),
            Rule("quiet_from", "晚上几点起不算确认时间", 21 * 60, "time", hint="夜里空出来的位置，从早上开始算"),
            Rule("quiet_until", "早上几点起算", 8 * 60, "time"),
            Rule("night_from", "几点起算夜班", 22 * 60, "time", hint="未满18岁的不排夜班", source="志愿服务条例"),
            Rule("night_until", "夜班到几点", 6 * 60, "time"),
            Rule("nights_a_week", "每人一周最多几个夜班", 2, low=0, high=7, unit="个"),
            Rule("rest_hours", "夜班和前后一班之间至少休息", 12, low=0, high=48, unit="小时"),
            Rule("check_in_early", "开始前多久可以签到", 30, low=0, high=180, unit="分钟",
                 hint="时长从这一班的开始时间算起"),
            Rule("check_out_late", "结束后多久内可以自己离岗", 60, low=0, high=720, unit="分钟",
                 hint="再晚请班长或支部代记"),
        ),
    )
)  # fmt: skip
