"""Figures counted from rows that carry their own dates: who was there when a period ended, who came or went in it.

Each capability names its rows and what one of them counts for; one statement then answers for several periods, and for
several capabilities, at once. Rows stand in the tree where their unit stands now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Select,
    SQLColumnExpression,
    String,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from core import clock
from core.database import UtcDateTime, fast
from core.days import first_of_month, month_of
from core.web import paging


@dataclass(frozen=True)
class Days:
    """A period inside a statement: its first and last day, the moments at which it begins and is over, and the present
    one."""

    first: ColumnElement[Any]
    last: ColumnElement[Any]
    start: ColumnElement[Any]
    end: ColumnElement[Any]
    now: ColumnElement[Any]


Count = Callable[[Days], ColumnElement[int]]
"""What a row adds to a figure of a period: one or nothing, or an amount."""


@dataclass(frozen=True)
class Rows:
    """Rows of one table with what hangs on it. ``path`` is where a row stands, ``key`` tells it from the others.

    ``counts``: by name of the measure what a row counts for; of a rate, above and below the line. ``cuts``: columns
    by other dimensions. ``shown``: columns of the list behind a figure, which may hold names. ``when``: the moment or
    the day at which a row counts, if it counts in the period of that alone; lists then have the newest first.
    """

    rows: FromClause
    path: SQLColumnExpression[str]
    key: SQLColumnExpression[str]
    counts: Mapping[str, Count | tuple[Count, Count]]
    shown: Sequence[SQLColumnExpression[Any]] = ()
    cuts: Mapping[str, SQLColumnExpression[str]] = field(default_factory=dict)
    when: SQLColumnExpression[Any] | None = None

    @property
    def by_day(self) -> bool:
        """Whether rows count on a day, and not at a moment."""
        return isinstance(getattr(self.when, "type", None), Date)

    def parts(self, name: str) -> tuple[Count, ...]:
        """What is added up for a measure: one sum, or the two of a rate."""
        found = self.counts[name]
        return found if isinstance(found, tuple) else (found,)


@dataclass(frozen=True)
class Span:
    """A period that is asked for, and the key under which its figures go (none: by what the statement is cut by)."""

    first: date
    last: date
    key: str | None = None


Sums = dict[str, dict[str, tuple[int, ...]]]
"""By key, by name of the measure: its sum, or the two of a rate."""


def _within(span: Span) -> Days:
    start, end = clock.day_bounds(span.first)[0], clock.day_bounds(span.last)[1]
    return Days(*[bindparam(None, day, type_=Date()) for day in (span.first, span.last)],
                *[bindparam(None, moment, type_=UtcDateTime()) for moment in (start, end, clock.now())])  # fmt: skip


def months(first: date, last: date) -> Iterator[Span]:
    """The months of a period under their names, those at its edges as far as they lie in it."""
    while first <= last:
        yield Span(first, min(last, clock.month_end(first)), f"{first:%Y-%m}")
        first = clock.next_month(first)


def sums(
    wanted: Sequence[tuple[Rows, Sequence[str]]], path: str, spans: Sequence[Span], by: str, only: Mapping[str, str]
) -> list[Sums]:
    """The sums of measures below a path, for each span, cut by ``unit``, by a column of the rows, or in all; for
    ``month`` the spans are months."""
    in_one, others = [[one for one in wanted if (by == "month" and one[0].when is not None) is lies]
                      for lies in (True, False)]  # fmt: skip
    found: list[Sums] = _by_span(others, path, spans, by, only) if others else [{} for _ in spans]
    if in_one:
        for of, more in zip(found, _by_month(in_one, path, spans, only), strict=True):
            for key, numbers in more.items():
                of[key] = of.get(key, {}) | numbers
    return found


def _by_span(
    wanted: Sequence[tuple[Rows, Sequence[str]]], path: str, spans: Sequence[Span], by: str, only: Mapping[str, str]
) -> list[Sums]:
    flat = [(rows, name, count, n) for rows, names in wanted for name in names for count in rows.parts(name)
            for n in range(len(spans))]  # fmt: skip
    days = [_within(span) for span in spans]
    parts: list[Select[Any]] = []
    for rows, _ in wanted:
        own = [func.coalesce(func.sum(count(days[n])), 0) if of is rows else literal_column("0")
               for of, _, count, n in flat]  # fmt: skip
        keys = [rows.path, rows.cuts[by]] if by in rows.cuts else [rows.path, literal("")]
        below = _narrowed(select(*keys, *own).select_from(rows.rows), rows, path, only, spans)
        parts.append(below.group_by(rows.path, *keys[1:2] if by in rows.cuts else ()))
    totals: dict[str, list[int]] = {}
    for at, cut, *numbers in fast().execute(union_all(*parts) if len(parts) > 1 else parts[0]):
        key = unit_key(path, at) if by == "unit" else cut or ""
        held = totals.get(key)
        totals[key] = numbers if held is None else [a + b for a, b in zip(held, numbers, strict=True)]
    found: list[Sums] = [defaultdict(dict) for _ in spans]
    for key, numbers in totals.items():
        for (_, name, _, n), number in zip(flat, numbers, strict=True):
            span = spans[n]
            of = found[n][key if span.key is None else span.key]
            of[name] = (*of.get(name, ()), int(number))
    return found


def _by_month(
    wanted: Sequence[tuple[Rows, Sequence[str]]], path: str, spans: Sequence[Span], only: Mapping[str, str]
) -> list[Sums]:
    """The same of rows each of which lies in one month, and so need not be looked at for all of them."""
    flat = [(rows, name, count) for rows, names in wanted for name in names for count in rows.parts(name)]
    whole = _within(_whole(spans))
    parts: list[Select[Any]] = []
    for rows, _ in wanted:
        own = [func.sum(count(whole)) if of is rows else literal_column("0") for of, _, count in flat]
        month = first_of_month(rows.when) if rows.by_day else month_of(rows.when)
        months = select(cast(month, String()), *own).select_from(rows.rows)
        parts.append(_narrowed(months, rows, path, only, spans).group_by(literal_column("1")))
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * len(flat))
    for month, *numbers in fast().execute(union_all(*parts) if len(parts) > 1 else parts[0]):
        totals[month[:7]] = [a + int(b) for a, b in zip(totals[month[:7]], numbers, strict=True)]
    found: list[Sums] = []
    for span in spans:
        of: dict[str, tuple[int, ...]] = {}
        for (_, name, _), number in zip(flat, totals[f"{span.first:%Y-%m}"], strict=True):
            of[name] = (*of.get(name, ()), number)
        found.append({span.key or "": of})
    return found


def _whole(spans: Sequence[Span]) -> Span:
    return Span(min(span.first for span in spans), max(span.last for span in spans))


def _narrowed(statement: Any, rows: Rows, path: str, only: Mapping[str, str], spans: Sequence[Span]) -> Any:
    inside = [rows.cuts[name] == key for name, key in only.items() if name in rows.cuts]
    if rows.when is not None:
        whole = _within(_whole(spans))
        if rows.by_day:
            inside.append(rows.when.between(whole.first, whole.last))
        else:
            inside += [rows.when >= whole.start, rows.when < whole.end]
    return statement.where(rows.path.like(path + "%"), *inside)


def unit_key(path: str, at: str) -> str:
    """The unit right below ``path`` under which something at ``at`` stands; ``""`` for what is at the path itself."""
    return at.removeprefix(path).partition("/")[0]


def behind(
    rows: Rows, path: str, name: str, span: Span, cursor: str | None, limit: int, only: Mapping[str, str]
) -> paging.Page[Any]:
    """The rows that a figure counts, in the order of their keys, or the newest first; for a rate those below the line,
    ``counts`` telling whether a row is above it."""
    counts = [count(_within(span)) for count in rows.parts(name)]
    keys: dict[str, Any] = {"row_key": rows.key} if rows.when is None else {"row_at": rows.when, "row_key": rows.key}
    named = [column.label(label) for label, column in keys.items()]
    listed = select(*named, *rows.shown, counts[0].label("counts")).select_from(rows.rows)
    statement = _narrowed(listed, rows, path, only, [span]).where(counts[-1] != 0)
    kinds = [date if rows.by_day else datetime, str][-len(keys) :]
    paged = paging.after(statement, list(keys.values()), kinds, cursor, limit, descending=rows.when is not None)
    return paging.page_of(fast().execute(paged).all(), limit, lambda row: [getattr(row, label) for label in keys])
