"""What an estate decides about figures that everybody may see."""

from __future__ import annotations

from community.policies.declared import Rule, Topic, declare

OPEN = declare(
    Topic(
        "open_figures",
        "公开数字",
        "居民看得到哪些服务数字，不登录能不能看；从不写名字，少于3的不写具体数",
        (
            Rule("public", "不登录也能看", False, "switch", hint="关着时，登录的本小区居民才看得到"),
            Rule("orders", "公开点单和完成了多少", True, "switch"),
            Rule("rates", "公开响应率、解决率、满意率", True, "switch", source="接诉即办的三率"),
            Rule("hours", "公开志愿服务时长和人数", True, "switch"),
            Rule("people", "公开登记了多少志愿者、服务到多少居民和户", True, "switch"),
            Rule("items", "公开各项服务点了多少", True, "switch"),
        ),
    )
)
