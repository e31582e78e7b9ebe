"""Moving entries from the tail into the months, proving that the months equal the entries, and making them anew.

Whoever moves sums holds the one row of ``hour_rollup`` meanwhile, so that two at once do not count an entry twice.
Readers never wait: a statement that adds months and tail sees both before a move, or both after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    extract,
    func,
    insert,
    literal_column,
    select,
    union_all,
    update,
)

from community.grid.models import Estate, Person
from core import clock
from core.database import begin_write, db, fast
from core.days import day_of, first_of_month, month_of
from core.rows import Merge, put
from volunteers.hours import running
from volunteers.hours.models import HourEntry, HourMonth, HourRollup, HourTail, HourTotal, HourYear
from volunteers.hours.sums import parts, sign
from volunteers.registry.models import Volunteer

BATCH = 1000
VOLUNTEERS = 200
KEY = ("volunteer_id", "estate_id", "month")
Key = tuple[str, str, date]


@dataclass(frozen=True)
class Difference:
    """A month or year of a volunteer, or (without either) all of them, whose sum is not what its entries amount to."""

    volunteer_id: str
    name: str
    number: str
    estate_id: str
    estate_name: str
    month: date | None
    year: int | None
    kept: int
    given: int
    kept_services: int
    given_services: int

    def told(self) -> str:
        """The difference in words."""
        off = self.given - self.kept
        count = self.given_services - self.kept_services
        what = f"明细{self.given}分钟，汇总{self.kept}分钟，差{off:+d}分钟" if off else f"次数差{count:+d}"
        what = what if off or count else "当月逐日的累计与明细不符"
        year = f"{self.year}年" if self.year else "累计"
        when = f"{self.month.year}年{self.month.month}月" if self.month else year
        return f"{self.estate_name}{self.name}（{self.number}）{when}：{what}"


def fold(limit: int = BATCH) -> int:
    """Take entries from the tail into their months, ``limit`` at most; returns how many. Commits."""
    _hold()
    oldest = (
        select(HourTail.entry_id, HourTail.volunteer_id, HourTail.estate_id, HourTail.month, HourTail.minutes,
               HourTail.recorded_at, HourEntry.starts_at)
        .join(HourEntry, HourEntry.id == HourTail.entry_id)
        .order_by(HourTail.recorded_at, HourTail.entry_id)
        .limit(limit)
    )  # fmt: skip
    rows = db.session.execute(oldest).all()
    added: dict[Key, Added] = defaultdict(Added)
    for _, volunteer_id, estate_id, month, minutes, recorded_at, starts_at in rows:
        added[volunteer_id, estate_id, month].take(minutes, clock.local(starts_at).day, recorded_at)
    if rows:
        gone = delete(HourTail).where(HourTail.entry_id.in_([row.entry_id for row in rows]))
        db.session.execute(gone.execution_options(synchronize_session=False))
        _add(added)
    db.session.commit()
    return len(rows)


def _hold() -> None:
    """Begin to write, and keep everybody else who moves sums waiting until the commit."""
    begin_write()
    own = update(HourRollup).where(HourRollup.id == 1).values(id=1)
    db.session.execute(own.execution_options(synchronize_session=False))


@dataclass
class Added:
    """What entries add to a month: minutes and services by the day of it, and when the last of them was recorded."""

    days: dict[int, running.Amount] = field(default_factory=dict)
    watermark: datetime | None = None

    def take(self, minutes: int, day: int, recorded_at: datetime) -> None:
        """One entry more."""
        had = self.days.get(day, (0, 0))
        self.days[day] = had[0] + minutes, had[1] + (1 if minutes > 0 else -1)
        self.watermark = max(self.watermark or recorded_at, recorded_at)

    def total(self) -> running.Amount:
        """Minutes and services of all days."""
        return sum(minutes for minutes, _ in self.days.values()), sum(services for _, services in self.days.values())


def _add(added: dict[Key, Added]) -> None:
    grown = _grown(added)
    months: list[dict[str, Any]] = []
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    years: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for key, one in sorted(added.items()):
        minutes, services = one.total()
        volunteer_id, estate_id, month = key
        months.append(dict(zip(KEY, key, strict=True)) | {
            "minutes": minutes, "services": services, "watermark": one.watermark, "running": grown[key]
        })  # fmt: skip
        for sums in (totals[volunteer_id], years[volunteer_id, month.year, estate_id]):
            sums[0] += minutes
            sums[1] += services
    adding: dict[str, Merge] = {"minutes": "add", "services": "add"}
    put(HourMonth, months, {**adding, "watermark": "replace", "running": "replace"})
    rows = [{"volunteer_id": who, "minutes": a, "services": b} for who, (a, b) in sorted(totals.items())]
    put(HourTotal, rows, adding)
    put(HourYear, [{"volunteer_id": who, "year": year, "estate_id": where, "minutes": a, "services": b}
                   for (who, year, where), (a, b) in sorted(years.items())], adding)  # fmt: skip


def _grown(added: dict[Key, Added]) -> dict[Key, list[int]]:
    """The running sums of these months with what is added."""
    keys = [getattr(HourMonth, name) for name in KEY]
    some = [column.in_({key[n] for key in added}) for n, column in enumerate(keys)]
    held = {tuple(row[:-1]): row[-1] for row in db.session.execute(select(*keys, HourMonth.running).where(*some))}
    return {key: running.grown(held.get(key, ()), one.days) for key, one in added.items()}


def differences(estate_ids: Iterable[str] | None = None, limit: int = 500) -> list[Difference]:
    """Every month whose sum (with what is on the tail) is not the sum of its entries, and years and totals of
    volunteers whose months are right."""
    entries = HourEntry.__table__
    month = month_of(entries.c.starts_at)
    given = select(entries.c.volunteer_id, entries.c.estate_id, month.label("month"), entries.c.minutes,
                   sign(entries.c.minutes).label("services"))  # fmt: skip
    by_month = _differing(parts(), given, KEY, estate_ids, limit)
    kept = select(HourTotal.volunteer_id, HourTotal.minutes, HourTotal.services)
    tail = select(HourTail.volunteer_id, HourTail.minutes, sign(HourTail.minutes))
    in_all = _differing(kept.union_all(tail), given, ("volunteer_id",), estate_ids, limit)
    named = {one.volunteer_id for one in by_month}
    years = select(HourYear.volunteer_id, HourYear.estate_id, HourYear.year, HourYear.minutes, HourYear.services)
    by_year = _differing(years, from_months(), ("volunteer_id", "estate_id", "year"), estate_ids, limit)
    more = [one for one in [*_misgrown(estate_ids, limit), *by_year, *in_all] if one.volunteer_id not in named]
    return [*by_month, *more][:limit]


def _misgrown(estate_ids: Iterable[str] | None, limit: int) -> list[Difference]:
    """Months whose sums did not grow day by day as their entries say."""
    given = from_entries().subquery().c
    same = [HourMonth.__table__.c[name] == given[name] for name in KEY]
    numbers = [HourMonth.minutes, HourMonth.minutes, HourMonth.services, HourMonth.services]
    wrong = (
        select(*[given[name] for name in KEY], *[number.label(f"n{n}") for n, number in enumerate(numbers)])
        .join(HourMonth, and_(*same))
        .where(HourMonth.running != given.running)
    )
    return _named(wrong, KEY, estate_ids, limit)


def _differing(
    kept: Any, given: Any, keys: tuple[str, ...], estate_ids: Iterable[str] | None, limit: int
) -> list[Difference]:
    zero: Any = literal_column("0")
    k, g = kept.subquery().c, given.subquery().c
    both = union_all(
        select(*[k[key] for key in keys], k.minutes.label("kept"), zero.label("given"), k.services.label("kept_n"),
               zero.label("given_n")),
        select(*[g[key] for key in keys], zero, g.minutes, zero, g.services),
    ).subquery()  # fmt: skip
    sums = [func.sum(both.c[name]) for name in ("kept", "given", "kept_n", "given_n")]
    groups = [both.c[key] for key in keys]
    wrong = select(*groups, *[total.label(f"n{n}") for n, total in enumerate(sums)]).group_by(*groups)
    return _named(wrong.having((sums[0] != sums[1]) | (sums[2] != sums[3])), keys, estate_ids, limit)


def _named(wrong: Any, keys: tuple[str, ...], estate_ids: Iterable[str] | None, limit: int) -> list[Difference]:
    d = wrong.subquery().c
    when: list[Any] = [d[name] if name in keys else literal_column("NULL") for name in ("month", "year")]
    estate = d.estate_id if "estate_id" in keys else Volunteer.estate_id
    named = (
        select(Volunteer.person_id, Person.name, Volunteer.number, Estate.id, Estate.name, *when,
               *[d[f"n{n}"] for n in range(4)])
        .join(Volunteer, Volunteer.person_id == d.volunteer_id)
        .join(Person, Person.id == d.volunteer_id)
        .join(Estate, Estate.id == estate)
        .order_by(Estate.name, *[d[name] for name in ("month", "year") if name in keys], Volunteer.person_id)
        .limit(limit)
    )  # fmt: skip
    if estate_ids is not None:
        named = named.where(Estate.id.in_(list(estate_ids)))
    rows = fast().execute(named).all()
    return [Difference(*row[:7], *[int(value) for value in row[7:]]) for row in rows]


def count_months() -> int:
    """How many sums there are."""
    return int(fast().execute(select(func.count()).select_from(HourMonth)).scalar_one())


def proved(at: datetime) -> None:
    """Note when the sums were compared last. Commits."""
    _hold()
    db.session.execute(
        update(HourRollup).where(HourRollup.id == 1).values(proved_at=at)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.commit()


def rebuild(from_start: bool = False) -> Iterator[int]:
    """Make all sums anew from the entries, some volunteers at a time, a commit each; tells how many are done.

    One that was interrupted goes on where it stopped. Entries may be written meanwhile.
    """
    done = 0
    while True:
        _hold()
        state = db.session.get_one(HourRollup, 1, populate_existing=True)
        after = "" if from_start or state.rebuilt_to is None else state.rebuilt_to
        from_start = False
        some = select(Volunteer.person_id).where(Volunteer.person_id > after).order_by(Volunteer.person_id)
        people = db.session.scalars(some.limit(VOLUNTEERS)).all()
        if people:
            _remake(people)
        state.rebuilt_to = people[-1] if people else None
        db.session.commit()
        if not people:
            return
        done += len(people)
        yield done


def _remake(people: Sequence[str]) -> None:
    """The sums of these volunteers from the entries. What is written in between stays on the tail."""
    quietly = {"synchronize_session": False}
    for table in (HourTail, HourMonth, HourYear, HourTotal):
        db.session.execute(delete(table).where(table.volunteer_id.in_(people)).execution_options(**quietly))
    sums = from_entries(HourEntry.volunteer_id.in_(people))
    db.session.execute(insert(HourMonth).from_select(sums.selected_columns.keys(), sums))
    years = from_months(HourMonth.volunteer_id.in_(people))
    db.session.execute(insert(HourYear).from_select(years.selected_columns.keys(), years))
    months = select(HourMonth.volunteer_id, func.sum(HourMonth.minutes), func.sum(HourMonth.services))
    months = months.where(HourMonth.volunteer_id.in_(people)).group_by(HourMonth.volunteer_id)
    db.session.execute(insert(HourTotal).from_select(["volunteer_id", "minutes", "services"], months))


def from_entries(*where: ColumnElement[bool]) -> Select[Any]:
    """The rows of months as the entries that are not on the tail make them."""
    waiting = select(HourTail.entry_id).where(HourTail.entry_id == HourEntry.id).exists()
    day = day_of(HourEntry.starts_at)
    of_day: list[Any] = [HourEntry.volunteer_id, HourEntry.estate_id, day.label("day")]
    given = select(
        *of_day, func.sum(HourEntry.minutes).label("minutes"), func.sum(sign(HourEntry.minutes)).label("services"),
        func.max(HourEntry.recorded_at).label("watermark"),
    )  # fmt: skip
    c = given.where(*where, ~waiting).group_by(*of_day).subquery().c
    keys = [c.volunteer_id, c.estate_id, first_of_month(c.day).label("month")]
    return select(
        *keys, func.sum(c.minutes).label("minutes"), func.sum(c.services).label("services"),
        func.max(c.watermark).label("watermark"), running.summed(c.day, c.minutes, c.services).label("running"),
    ).group_by(*keys)  # fmt: skip


def from_months(*where: ColumnElement[bool]) -> Select[Any]:
    """The rows of years as their months make them."""
    keys: list[Any] = [HourMonth.volunteer_id, HourMonth.estate_id, extract("year", HourMonth.month).label("year")]
    minutes, services = func.sum(HourMonth.minutes), func.sum(HourMonth.services)
    return select(*keys, minutes.label("minutes"), services.label("services")).where(*where).group_by(*keys)


def prove() -> list[Difference]:
    """Compare, and note that it was done. Commits."""
    found = differences()
    proved(clock.now())
    return found
