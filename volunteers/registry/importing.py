"""A team's roll into the database: people of the estate become volunteers, with skills and weekly hours.

A row is the person of the estate with this ID number, else with this phone and name, else somebody new. Reading the
roll again changes nothing; a newer one replaces what it states, and a skill that was verified stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from community.grid.importing import in_chunks, phone_rows, record_import, table_of
from community.grid.models import ID_COLUMN, Estate, Person, PersonPhone
from community.grid.roll_files import Note, RefusedRow, Result, RollFile
from community.grid.roll_terms import VOCABULARY as RESIDENT_VOCABULARY
from community.organisations.models import Appointment
from core import clock
from core.access import Role, Viewer
from core.database import db
from core.headers import find_table
from core.identity import id_birth_date, mask_name, pinyin_initials, pinyin_key
from core.ids import new_id
from core.sealing import sealer
from core.sheets import SheetError, open_sheets, write_workbook
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow
from volunteers.registry.roll_match import Planned, find_elsewhere, new_numbers, plan_roll, said_of
from volunteers.registry.rolls import VOCABULARY, VolunteerRoll, VolunteerRow, read_volunteer_roll

WEEKLY_CAP = 6
REFUSED_HEADER = "未导入原因"
_OF_A_TEAM = (frozenset({"name"}), frozenset({"skills", "hours"}))
_OF_RESIDENTS = frozenset({"relation", "occupancy", "floor_area", "householder", "unit", "door"})


def read(data: bytes, filename: str) -> RollFile | None:
    """The file as a team's roll, or None when it is none."""
    roll = read_roll(data, filename)
    return None if roll is None else VolunteerFile(roll)


def read_roll(data: bytes, filename: str) -> VolunteerRoll | None:
    """What a team's roll says, or None when the file is none: it must say what its people can do, or when."""
    for sheet in open_sheets(data, filename):
        table = find_table(sheet, VOCABULARY, _OF_A_TEAM)
        if table is None:
            continue
        homes = find_table(sheet, RESIDENT_VOCABULARY, (frozenset({"name"}),))
        if homes is None or not _OF_RESIDENTS & homes.columns.keys():
            return read_volunteer_roll(data, filename)
    return None


class VolunteerFile:
    """A team's roll, read. What capabilities above do with it hangs on ``news``, ``waits`` and ``after``."""

    kind = "volunteers"
    title = "志愿者名册"
    with_team = True

    def __init__(self, roll: VolunteerRoll) -> None:
        self._roll = roll
        self.hint = roll.team_hint
        self.refused = [RefusedRow(r.sheet, r.row, r.reason, r.value, r.message) for r in roll.refused]
        self._read_doubts = [note for row in roll.rows for note in _doubts(row)]
        self.doubts = list(self._read_doubts)
        self.skipped: list[Note] = []

    @property
    def size(self) -> int:
        """Rows taken and refused."""
        return len(self._roll.rows) + len(self._roll.refused)

    def counts(self) -> dict[str, Any]:
        """What the file holds and was accepted."""
        return {"team": self.hint, "volunteers": len(self._roll.rows)}

    def refused_workbook(self) -> bytes:
        """The refused rows under the headers of the first of them, with the reason beside each."""
        headers = [*(self._roll.refused[0].headers if self._roll.refused else ()), REFUSED_HEADER, "原工作表", "原行号"]
        rows = [[*_fitted(r.cells, len(headers) - 3), r.message, r.sheet, r.row] for r in self._roll.refused]
        return write_workbook("未导入的行", headers, rows)

    def aimed(self, target: str) -> RollFile:
        """The same roll for one target within the estate. Raises ``SheetError``."""
        raise SheetError("这份名册不能导入到那里")

    def plan(self, estate: Estate | None) -> Result:
        """What ``save`` would do."""
        planned = self._look(estate)
        return _result(planned, self.news(estate, planned), self.waits(planned))

    def save(self, estate: Estate, actor: Viewer) -> Result:
        """Write it. Two imports into one estate wait for one another."""
        db.session.execute(select(Estate.id).where(Estate.id == estate.id).with_for_update())
        planned = self._look(estate)
        result = _result(planned, self.news(estate, planned), self.waits(planned))
        for one in planned:
            one.id = one.person.id if one.person else new_id()
        for some in in_chunks(planned):
            _write(estate, self.hint if self.with_team else None, actor, some)
        self.after(estate, actor, planned)
        record_import(estate, actor, self, result)
        return result

    def _look(self, estate: Estate | None) -> list[Planned]:
        planned, twice = plan_roll(estate, self._roll, with_team=self.with_team)
        notes = [
            Note(row.sheet, row.row, f"{row.name}和第{first.row}行在系统里是同一个人，只读了第{first.row}行")
            for row, first in twice
        ]
        notes += [Note(one.row.sheet, one.row.row, note) for one in planned if (note := _note(one))]
        if estate is not None:
            elsewhere = find_elsewhere(estate, self._roll)
            notes += [
                Note(row.sheet, row.row, f"{row.name}的身份证号已在另一小区登记，请核对后让本人只留一处")
                for row in self._roll.rows if row.id_number in elsewhere
            ]  # fmt: skip
        self.doubts = [*self._read_doubts, *notes]
        return planned

    def news(self, estate: Estate | None, planned: Sequence[Planned]) -> dict[int, list[str]]:
        """What else is new about rows, by their place among the planned."""
        return {}

    def waits(self, planned: Sequence[Planned]) -> set[str]:
        """Ids of people under 18 whose registration waits for their guardians already."""
        return set()

    def after(self, estate: Estate, actor: Viewer, planned: Sequence[Planned]) -> None:
        """Further writes, in the same transaction; everybody has an ``id`` by now."""


def _note(one: Planned) -> str:
    if one.is_closed:
        return f"{one.row.name}已退出志愿者，名册不改动封存的档案，想回来请本人重新申请"
    if one.row.more_teams:
        return f"{one.row.name}在表里有{1 + len(one.row.more_teams)}支队伍，每支都加入"
    if one.is_new and one.is_minor:
        return f"{one.row.name}未满18岁，监护人同意后再登记，已放进待审核的申请"
    return ""


def _fitted(cells: Sequence[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]


def _doubts(row: VolunteerRow) -> list[Note]:
    found = (("特长", row.unclear_skills), ("服务时间", row.unclear_hours))
    return [Note(row.sheet, row.row, f"{what}“{text}”没有读懂，请到志愿者页面补上") for what, text in found if text]


def _result(planned: Sequence[Planned], news: Mapping[int, Sequence[str]], waiting: Collection[str]) -> Result:
    result = Result()
    for n, one in enumerate(planned):
        told: list[str] = []
        if one.is_new and one.is_minor and one.person is not None and one.person.id in waiting:
            result.unchanged += 1
        elif one.is_new:
            result.created += 1
            told = ["新增，等监护人同意" if one.is_minor else "新增"]
        else:
            told = [_FIELD_NAMES[name] for name in one.differ]
            offers = (one.new_skills, "特长"), (one.new_windows, "服务时间")
            told += [name for new, name in (*offers, (one.new_phones, "手机号"), (one.new_number, "身份证号")) if new]
            told += news.get(n, ())
            result.updated += bool(told)
            result.unchanged += not told
        if told:
            result.tell(one.row.team, mask_name(one.row.name), "、".join(told))
    return result


_FIELD_NAMES = {"team": "队伍", "unclear_skills": "没读懂的特长", "unclear_hours": "没读懂的时间"}


# Writing


def _write(estate: Estate, team: str | None, actor: Viewer, planned: Sequence[Planned]) -> None:
    both = [(one, one.id) for one in planned]
    _write_people(estate, both)
    serving = [(one, id_) for one, id_ in both if not (one.is_closed or (one.is_new and one.is_minor))]
    _write_volunteers(estate, team, serving)
    _write_offers(serving)
    _appoint(estate, actor, [id_ for _, id_ in serving])


def _write_people(estate: Estate, both: list[tuple[Planned, str]]) -> None:
    at = clock.now()
    people: list[dict[str, Any]] = []
    for one, id_ in both:
        if one.person is not None:
            continue
        row = one.row
        people.append({
            "id": id_, "estate_id": estate.id, "household_id": one.home, "name": row.name,
            "pinyin": pinyin_key(row.name)[:120], "initials": pinyin_initials(row.name)[:30], "sex": int(row.sex),
            "birth_date": _born(row), "id_contested": False, "is_owner": False, "relation": "", "is_householder": False,
            "political_status": row.political_code or "", "care": [], "note": row.note[:500], "version": 1,
            "created_at": at, "updated_at": at, **_number(row),
        })  # fmt: skip
    if people:
        db.session.execute(insert(table_of(Person)), people)
    for one, id_ in both:
        if one.person is not None and one.new_number:
            columns = {**_number(one.row), "birth_date": _born(one.row), "sex": int(one.row.sex), "updated_at": at}
            change = update(table_of(Person)).where(table_of(Person).c.id == id_)
            db.session.execute(change.values(**columns, version=table_of(Person).c.version + 1))
    phones = [row for one, id_ in both if one.new_phones for row in phone_rows(id_, estate.id, one.row.phones)]
    if phones:
        db.session.execute(insert(table_of(PersonPhone)), phones)


def _born(row: VolunteerRow) -> date | None:
    return id_birth_date(row.id_number) if row.id_number else None


def _number(row: VolunteerRow) -> dict[str, str | None]:
    if not row.id_number:
        return {"id_sealed": None, "id_key": None}
    return {"id_sealed": sealer().seal(row.id_number, ID_COLUMN), "id_key": sealer().index(row.id_number, ID_COLUMN)}


def _write_volunteers(estate: Estate, team: str | None, both: list[tuple[Planned, str]]) -> None:
    at, today = clock.now(), clock.today()
    new = [(one, id_) for one, id_ in both if one.person is None or one.person.volunteer is None]
    rows = [
        {"person_id": id_, "estate_id": estate.id, "number": number, "national_no": "", "standing": "active",
         "is_available": True, "weekly_cap": WEEKLY_CAP, "joined_on": today, "version": 1, "updated_at": at,
         "team": "", "categories": [], "custodian": "", **said_of(one.row, team)}
        for (one, id_), number in zip(new, new_numbers(len(new)), strict=True)
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(table_of(Volunteer)), rows)
    table = table_of(Volunteer)
    for one, id_ in both:
        if one.differ:
            changed = update(table).where(table.c.person_id == id_)
            db.session.execute(changed.values(**one.differ, version=table.c.version + 1, updated_at=at))


def _write_offers(both: list[tuple[Planned, str]]) -> None:
    """Skills and weekly windows, as far as they differ."""
    skills, windows = table_of(VolunteerSkill), table_of(VolunteerWindow)
    added: list[dict[str, Any]] = []
    for one, id_ in both:
        before = one.person.skills if one.person else set()
        gone = before - set(one.row.skills)
        if one.new_skills and gone:
            db.session.execute(delete(skills).where(skills.c.person_id == id_, skills.c.skill.in_(gone)))
        if one.new_skills:
            fresh = [skill for skill in one.row.skills if skill not in before]
            added += [{"person_id": id_, "skill": skill, "verified_on": None} for skill in fresh]
    if added:
        db.session.execute(insert(skills), added)
    renewed = [(one, id_) for one, id_ in both if one.new_windows]
    old = [id_ for one, id_ in renewed if one.person and one.person.windows]
    if old:
        db.session.execute(delete(windows).where(windows.c.person_id.in_(old)))
    rows = [
        {"person_id": id_, "weekday": w.weekday, "start_minute": w.start_minute, "end_minute": w.end_minute}
        for one, id_ in renewed for w in one.row.windows
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(windows), rows)


def _appoint(estate: Estate, actor: Viewer, ids: list[str]) -> None:
    """The post of volunteer at the estate's branch for whoever does not hold it."""
    today = clock.today()
    held = select(Appointment.person_id).where(
        Appointment.organisation_id == estate.branch_id, Appointment.role == Role.VOLUNTEER,
        Appointment.person_id.in_(ids), or_(Appointment.ends_on.is_(None), Appointment.ends_on >= today),
    )  # fmt: skip
    have = set(db.session.scalars(held))
    rows = [
        {"id": new_id(), "person_id": id_, "organisation_id": estate.branch_id, "role": Role.VOLUNTEER,
         "starts_on": today, "ends_on": None, "created_at": clock.now(), "created_by": actor.person_id}
        for id_ in ids if id_ not in have
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(table_of(Appointment)), rows)
