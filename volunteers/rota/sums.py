"""What shifts add up to, by post, day and month: sums made by a job, and exact with the rows they have not taken in.

There are sums of the days before ``ShiftRollup.upto``. A trigger notes each day of a post on which something was
written since; until the job makes the sums of such a day anew, readers count its rows and leave its sum out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSON

from core import clock
from core.database import UtcDateTime, begin_write, db, dialect_name, fast, remembered
from core.days import day_of
from core.rows import JsonRows, json_rows
from volunteers.rota.models import (
    HOLDING,
    Rota,
    Shift,
    ShiftLog,
    ShiftLogSum,
    ShiftPlace,
    ShiftRollup,
    ShiftState,
    ShiftSum,
    ShiftTail,
    State,
)

CAME = (State.PRESENT, State.DONE)
EXPECTED = (*HOLDING, State.NO_SHOW)
NUMBERS = ("shifts", "places", "filled", "expected", "came", "missed")
BATCH = 1000
Sum = type[ShiftSum] | type[ShiftLogSum]
NUMBERS_OF: Mapping[Sum, tuple[str, ...]] = {ShiftSum: NUMBERS, ShiftLogSum: ("number",)}


# Rows


@dataclass(frozen=True)
class Window:
    """Days of a post whose rows are counted, both included. ``summed``: they have sums, which no longer hold."""

    rota_id: str
    first: date
    last: date
    summed: bool

    def row(self) -> dict[str, Any]:
        """The window as a parameter."""
        start, end = clock.day_bounds(self.first)[0], clock.day_bounds(self.last)[1]
        return {"rota_id": self.rota_id, "first": self.first, "last": self.last, "since": start, "until": end,
                "month": clock.first_of("m", self.first), "month_end": clock.last_of("m", self.first),
                "summed": int(self.summed)}  # fmt: skip


@cache
def _windows(dialect: str) -> Any:
    days = dict.fromkeys(("first", "last", "month", "month_end"), Date())
    moments = dict.fromkeys(("since", "until"), UtcDateTime())
    columns: dict[str, Any] = {"rota_id": String(), **days, **moments, "summed": Integer()}
    found = json_rows(dialect, bindparam("windows", type_=JsonRows()), columns)
    if dialect == "postgresql":
        return found
    # SQLite would read the parameter anew for each row that it holds against it.
    return select(found).cte("windows").prefix_with("MATERIALIZED")


def _values(windows: Sequence[Window]) -> dict[str, Any]:
    rows = [one.row() for one in windows]
    return {"windows": rows, "now": clock.now(), "oldest": min((row["since"] for row in rows), default=clock.now())}


_OLDEST = bindparam("oldest", type_=UtcDateTime())
"""When the first window begins: only from a moment that it is told does PostgreSQL see how little is asked for."""


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _of_shifts(dialect: str) -> Select[Any]:
    """The numbers of the days in the windows, from the shifts and who was in them."""
    windows = _windows(dialect)
    state = ShiftPlace.state
    counted = [func.sum(_flag(state.in_(states))) for states in (EXPECTED, CAME, (State.NO_SHOW,))]
    c = (
        select(Shift.rota_id, day_of(Shift.starts_at).label("period"), Shift.places,
               *[column.label(name) for name, column in zip(("expected", "came", "missed"), counted, strict=True)])
        .join(windows, windows.c.rota_id == Shift.rota_id)
        .outerjoin(ShiftPlace, ShiftPlace.shift_id == Shift.id)
        .where(Shift.starts_at >= _OLDEST, Shift.starts_at >= windows.c.since, Shift.starts_at < windows.c.until,
               Shift.starts_at <= bindparam("now", type_=UtcDateTime()), Shift.state == ShiftState.PLANNED)
        .group_by(Shift.id, Shift.rota_id, Shift.starts_at, Shift.places)
        .subquery()
        .c
    )  # fmt: skip
    filled = case((c.expected > c.places, c.places), else_=c.expected)
    numbers = [func.count(), *[func.sum(of) for of in (c.places, filled, c.expected, c.came, c.missed)]]
    named = [number.label(name) for name, number in zip(NUMBERS, numbers, strict=True)]
    return select(c.rota_id, c.period, *named).group_by(c.rota_id, c.period)


def each_count(dialect: str) -> Any:
    """What a line of a log counted, as rows of counter (``key``) and number (``value``)."""
    if dialect == "postgresql":
        return func.json_each_text(cast(ShiftLog.counts, JSON)).table_valued("key", "value").lateral()
    return func.json_each(ShiftLog.counts).table_valued("key", "value")


def _of_logs(dialect: str) -> Select[Any]:
    """What was counted on the days in the windows, by counter, from the logs."""
    windows, each = _windows(dialect), each_count(dialect)
    day = day_of(ShiftLog.at).label("period")
    return (
        select(Shift.rota_id, day, each.c.key.label("counter"),
               func.sum(cast(each.c.value, Integer())).label("number"))
        .select_from(ShiftLog)
        .join(Shift, Shift.id == ShiftLog.shift_id)
        .join(windows, windows.c.rota_id == Shift.rota_id)
        .join(each, true())
        .where(ShiftLog.at >= _OLDEST, ShiftLog.at >= windows.c.since, ShiftLog.at < windows.c.until)
        .group_by(Shift.rota_id, day, each.c.key)
    )  # fmt: skip


_ROWS = {ShiftSum: _of_shifts, ShiftLogSum: _of_logs}


# Reading


@dataclass(frozen=True)
class Part:
    """What shifts add up to in ``NUMBERS``, or logs in one for their counter: of a post, or of a day or month."""

    path: str
    period: date
    counter: str
    numbers: tuple[int, ...]


_POSTS = (
    select(Rota.id, Rota.path, select(ShiftRollup.upto).scalar_subquery(), ShiftTail.day)
    .outerjoin(ShiftTail, ShiftTail.rota_id == Rota.id)
    .where(Rota.path.like(bindparam("path")))
    .distinct()
    .order_by(Rota.id, ShiftTail.day)
)


@cache
def _statement(by_period: bool, parts: int, dialect: str) -> Any:
    """Sums of the parts of a period without those that no longer hold, and the rows instead of them."""
    return union_all(*[_sums(table, by_period, parts, dialect) for table in NUMBERS_OF])


def _sums(table: Sum, by_period: bool, parts: int, dialect: str) -> Any:
    counter: Any = table.counter if table is ShiftLogSum else literal_column("''").label("counter")
    keys, names = [table.rota_id, table.period, counter], NUMBERS_OF[table]
    kept = [
        select(*keys, *[getattr(table, name) for name in names]).where(
            table.rota_id.in_(bindparam("posts", expanding=True)), table.grain == bindparam(f"grain{n}"),
            table.period.between(bindparam(f"first{n}", type_=Date()), bindparam(f"last{n}", type_=Date())),
        )
        for n in range(parts)
    ]  # fmt: skip
    windows = _windows(dialect)
    stale = select(*keys, *[(-getattr(table, name)).label(name) for name in names]).join(
        windows, (windows.c.rota_id == table.rota_id) & (windows.c.first == table.period) & (windows.c.summed == 1)
    )
    rows = _ROWS[table](dialect).subquery().c
    named = rows.counter if table is ShiftLogSum else counter
    counted = select(rows.rota_id, rows.period, named, *[rows[name] for name in names])
    c = union_all(*kept, stale.where(table.grain == "d"), counted).subquery().c
    groups = [c.period if by_period else c.rota_id, c.counter]
    nothing: list[Any] = [literal_column("0")] * (len(NUMBERS) - len(names))
    return select(*groups, *[func.sum(c[name]) for name in names], *nothing).group_by(*groups)


def read(path: str, first: date, last: date, by_period: bool = False) -> list[Part]:
    """What shifts below a path, and what their logs, add up to from a day to another: by post, or by day and month."""
    posts: dict[str, str] = {}
    windows: list[Window] = []
    upto = date.min
    asked = {"path": path + "%"}
    for rota_id, at, upto, day in remembered(("posts", path), lambda: fast().execute(_POSTS, asked).all()):
        if rota_id not in posts:
            posts[rota_id] = at
            windows.append(Window(rota_id, max(first, upto), last, False))
        if day is not None and first <= day <= last and day < upto:
            windows.append(Window(rota_id, day, day, True))
    if not posts:
        return []
    before = upto - timedelta(days=1)
    parts = clock.cover(first, min(last, before), ("m", "d"), goes_on=last >= before)
    values = _values([one for one in windows if one.first <= one.last]) | {"posts": list(posts)}
    for n, part in enumerate(parts):
        values |= dict(zip((f"grain{n}", f"first{n}", f"last{n}"), part, strict=True))
    found = fast().execute(_statement(by_period, len(parts), dialect_name()), values)
    return [
        Part("" if by_period else posts[key], key if by_period else first, counter, tuple(map(int, numbers)))
        for key, counter, *numbers in found
    ]


# Making the sums


def fold(limit: int = BATCH) -> int:
    """Make the sums of days on which something was written, ``limit`` writings at most, and of those of a month that
    have gone by; returns how much was done, nothing when nothing is left. Commits."""
    begin_write()
    own = update(ShiftRollup).where(ShiftRollup.id == 1).values(id=1).returning(ShiftRollup.upto)
    upto = db.session.scalars(own.execution_options(synchronize_session=False)).one()
    oldest = select(ShiftTail.id).order_by(ShiftTail.id).limit(limit)
    gone = delete(ShiftTail).where(ShiftTail.id.in_(oldest)).returning(ShiftTail.rota_id, ShiftTail.day)
    written = db.session.execute(gone.execution_options(synchronize_session=False)).all()
    days = sorted({(row.rota_id, row.day) for row in written})
    windows = [Window(rota_id, day, day, True) for rota_id, day in days if day < upto]
    done = len(written)
    if (first := max(upto, _first_day())) < clock.today():
        until = min(clock.next_month(first), clock.today())
        posts = db.session.scalars(select(Rota.id).order_by(Rota.id))
        windows += [Window(rota_id, first, until - timedelta(days=1), False) for rota_id in posts]
        db.session.execute(update(ShiftRollup).values(upto=until).execution_options(synchronize_session=False))
        done += 1
    if windows:
        _remake(windows)
    db.session.commit()
    return done


def _first_day() -> date:
    """The first day on which anything was; today when nothing was."""
    moments = db.session.execute(
        select(select(func.min(Shift.starts_at)).scalar_subquery(), select(func.min(ShiftLog.at)).scalar_subquery())
    ).one()
    return min([clock.local(moment).date() for moment in moments if moment], default=clock.today())


def _remake(windows: Sequence[Window]) -> None:
    """The sums of days, none of which are in two months at once, and of their months."""
    values = _values(windows)
    dialect = dialect_name()
    w = _windows(dialect).c
    months = select(w.rota_id, w.month, w.month_end).distinct().subquery()
    for table, names in NUMBERS_OF.items():
        counter = ["counter"] if table is ShiftLogSum else []
        days, c = _ROWS[table](dialect).subquery().c, table.__table__.c
        by_month = (
            select(c.rota_id, literal("m"), months.c.month, *[c[name] for name in counter],
                   *[func.sum(c[name]) for name in names])
            .join(months, (months.c.rota_id == c.rota_id) & c.period.between(months.c.month, months.c.month_end))
            .where(c.grain == "d")
            .group_by(c.rota_id, months.c.month, *[c[name] for name in counter])
        )  # fmt: skip
        by_day = select(days.rota_id, literal("d"), days.period, *[days[name] for name in (*counter, *names)])
        for grain, first, last, made in (("d", w.first, w.last, by_day), ("m", w.month, w.month, by_month)):
            # Looked up by the windows, or SQLite goes through all windows for each sum there is.
            key = c.rota_id, c.grain, c.period
            own = (w.rota_id == c.rota_id) & (c.grain == grain) & c.period.between(first, last)
            old = delete(table).where(tuple_(*key).in_(select(*key).join_from(w.rota_id.table, c.rota_id.table, own)))
            db.session.execute(old.execution_options(synchronize_session=False), values)
            columns = ["rota_id", "grain", "period", *counter, *names]
            db.session.execute(insert(table).from_select(columns, made.params(values)))


# Proving


@dataclass(frozen=True)
class Difference:
    """A sum of a post that does not hold: of a day, or of a month that its days do not add up to."""

    post: str
    grain: str
    period: date
    name: str
    kept: int
    counted: int


def differences() -> Iterator[Difference]:
    """Every sum that does not hold; days that are yet to be made anew are not looked at."""
    upto = db.session.scalars(select(ShiftRollup.upto)).one()
    stale = set(map(tuple, db.session.execute(select(ShiftTail.rota_id, ShiftTail.day))))
    for rota_id, post in db.session.execute(select(Rota.id, Rota.name).order_by(Rota.id)).all():
        for table, names in NUMBERS_OF.items():
            yield from _differences_of(table, names, rota_id, post, upto, stale)


def _differences_of(
    table: Sum, names: Sequence[str], rota_id: str, post: str, upto: date, stale: set[Any]
) -> Iterator[Difference]:
    def keyed(row: Any, grain: str) -> tuple[str, date, str]:
        return grain, row.period, row.counter if table is ShiftLogSum else ""

    kept: dict[tuple[str, date, str], list[int]] = {}
    months: dict[tuple[str, date, str], list[int]] = {}
    for row in db.session.execute(select(table.__table__).where(table.rota_id == rota_id)):
        numbers = kept[keyed(row, row.grain)] = [getattr(row, name) for name in names]
        if row.grain == "d":
            month = "m", clock.first_of("m", row.period), keyed(row, "m")[2]
            months[month] = [a + b for a, b in zip(months.get(month, [0] * len(names)), numbers, strict=True)]
    whole = Window(rota_id, date(2000, 1, 1), upto - timedelta(days=1), True)
    rows = db.session.execute(_ROWS[table](dialect_name()), _values([whole])).all()
    right = months | {keyed(row, "d"): [int(getattr(row, name)) for name in names] for row in rows}
    for key in sorted({*kept, *right}):
        if key[0] == "d" and (rota_id, key[1]) in stale:
            continue
        pairs = zip(names, kept.get(key, [0] * len(names)), right.get(key, [0] * len(names)), strict=True)
        yield from (Difference(post, key[0], key[1], key[2] or name, a, b) for name, a, b in pairs if a != b)


def rebuild() -> int:
    """Have all sums made anew; returns of how many days of posts. What is interrupted goes on with the next ``fold``,
    and readers see exact figures all the while. Commits."""
    shifts = select(Shift.rota_id, day_of(Shift.starts_at))
    logs = select(Shift.rota_id, day_of(ShiftLog.at)).join(Shift, Shift.id == ShiftLog.shift_id)
    sums = [select(table.rota_id, table.period).where(table.grain == "d") for table in NUMBERS_OF]
    days = union(shifts, logs, *sums).subquery()
    begin_write()
    db.session.execute(insert(ShiftTail).from_select(["rota_id", "day"], select(days)))
    marked = int(db.session.scalar(select(func.count()).select_from(days)) or 0)
    db.session.commit()
    while fold():
        pass
    return marked
