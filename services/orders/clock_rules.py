"""What an estate decides about its clocks: when it works, who is reminded, and how soon those above are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from community.policies.declared import Rule, Topic, declare

_SOURCE = "参照《北京市接诉即办工作条例》（2021年）：写明时限，延期说明理由并告诉双方"


def _in_order(values: Mapping[str, Any]) -> dict[str, str]:
    """Working hours follow one another."""
    if values["morning_from"] >= values["morning_until"]:
        return {"morning_until": "上午下班要晚于上午上班"}
    if values["afternoon_from"] < values["morning_until"]:
        return {"afternoon_from": "下午上班不能早于上午下班"}
    if values["afternoon_from"] >= values["afternoon_until"]:
        return {"afternoon_until": "下午下班要晚于下午上班"}
    return {}


CLOCKS = declare(
    Topic(
        "clocks",
        "时限与提醒",
        "几点上班、快到时限提醒谁、超时多久告诉上一级、等居民和延期的界限",
        (
            Rule("morning_from", "上午几点上班", 9 * 60, "time", hint="按工作时间计的服务只算这几个钟点，新点的单起用"),
            Rule("morning_until", "上午几点下班", 12 * 60, "time"),
            Rule("afternoon_from", "下午几点上班", 14 * 60, "time"),
            Rule("afternoon_until", "下午几点下班", 18 * 60, "time"),
            Rule("remind", "时间过半和五分之四时提醒", True, "switch", hint="关掉以后，到时限、超时仍然会告诉"),
            Rule("deputy_after", "超时多久告诉副书记", 30, low=5, high=2880, unit="分钟",
                 hint="不急的单，夜里不打扰的时段不算在内；没有副书记就直接告诉书记", source=_SOURCE),
            Rule("secretary_after", "再过多久告诉书记", 60, low=5, high=2880, unit="分钟"),
            Rule("community_after", "再过多久告诉社区", 120, low=5, high=2880, unit="分钟"),
            Rule("again_after", "有人动过之后，多久没有动静再从头告诉", 480, low=30, high=10080, unit="分钟"),
            Rule("urgent_after", "急单每一级隔多久", 10, low=1, high=240, unit="分钟",
                 hint="急单昼夜都算，最后一级到街道"),
            Rule("urgent_again", "急单有人动过之后，多久没有动静再从头告诉", 30, low=5, high=1440, unit="分钟"),
            Rule("wait_days", "等居民最多几天", 3, low=1, high=30, unit="天", hint="到时没有回复，就自动恢复计时"),
            Rule("extensions", "一单最多延期几次", 2, low=0, high=10, unit="次", hint="从第二次起，社区会收到原因"),
            Rule("extension_days", "一次最多延几天", 15, low=1, high=90, unit="天"),
        ),
        check=_in_order,
    )
)  # fmt: skip
