"""What an estate decides about matching: what each thing costs, and what it costs to leave an order unserved.

Costs are in points; a point is worth about one minute of walking, and fewer is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from community.policies.declared import Rule, Topic, declare

PARTS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    (
        "路程",
        (
            Rule("way_unit", "同单元", 1, high=60, unit="分钟", hint="路上要走几分钟，一分钟算一分"),
            Rule("way_building", "同楼栋", 2, high=60, unit="分钟"),
            Rule("way_near", "邻栋", 4, high=60, unit="分钟", hint="楼号相差1的两栋算邻栋"),
            Rule("way_estate", "本小区其他楼栋", 8, high=120, unit="分钟"),
            Rule("way_next", "同社区的其他小区", 15, high=240, unit="分钟", hint="只有愿意去邻近小区的志愿者"),
            Rule("margin", "两次服务之间路上留", 15, high=120, unit="分钟", hint="前后已有任务时，空出这么久才算有空"),
        ),
    ),
    (
        "熟悉",
        (
            Rule("known_each", "服务过这位居民，每次减", 4, high=50, unit="分", hint="一年之内的算"),
            Rule("known_most", "最多算", 3, high=20, unit="次"),
        ),
    ),
    (
        "忙不忙",
        (
            Rule("load_week", "那一周每接一单加", 3, high=50, unit="分", hint="让活轮到更多人"),
            Rule("load_month", "本月每满10小时加", 5, high=100, unit="分"),
            Rule("again", "一次方案里第二单起每单多加", 4, high=100, unit="分", hint="第二单加一份，第三单加两份"),
        ),
    ),
    (
        "技能和时间",
        (
            Rule("unverified", "技能没有核实，每项加", 3, high=50, unit="分", hint="服务要求核实的，没核实就不推荐"),
            Rule("hours_unknown", "没登记空闲时间加", 5, high=50, unit="分", hint="只在居民选了时间时算"),
        ),
    ),
    (
        "过去",
        (
            Rule("decline", "婉拒过，每次加", 4, high=50, unit="分", hint="越久以前算得越少"),
            Rule("no_show", "接了没到，每次加", 20, high=200, unit="分", hint="越久以前算得越少"),
            Rule("half_life", "过多久只算一半", 45, low=7, high=365, unit="天"),
            Rule("rating_star", "平均评价每少一颗星加", 4, high=50, unit="分"),
            Rule("rating_steady", "评价不多时，当作另有几次平均评价", 5, low=0, high=50, unit="次",
                 hint="一两次评价不说明问题，向大家的平均数靠"),
        ),
    ),
    (
        "派不出去的代价",
        (
            Rule("unserved", "离时限还早", 300, low=100, high=2000, unit="分",
                 hint="比派给任何人都贵，所以有人就不会空着"),
            Rule("unserved_hours", "时限前多久开始加价", 72, low=1, high=720, unit="小时"),
            Rule("unserved_soon", "到时限时一共加", 200, high=2000, unit="分", hint="从开始加价起匀着加"),
            Rule("unserved_late", "超时以后每小时再加", 10, high=200, unit="分", hint="最多加48小时"),
            Rule("unserved_urgent", "急单加", 300, high=2000, unit="分"),
        ),
    ),
    (
        "候选人",
        (
            Rule("candidates", "每单先看最合适的", 20, low=5, high=100, unit="人",
                 hint="不够分时自动放宽，直到再放宽也不会更好"),
        ),
    ),
)  # fmt: skip

MATCHING = declare(
    Topic(
        "matching",
        "推荐和自动派单",
        "给志愿者排先后时各样事情算几分，单子派不出去算多大代价",
        tuple(rule for _, rules in PARTS for rule in rules),
        endpoint="dispatch.weights",
    )
)
LATE_HOURS = 48
"""After so many hours past its deadline an order's price grows no more."""


@dataclass(frozen=True)
class Weights:
    """The rules of ``MATCHING`` as an estate has them, under the same names."""

    way_unit: int
    way_building: int
    way_near: int
    way_estate: int
    way_next: int
    margin: int
    known_each: int
    known_most: int
    load_week: int
    load_month: int
    again: int
    unverified: int
    hours_unknown: int
    decline: int
    no_show: int
    half_life: int
    rating_star: int
    rating_steady: int
    unserved: int
    unserved_hours: int
    unserved_soon: int
    unserved_late: int
    unserved_urgent: int
    candidates: int

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Weights:
        """From the values of the topic."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def price(self, hours_left: float, urgent: bool) -> float:
        """What a place left unserved costs, in points: more the nearer the deadline, more still after it."""
        near = min(1.0, max(0.0, 1 - hours_left / self.unserved_hours))
        late = min(LATE_HOURS, max(0.0, -hours_left))
        return (
            self.unserved + near * self.unserved_soon + late * self.unserved_late
            + (self.unserved_urgent if urgent else 0)
        )  # fmt: skip


DEFAULTS = Weights.of(MATCHING.defaults)
