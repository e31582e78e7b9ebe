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
from sqlalchemy.dialects import postgresql, sqlite

from community.grid.models import Estate, Person
from core import clock
from core.database import begin_write, db, dialect_name, fast
from volunteers.hours.models import HourEntry, HourMonth, HourRollup, HourTail
from volunteers.hours.sums import month_of, parts, sign
from volunteers.registry.models import Volunteer

BATCH = 1000
VOLUNTEERS = 200
Key = tuple[str, str, date]


@dataclass(frozen=True)
class Difference:
    """A month of a volunteer whose sum is not what its entries amount to."""

    volunteer_id: str
    name: str
    number: str
    estate_id: str
    estate_name: str
    month: date
    kept: int
    given: int
    kept_services: int
    given_services: int

    def told(self) -> str:
        """The difference in words."""
        off = self.given - self.kept
        count = self.given_services - self.kept_services
        what = f"明细{self.given}分钟，汇总{self.kept}分钟，差{off:+d}分钟" if off else f"次数差{count:+d}"
        return f"{self.estate_name}{self.name}（{self.number}）{self.month.year}年{self.month.month}月：{what}"


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
    maker: Any = postgresql.insert if dialect_name() == "postgresql" else sqlite.insert
    more = maker(HourMonth)
    more = more.on_conflict_do_update(
        index_elements=["volunteer_id", "estate_id", "month"],
        set_={
            "minutes": HourMonth.minutes + more.excluded.minutes,
            "services": HourMonth.services + more.excluded.services,
            "watermark": more.excluded.watermark,
        },
    )
    db.session.execute(more, [_row(key, held) for key, held in sorted(sums.items())])


def _row(key: Key, held: Sequence[Any]) -> dict[str, Any]:
    names = ("volunteer_id", "estate_id", "month", "minutes", "services", "watermark")
    return dict(zip(names, (*key, *held), strict=True))


def differences(estate_ids: Iterable[str] | None = None, limit: int = 500) -> list[Difference]:
    """Every month whose sum (with what is on the tail) is not the sum of its entries, in one statement."""
    zero: Any = literal_column("0")
    kept = parts().subquery()
    month = month_of(HourEntry.starts_at)
    both = union_all(
        select(kept.c.volunteer_id, kept.c.estate_id, kept.c.month, kept.c.minutes.label("kept"), zero.label("given"),
               kept.c.services.label("kept_n"), zero.label("given_n")),
        select(HourEntry.volunteer_id, HourEntry.estate_id, month, zero, HourEntry.minutes, zero,
               sign(HourEntry.minutes)),
    ).subquery()  # fmt: skip
    c = both.c
    sums = [func.sum(column) for column in (c.kept, c.given, c.kept_n, c.given_n)]
    found = (
        select(c.volunteer_id, c.estate_id, c.month, *sums)
        .group_by(c.volunteer_id, c.estate_id, c.month)
        .having((sums[0] != sums[1]) | (sums[2] != sums[3]))
    )
    if estate_ids is not None:
        found = found.where(c.estate_id.in_(list(estate_ids)))
    d = found.subquery()
    named = (
        select(Volunteer.person_id, Person.name, Volunteer.number, Estate.id, Estate.name, d.c[2], *list(d.c)[3:])
        .join(Volunteer, Volunteer.person_id == d.c.volunteer_id)
        .join(Person, Person.id == d.c.volunteer_id)
        .join(Estate, Estate.id == d.c.estate_id)
        .order_by(Estate.name, d.c[2], Volunteer.person_id)
        .limit(limit)
    )
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
    for table in (HourTail, HourMonth):
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


def prove() -> list[Difference]:
    """Compare, and note that it was done. Commits."""
    found = differences()
    proved(clock.now())
    return found
