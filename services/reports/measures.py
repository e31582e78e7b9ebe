"""Measures of people that reports count from the ledger of hours."""

from __future__ import annotations

from collections.abc import Sequence

from core.reports import Measure, Question, Source, Value, declare
from services.reports import people


def draw(question: Question, names: Sequence[str]) -> dict[str, dict[str, Value]]:
    """Different volunteers, by key."""
    return {key: {name: Value(number) for name in names} for key, number in people.active(question).items()}


declare(
    Source("active", draw),
    [
        Measure("volunteers.active", "活跃志愿者", "志愿者", "人", "期内至少服务过一次的人，一人只算一次",
                "时长台账，按服务那天归期", frozenset({"unit", "month", "week", "day", "item"}), better="up")
    ],
)  # fmt: skip
