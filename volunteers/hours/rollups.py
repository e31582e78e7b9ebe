"""Moving entries from the tail into the months, proving that the months equal the entries, and making them anew.

Whoever moves sums holds the one row of ``hour_rollup`` meanwhile, so that two at once do not count an entry twice.
Readers never wait: a statement that adds months and tail sees both before a move, or both after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, literal_column, select, union_all, update

from community.grid.models import Estate, Person
from core import clock
from core.database import begin_write, db, fast
from core.days import month_of
from core.rows import Merge, put
from volunteers.hours.models import HourEntry, HourMonth, HourRollup, HourTail, HourTotal
from volunteers.hours.sums import parts, sign
from volunteers.registry.models import Volunteer

BATCH = 1000
VOLUNTEERS = 200
Key = tuple[str, str, date]


@dataclass(frozen=True)
class Difference:
    """A month of a volunteer, or (without a month) all of them, whose sum is not what its entries amount to."""

    volunteer_id: str
    name: str
    number: str
    estate_id: str
    estate_name: str
    month: date | None
    kept: int
    given: int
    kept_services: int
    given_services: int

    def told(self) -> str:
        """The difference in words."""
        off = self.given - self.kept
        count = self.given_services - self.kept_services
        what = f"明细{self.given}分钟，汇总{self.kept}分钟，差{off:+d}分钟" if off else f"次数差{count:+d}"
        when = f"{self.month.year}年{self.month.month}月" if self.month else "累计"
        return f"{self.estate_name}{self.name}（{self.number}）{when}：{what}"


def fold(limit: int = BATCH) -> int:
    """Take entries from the tail into their months, ``limit`` at most; returns how many. Commits."""
    _hold()
    oldest = select(HourTail.entry_id).order_by(HourTail.recorded_at, HourTail.entry_id).limit(limit)
    gone = delete(HourTail).where(HourTail.entry_id.in_(oldest)).returning(
        HourTail.volunteer_id, HourTail.estate_id, HourTail.month, HourTail.minutes, HourTail.recorded_at
    )  # fmt: skip
    rows = db.session.execute(gone.execution_options(synchronize_session=False)).all()
    sums: dict[Key, list[Any]] = defaultdict(lambda: [0, 0, None])
    for volunteer_id, estate_id, month, minutes, recorded_at in rows:
        held = sums[volunteer_id, estate_id, month]
        held[0] += minutes
        held[1] += 1 if minutes > 0 else -1
        held[2] = max(held[2] or recorded_at, recorded_at)
    if sums:
        _add(sums)
    db.session.commit()
    return len(rows)


def _hold() -> None:
    """Begin to write, and keep everybody else who moves sums waiting until the commit."""
    begin_write()
    own = update(HourRollup).where(HourRollup.id == 1).values(id=1)
    db.session.execute(own.execution_options(synchronize_session=False))


def _add(sums: dict[Key, list[Any]]) -> None:
    adding: dict[str, Merge] = {"minutes": "add", "services": "add"}
    put(HourMonth, [_row(key, held) for key, held in sorted(sums.items())], {**adding, "watermark": "replace"})
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (volunteer_id, _, _), (minutes, services, _) in sums.items():
        totals[volunteer_id][0] += minutes
        totals[volunteer_id][1] += services
    rows = [{"volunteer_id": who, "minutes": a, "services": b} for who, (a, b) in sorted(totals.items())]
    put(HourTotal, rows, adding)


def _row(key: Key, held: Sequence[Any]) -> dict[str, Any]:
    names = ("volunteer_id", "estate_id", "month", "minutes", "services", "watermark")
    return dict(zip(names, (*key, *held), strict=True))


def differences(estate_ids: Iterable[str] | None = None, limit: int = 500) -> list[Difference]:
    """Every month whose sum (with what is on the tail) is not the sum of its entries, and totals of volunteers whose
    months are right."""
    entries = HourEntry.__table__
    month = month_of(entries.c.starts_at)
    given = select(entries.c.volunteer_id, entries.c.estate_id, month.label("month"), entries.c.minutes,
                   sign(entries.c.minutes).label("services"))  # fmt: skip
    by_month = _differing(parts(), given, ("volunteer_id", "estate_id", "month"), estate_ids, limit)
    kept = select(HourTotal.volunteer_id, HourTotal.minutes, HourTotal.services)
    tail = select(HourTail.volunteer_id, HourTail.minutes, sign(HourTail.minutes))
    in_all = _differing(kept.union_all(tail), given, ("volunteer_id",), estate_ids, limit)
    named = {one.volunteer_id for one in by_month}
    return [*by_month, *[one for one in in_all if one.volunteer_id not in named]][:limit]


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
    d = wrong.having((sums[0] != sums[1]) | (sums[2] != sums[3])).subquery().c
    months = [d.month] if "month" in keys else []
    estate = d.estate_id if "estate_id" in keys else Volunteer.estate_id
    named = (
        select(Volunteer.person_id, Person.name, Volunteer.number, Estate.id, Estate.name,
               *(months or [literal_column("NULL")]),
               *[d[f"n{n}"] for n in range(len(sums))])
        .join(Volunteer, Volunteer.person_id == d.volunteer_id)
        .join(Person, Person.id == d.volunteer_id)
        .join(Estate, Estate.id == estate)
        .order_by(Estate.name, *months, Volunteer.person_id)
        .limit(limit)
    )  # fmt: skip
    if estate_ids is not None:
        named = named.where(Estate.id.in_(list(estate_ids)))
    rows = fast().execute(named).all()
    return [Difference(*row[:6], *[int(value) for value in row[6:]]) for row in rows]


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
    for table in (HourTail, HourMonth, HourTotal):
        db.session.execute(delete(table).where(table.volunteer_id.in_(people)).execution_options(**quietly))
    month = month_of(HourEntry.starts_at)
    waiting = select(HourTail.entry_id).where(HourTail.entry_id == HourEntry.id).exists()
    c = (
        select(HourEntry.volunteer_id, HourEntry.estate_id, month.label("month"), HourEntry.minutes,
               HourEntry.recorded_at)
        .where(HourEntry.volunteer_id.in_(people), ~waiting)
        .subquery()
        .c
    )  # fmt: skip
    sums = select(
        c.volunteer_id, c.estate_id, c.month, func.sum(c.minutes), func.sum(sign(c.minutes)), func.max(c.recorded_at)
    ).group_by(c.volunteer_id, c.estate_id, c.month)
    names = ["volunteer_id", "estate_id", "month", "minutes", "services", "watermark"]
    db.session.execute(insert(HourMonth).from_select(names, sums))
    months = select(HourMonth.volunteer_id, func.sum(HourMonth.minutes), func.sum(HourMonth.services))
    months = months.where(HourMonth.volunteer_id.in_(people)).group_by(HourMonth.volunteer_id)
    db.session.execute(insert(HourTotal).from_select(["volunteer_id", "minutes", "services"], months))


def prove() -> list[Difference]:
    """Compare, and note that it was done. Commits."""
    found = differences()
    proved(clock.now())
    return found
