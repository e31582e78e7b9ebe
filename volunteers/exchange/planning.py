"""What an import would do: whose each record is, which are here already, which overlap what is credited."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from community.grid.importing import in_chunks
from community.grid.models import ID_COLUMN, Person
from core import clock
from core.database import db
from core.sealing import sealer
from volunteers.exchange.models import RecordOrigin
from volunteers.exchange.reading import RecordFile, RecordRow
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer


@dataclass(frozen=True)
class Taken:
    """A record that would come in, and for whom."""

    row: RecordRow
    volunteer_id: str
    key: str


@dataclass
class Plan:
    """Records taken, records that are here already, and records refused, each of the latter with its reason."""

    taken: list[Taken] = field(default_factory=list)
    duplicates: list[tuple[RecordRow, str]] = field(default_factory=list)
    refused: list[tuple[RecordRow, str]] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        """Minutes that would come in."""
        return sum(one.row.minutes for one in self.taken)

    @property
    def left(self) -> list[tuple[RecordRow, str]]:
        """What would not come in, in the order of the file."""
        return sorted([*self.duplicates, *self.refused], key=lambda pair: pair[0].number)


def record_key(volunteer_id: str, starts_at: datetime, minutes: int) -> str:
    """By what a record is known again, whatever system it comes from: who, from when, how long."""
    said = f"{volunteer_id} {starts_at.astimezone(UTC):%Y-%m-%dT%H:%M} {minutes}"
    return hashlib.sha256(said.encode()).hexdigest()


def plan_records(estate_id: str, file: RecordFile) -> Plan:
    """Look at every record beside the register and the ledger, in the present transaction."""
    plan, people = Plan(), _People(estate_id, file)
    owned: list[tuple[RecordRow, str]] = []
    for row in file.rows:
        who, problem = (None, row.problem) if row.problem else people.find(row)
        if who is None:
            plan.refused.append((row, problem))
        else:
            owned.append((row, who))
    keys = {id(row): record_key(who, row.starts_at, row.minutes) for row, who in owned if row.starts_at}
    known, credited = _known_keys(sorted(set(keys.values()))), _credited(owned)
    for row, who in owned:
        why = _here_already(row, keys[id(row)], known, credited[who])
        if why:
            plan.duplicates.append((row, why))
            continue
        known.add(keys[id(row)])
        credited[who].append((row.starts_at, row.ends_at, row.minutes, f"第{row.number}行"))
        plan.taken.append(Taken(row, who, keys[id(row)]))
    return plan


def _here_already(row: RecordRow, key: str, known: set[str], credited: list[Any]) -> str:
    assert row.starts_at and row.ends_at
    for start, end, minutes, content in credited:
        if start < row.ends_at and end > row.starts_at:
            if abs((start - row.starts_at).total_seconds()) < 60 and minutes == row.minutes:
                return f"重复：同一个人、同一时间、同样时长的记录已有（{content}）"
            began, until = clock.local(start).strftime("%m-%d %H:%M"), clock.local(end).strftime("%H:%M")
            return f"重复：和已有的“{content}”（{began}到{until}）时间重叠，同一时间不能记两份"
    return "重复：这条记录以前导入过" if key in known else ""


def _known_keys(keys: list[str]) -> set[str]:
    found: set[str] = set()
    for some in in_chunks(keys, 500):
        wanted = select(RecordOrigin.record_key).where(RecordOrigin.record_key.in_(some))
        found.update(db.session.scalars(wanted))
    return found


def _credited(owned: list[tuple[RecordRow, str]]) -> defaultdict[str, list[Any]]:
    """The entries that stand of these people around the time of the records."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    if not owned:
        return found
    first = min(row.starts_at for row, _ in owned if row.starts_at)
    last = max(row.ends_at for row, _ in owned if row.ends_at)
    undone = aliased(HourEntry)
    reversed_ = select(undone.id).where(undone.reverses_id == HourEntry.id).exists()
    columns = (HourEntry.volunteer_id, HourEntry.starts_at, HourEntry.ends_at, HourEntry.minutes, HourEntry.content)
    for some in in_chunks(sorted({who for _, who in owned}), 500):
        rows = select(*columns).where(
            HourEntry.volunteer_id.in_(some), HourEntry.minutes > 0, ~reversed_, HourEntry.starts_at < last,
            HourEntry.ends_at > first,
        )  # fmt: skip
        for row in db.session.execute(rows):
            found[row.volunteer_id].append((row.starts_at, row.ends_at, row.minutes, row.content))
    return found


class _People:
    """The volunteers of an estate by what a record may know of them."""

    def __init__(self, estate_id: str, file: RecordFile) -> None:
        seal = sealer()
        self._keys = {row.id_number: seal.index(row.id_number, ID_COLUMN) for row in file.rows if row.id_number}
        self._by: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        said = {*self._keys.values(), *(row.volunteer_no for row in file.rows), *(row.national_no for row in file.rows)}
        people = select(Person.id, Person.name, Person.id_key, Volunteer.number, Volunteer.national_no)
        people = people.join(Volunteer, Volunteer.person_id == Person.id).where(Volunteer.estate_id == estate_id)
        seen: set[str] = set()
        for some in in_chunks(sorted(said - {""}), 300):
            named = or_(Person.id_key.in_(some), Volunteer.number.in_(some), Volunteer.national_no.in_(some))
            for row in db.session.execute(people.where(named)):
                if row.id in seen:
                    continue
                seen.add(row.id)
                for kind, value in (("id", row.id_key), ("no", row.number), ("national", row.national_no)):
                    if value:
                        self._by[kind, value].append((row.id, row.name))

    def find(self, row: RecordRow) -> tuple[str | None, str]:
        """Whose record it is, or why nobody's: a number decides, and the name must agree with it."""
        tries = (("id", self._keys.get(row.id_number, "")), ("no", row.volunteer_no), ("national", row.national_no))
        named = [one for kind, value in tries if value for one in self._by.get((kind, value), ())]
        same = {id_ for id_, name in named if name == row.name}
        if len(same) == 1:
            return same.pop(), ""
        if same:
            return None, "这个号码登记在几个同名的人名下，认不准是谁"
        if named:
            return None, "号码找到了，姓名对不上，请核对"
        return None, "这个小区没有登记这位志愿者，请先登记再导入"
