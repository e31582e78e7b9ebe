"""What an estate decides about standing orders."""

from __future__ import annotations

from community.policies.declared import Rule, Topic, declare

STANDING = declare(
    Topic(
        "standing",
        "定期服务",
        "居民自己定的要不要支部同意、提前几天排单、固定志愿者多久内答复",
        (
            Rule("approve", "居民自己定的定期单要支部同意", True, "switch", hint="工作人员定的不用再同意"),
            Rule("days_ahead", "提前几天把单排好", 7, low=1, high=30, unit="天"),
            Rule("answer_hours", "固定志愿者多久内答复", 24, low=1, high=168, unit="小时",
                 hint="到时没答复，改问替补；离上门不到这么久的，按上门时间收紧"),
            Rule("per_home", "一户最多几个定期服务", 5, low=1, high=20, unit="个", hint="工作人员定的不受此限"),
        ),
    )
)  # fmt: skip
