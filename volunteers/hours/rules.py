"""What an estate decides about hours: how soon disputes are answered, how long a notice stands, what stars ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from community.policies.declared import Rule, Topic, declare

THRESHOLDS = (100, 300, 600, 1000, 1500)
LEVELS = ("one", "two", "three", "four", "five")
_TITLES = ("一星级", "二星级", "三星级", "四星级", "五星级")

HOURS = declare(
    Topic(
        "hours",
        "时长记录与公示",
        "异议多久答复、公示多少天",
        (
            Rule("answer_days", "异议几个工作日内答复", 5, low=1, high=30, unit="个工作日",
                 hint="志愿者提出记录不对，支部在这个期限内核实，更正或者说明",
                 source="《志愿服务记录与证明出具办法》，记录有误应当核实改正"),
            Rule("notice_days", "时长公示几个工作日", 3, low=3, high=30, unit="个工作日",
                 hint="不少于3个工作日，开始的那天不算"),
        ),
    )
)  # fmt: skip


def _rising(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Each star asks for more hours than the one before."""
    return {
        name: f"{_TITLES[n]}要比{_TITLES[n - 1]}的{values[LEVELS[n - 1]]}小时多"
        for n, name in enumerate(LEVELS)
        if n and values[name] <= values[LEVELS[n - 1]]
    }


_HINT = "累计实际服务时长；当地另有规定的照当地的填，如100、200、500、800、1000"
_FIRST = Rule("one", "一星级满", THRESHOLDS[0], low=1, high=100_000, unit="小时", hint=_HINT,
              source="2012年《志愿服务记录办法》的星级时长")  # fmt: skip
_OTHERS = (
    Rule(name, f"{title}满", hours, low=1, high=100_000, unit="小时")
    for name, title, hours in zip(LEVELS[1:], _TITLES[1:], THRESHOLDS[1:], strict=True)
)
_RATING = Rule(
    "least_rating", "平均评分", "0", "choice", hint="低于这个分数，先不评星；没有人评过分的不受影响",
    choices=(("0", "不看评分"), *((str(n), f"{n / 10:.1f}分以上") for n in (30, 35, 40, 45))),
)  # fmt: skip
STARS = declare(Topic("stars", "星级", "满多少小时评几星，要不要看评分", (_FIRST, *_OTHERS, _RATING), check=_rising))
