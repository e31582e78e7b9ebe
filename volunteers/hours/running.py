"""The sums of a month as they grow day by day, kept in one row: minutes and services up to any day of it.

Two lists of 32 numbers, one after the other: what was given before the first day (nothing) and by the end of each day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import JSON, ColumnElement, Integer, String, case, cast, extract, func, type_coerce
from sqlalchemy.dialects import postgresql

from core.database import dialect_name

DAYS = 32
ARRAY = postgresql.ARRAY(Integer())
Numbers = JSON().with_variant(ARRAY, "postgresql")
Amount = tuple[int, int]
"""Minutes and services."""


def grown(held: Sequence[int], given: Mapping[int, Amount]) -> list[int]:
    """Running sums (none: of nothing) with what was given on some days of the month besides."""
    added = (accumulate(given.get(day, (0, 0))[of] for day in range(DAYS)) for of in (0, 1))
    return [a + b for a, b in zip(held or [0] * 2 * DAYS, (number for sums in added for number in sums), strict=True)]


def between(running: Any, before: Any, last: Any) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Minutes and services after one day of the month (0: from its beginning) up to another one."""

    def at(day: Any) -> Any:
        if dialect_name() == "postgresql":
            return type_coerce(running, ARRAY)[day + 1]
        return func.json_extract(running, "$[" + cast(day, String()) + "]", type_=Integer())

    return at(last) - at(before), at(last + DAYS) - at(before + DAYS)


def summed(day: Any, minutes: Any, services: Any) -> ColumnElement[Any]:
    """Running sums of what was given on some days of a month, to be grouped by that."""
    of_month = extract("day", day)
    numbers = [func.sum(case((of_month <= upto, number), else_=0))
               for number in (minutes, services) for upto in range(DAYS)]  # fmt: skip
    if dialect_name() == "postgresql":
        return cast(postgresql.array(numbers), ARRAY)
    return func.json_array(*numbers, type_=JSON())
