"""What needs looking after, said in sentences that rules derive from the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.reports import Measure, Value
from core.web.formats import percent, thousands

ENOUGH = 5
"""Below so many cases a rate says nothing about how work is done."""
DROP = 0.02
IN_A_ROW = 3
OUT_OF_REACH = 0.1
SHOWN = 6


@dataclass(frozen=True)
class Facts:
    """What the rules look at: figures of this period and the one before, series of weeks or months, children, items."""

    measures: Mapping[str, Measure]
    now: Mapping[str, Value]
    before: Mapping[str, Value]
    before_words: str
    series: Mapping[str, Sequence[float | None]]
    bin_word: str
    units: Sequence[tuple[str, str, Mapping[str, Value]]]
    items: Sequence[tuple[str, str, Mapping[str, Value]]]


@dataclass(frozen=True)
class Finding:
    """A sentence: what, and why it matters; how grave; the measure behind it, and a unit or item it is about."""

    what: str
    why: str
    weight: float
    measure: str
    unit: str = ""
    item: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule: what it watches for, and how it finds it."""

    name: str
    watches: str
    find: Callable[[Facts], Iterator[Finding]]


def _rates(facts: Facts, values: Mapping[str, Value]) -> Iterator[tuple[Measure, Value, float]]:
    for name, value in values.items():
        measure = facts.measures.get(name)
        if measure is not None and measure.target and value.rate is not None and (value.denominator or 0) >= ENOUGH:
            yield measure, value, value.rate


def _missed(value: Value) -> str:
    return f"{thousands((value.denominator or 0) - (value.numerator or 0))}单"


def _below_target(facts: Facts) -> Iterator[Finding]:
    for measure, value, rate in _rates(facts, facts.now):
        goal = measure.target or 0
        if rate < goal:
            yield Finding(f"{measure.title}{percent(rate)}", f"低于目标{goal * 100:.0f}%，{_missed(value)}没有做到",
                          goal - rate, measure.name)  # fmt: skip


def _fallen(facts: Facts) -> Iterator[Finding]:
    for measure, _value, rate in _rates(facts, facts.now):
        then = facts.before.get(measure.name)
        if then is not None and then.rate is not None and (then.denominator or 0) >= ENOUGH and then.rate - rate > DROP:
            gap = round(then.rate * 100, 1) - round(rate * 100, 1)
            yield Finding(f"{measure.title}比{facts.before_words}降{gap:.1f}",
                          f"从{percent(then.rate)}降到{percent(rate)}", (then.rate - rate) / 2,
                          measure.name)  # fmt: skip


def _sinking(facts: Facts) -> Iterator[Finding]:
    for name, series in facts.series.items():
        measure = facts.measures[name]
        known = [value for value in series if value is not None]
        count = 0
        while count + 1 < len(known) and known[-count - 1] < known[-count - 2]:
            count += 1
        if measure.kind == "rate" and count >= IN_A_ROW:
            yield Finding(
                f"{measure.title}连续{count}{facts.bin_word}下降", f"现在{percent(known[-1])}", 0.02 * count, name
            )


def _units_behind(facts: Facts) -> Iterator[Finding]:
    for id_, name, values in facts.units:
        worst = max(_rates(facts, values), key=lambda found: (found[0].target or 0) - found[2], default=None)
        if worst is not None and worst[2] < (worst[0].target or 0):
            measure, value, rate = worst
            yield Finding(f"{name}{measure.title}{percent(rate)}", f"低于目标，{_missed(value)}没有做到",
                          ((measure.target or 0) - rate) * 0.9, measure.name, unit=id_)  # fmt: skip


def _slow_item(facts: Facts) -> Iterator[Finding]:
    late = [
        (value.rate, name, key, value)
        for key, name, values in facts.items
        if (value := values.get("orders.on_time")) is not None and value.rate is not None
        and (value.denominator or 0) >= ENOUGH
    ]  # fmt: skip
    goal = facts.measures["orders.on_time"].target if "orders.on_time" in facts.measures else None
    if late and goal and (worst := min(late))[0] < goal:
        rate, name, key, value = worst
        yield Finding(f"“{name}”按时办结率{percent(rate)}",
                      f"各项服务里最低，{_missed(value)}没有按时，可以多找会这一项的志愿者",
                      (goal - rate) * 0.8, "orders.on_time", item=key)  # fmt: skip


def _out_of_reach(facts: Facts) -> Iterator[Finding]:
    missed, asked = facts.now.get("orders.unreachable"), facts.now.get("orders.resolution")
    if missed is None or asked is None or not asked.denominator or not missed.amount:
        return
    share = missed.amount / asked.denominator
    if missed.amount >= ENOUGH and share > OUT_OF_REACH:
        yield Finding(f"回访有{int(missed.amount)}单没有联系上",
                      f"占回访的{percent(share)}，不算满意也不算不满意，请换个时间再问",
                      share / 3, "orders.unreachable")  # fmt: skip


RULES: tuple[Rule, ...] = (
    Rule("below_target", "比率低于目标", _below_target),
    Rule("fallen", f"比率比前一期降了{DROP * 100:.0f}个百分点以上", _fallen),
    Rule("sinking", f"比率连续{IN_A_ROW}期以上下降", _sinking),
    Rule("units_behind", "下级单位没有达到目标", _units_behind),
    Rule("slow_item", "按时办结率最低的一项服务", _slow_item),
    Rule("out_of_reach", f"回访没联系上的超过{OUT_OF_REACH * 100:.0f}%", _out_of_reach),
)


def find(facts: Facts) -> list[Finding]:
    """What the rules find, the gravest first, each measure of a unit once."""
    found = sorted((one for rule in RULES for one in rule.find(facts)), key=lambda one: -one.weight)
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for one in found:
        key = (one.measure, one.unit, one.item)
        if key not in seen:
            seen.add(key)
            kept.append(one)
    return kept[:SHOWN]
