"""What an estate decides about emergency calls."""

from __future__ import annotations

from community.policies.declared import Rule, Topic, declare

EMERGENCIES = declare(
    Topic(
        "emergency",
        "一键求助",
        "倒数多久、多久没人应或没人到场就往上找、先叫几位志愿者",
        (
            Rule("countdown_seconds", "求助页倒数多久自动发出", 10, low=5, high=30, unit="秒"),
            Rule("slip_seconds", "发出后多久内可以当作按错撤回", 60, low=0, high=300, unit="秒",
                 hint="过了这个时间，本人说没事了，算误报，一样不追究"),
            Rule("wave_minutes", "多久没人应就再往上找", 3, low=1, high=30, unit="分钟",
                 hint="先书记、副书记和全部应急志愿者，再社区，再街道，一直找到有人应"),
            Rule("arrive_minutes", "有人应了，多久没人到场就再找人", 15, low=0, high=120, unit="分钟",
                 hint="应了的人可能路远或忘了；填0就不再找"),
            Rule("volunteers_first", "第一次先叫最近的几位应急志愿者", 5, low=0, high=50, unit="位",
                 hint="未满18岁的从不叫", source="志愿服务条例"),
            Rule("false_alarms", "90天里误报几次，提醒支部上门看看", 3, low=2, high=20, unit="次",
                 hint="不是追究，是看看按键好不好用、人是不是心里不踏实"),
        ),
    )
)  # fmt: skip
