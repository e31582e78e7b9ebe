"""The groups of data that travel between systems, as MCA order 67 names what is recorded of a volunteer.

Person (基本信息), service (志愿服务情况), training (培训情况), award (表彰奖励情况) and rating (评价情况). A group is
a list of fields and a statement; capabilities above add theirs to ``GROUPS``. ``docs/记录交换.md`` lists the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import aliased

from community.grid.models import ID_COLUMN, PHONE_COLUMN, Estate, Person, PersonPhone
from community.organisations.models import Organisation
from core import clock
from core.identity import POLITICAL_STATUSES, mask_id, mask_phone
from core.sealing import sealer
from volunteers.exchange.models import RecordOrigin
from volunteers.honours.models import Honour
from volunteers.hours.models import HourEntry
from volunteers.registry.models import STANDING_NAMES, Volunteer, VolunteerSkill
from volunteers.registry.skills import SKILLS
from volunteers.training.models import STATE_NAMES, Course, Enrolment, State, TrainingSession


@dataclass(frozen=True)
class Asked:
    """What of whom is asked for: these estates, records of this period (none: all), numbers in full or masked."""

    estates: Sequence[str]
    first: date | None
    last: date | None
    until: datetime
    full: bool = False

    def within(self, column: Any) -> ColumnElement[bool]:
        """The condition that a moment lies in the period."""
        found: ColumnElement[bool] = true()
        if self.first:
            found = and_(found, column >= clock.day_bounds(self.first)[0])
        return and_(found, column < clock.day_bounds(self.last)[1]) if self.last else found


@dataclass(frozen=True)
class Group:
    """A group: its name and title, fields by key with their Chinese headers, the rows, and a row as its values."""

    name: str
    title: str
    fields: Mapping[str, str]
    rows: Callable[[Asked], Any]
    values: Callable[[Any, bool], Sequence[Any]]


WHO = {"volunteer_no": "志愿者编号", "name": "姓名"}


def local_minute(moment: datetime | None) -> str:
    """A moment in Shanghai to the minute, as every program reads it."""
    return clock.local(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def shown_id(sealed: str | None, full: bool) -> str:
    """An ID number, masked unless asked for in full."""
    number = sealer().open(sealed, ID_COLUMN) if sealed else ""
    return number if full else mask_id(number)


def _people(asked: Asked) -> Any:
    skills = select(func.aggregate_strings(VolunteerSkill.skill, ","))
    skills = skills.where(VolunteerSkill.person_id == Volunteer.person_id).correlate(Volunteer)
    minutes = select(func.coalesce(func.sum(HourEntry.minutes), 0)).where(HourEntry.volunteer_id == Volunteer.person_id)
    return (
        select(
            Volunteer.number, Volunteer.national_no, Person.name, Person.sex, Person.birth_date, Person.id_sealed,
            PersonPhone.sealed.label("phone"), Person.political_status, Estate.name.label("estate_name"),
            Volunteer.team, Volunteer.standing, Volunteer.joined_on, skills.scalar_subquery().label("skills"),
            minutes.correlate(Volunteer).scalar_subquery().label("minutes"),
        )
        .join(Person, Person.id == Volunteer.person_id)
        .join(Estate, Estate.id == Volunteer.estate_id)
        .outerjoin(PersonPhone, (PersonPhone.person_id == Person.id) & (PersonPhone.position == 0))
        .where(Volunteer.estate_id.in_(asked.estates))
        .order_by(Volunteer.estate_id, Volunteer.number)
    )  # fmt: skip


def _person(row: Any, full: bool) -> Sequence[Any]:
    phone = sealer().open(row.phone, PHONE_COLUMN) if row.phone else ""
    skills = "、".join(SKILLS.get(code, code) for code in (row.skills or "").split(",") if code)
    born = row.birth_date.isoformat() if row.birth_date and full else ""
    return (
        row.number, row.name, row.national_no, str(row.sex), born, "居民身份证" if row.id_sealed else "",
        shown_id(row.id_sealed, full), phone if full else mask_phone(phone),
        POLITICAL_STATUSES.get(row.political_status, ""), row.estate_name, skills, row.team,
        STANDING_NAMES[row.standing], row.joined_on.isoformat(), row.minutes,
    )  # fmt: skip


def _services(asked: Asked) -> Any:
    undone = aliased(HourEntry)
    reversed_ = select(undone.id).where(undone.reverses_id == HourEntry.id, undone.recorded_at <= asked.until).exists()
    return (
        select(
            HourEntry.id, Volunteer.number, Person.name, Person.id_sealed, HourEntry.content, HourEntry.starts_at,
            HourEntry.ends_at, HourEntry.minutes, HourEntry.place, HourEntry.body, HourEntry.in_charge,
            Estate.name.label("estate_name"), Organisation.name.label("body_name"),
            HourEntry.recorded_at, HourEntry.corrects_id, RecordOrigin.origin,
        )
        .join(Volunteer, Volunteer.person_id == HourEntry.volunteer_id)
        .join(Person, Person.id == HourEntry.volunteer_id)
        .join(Estate, Estate.id == HourEntry.estate_id)
        .join(Organisation, Organisation.id == Estate.branch_id)
        .outerjoin(RecordOrigin, RecordOrigin.entry_id == HourEntry.id)
        .where(HourEntry.estate_id.in_(asked.estates), asked.within(HourEntry.starts_at), HourEntry.minutes > 0,
               HourEntry.recorded_at <= asked.until, ~reversed_)
        .order_by(HourEntry.estate_id, HourEntry.starts_at, HourEntry.id)
    )  # fmt: skip


def _service(row: Any, full: bool) -> Sequence[Any]:
    return (
        row.number, row.name, shown_id(row.id_sealed, full), row.id, row.content, local_minute(row.starts_at),
        local_minute(row.ends_at), row.minutes, row.place or row.estate_name, row.body or row.body_name, row.in_charge,
        row.body_name, local_minute(row.recorded_at),
        row.corrects_id or "", row.origin or "",
    )  # fmt: skip


def _trainings(asked: Asked) -> Any:
    taken = (State.ATTENDED, State.PASSED, State.FAILED)
    return (
        select(
            Volunteer.number, Person.name, Course.name.label("course_name"), Course.content, Course.minutes,
            Course.body_name, TrainingSession.starts_at, Enrolment.state, Enrolment.expires_on,
        )
        .join(Course, Course.id == Enrolment.course_id)
        .join(TrainingSession, TrainingSession.id == Enrolment.session_id)
        .join(Volunteer, Volunteer.person_id == Enrolment.person_id)
        .join(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.estate_id.in_(asked.estates), Enrolment.state.in_(taken),
               asked.within(TrainingSession.starts_at))
        .order_by(Enrolment.estate_id, TrainingSession.starts_at, Enrolment.id)
    )  # fmt: skip


def _training(row: Any, _full: bool) -> Sequence[Any]:
    day = clock.local(row.starts_at).date().isoformat()
    until = row.expires_on.isoformat() if row.expires_on else ""
    return (
        row.number, row.name, row.course_name, row.content, row.minutes, row.body_name, day, STATE_NAMES[row.state],
        until,
    )  # fmt: skip


def _awards(asked: Asked) -> Any:
    condition: ColumnElement[bool] = true() if asked.first is None else Honour.awarded_on >= asked.first
    if asked.last is not None:
        condition = and_(condition, Honour.awarded_on <= asked.last)
    return (
        select(Volunteer.number, Person.name, Honour.name.label("award"), Honour.body, Honour.awarded_on)
        .join(Volunteer, Volunteer.person_id == Honour.volunteer_id)
        .join(Person, Person.id == Honour.volunteer_id)
        .where(Honour.estate_id.in_(asked.estates), Honour.struck_at.is_(None), condition)
        .order_by(Honour.estate_id, Honour.awarded_on, Honour.id)
    )


def _award(row: Any, _full: bool) -> Sequence[Any]:
    return row.number, row.name, row.award, row.body, row.awarded_on.isoformat()


PERSON = Group("person", "人员", WHO | {
    "national_no": "全国志愿者编号", "sex": "性别代码", "birth_date": "出生日期", "id_kind": "证件类型",
    "id_number": "证件号码", "phone": "联系电话", "political_status": "政治面貌", "area": "居住区域",
    "skills": "专业技能", "team": "所属队伍", "standing": "状态", "joined_on": "登记日期", "minutes": "累计时长(分钟)",
}, _people, _person)  # fmt: skip
SERVICE = Group("service", "服务", WHO | {
    "id_number": "证件号码", "record_no": "记录编号", "content": "服务名称", "starts_at": "开始时间",
    "ends_at": "结束时间", "minutes": "服务时长(分钟)", "place": "服务地点", "organiser": "组织单位",
    "in_charge": "负责人", "body": "记录单位",
    "recorded_at": "记录时间", "corrects": "更正的记录", "origin": "来源",
}, _services, _service)  # fmt: skip
TRAINING = Group("training", "培训", WHO | {
    "course": "培训名称", "content": "主要内容", "minutes": "学习时长(分钟)", "body": "举办单位", "day": "培训日期",
    "result": "结果", "expires_on": "有效期至",
}, _trainings, _training)  # fmt: skip
AWARD = Group("award", "表彰", WHO | {
    "award": "表彰名称", "body": "授予单位", "awarded_on": "表彰日期",
}, _awards, _award)  # fmt: skip
GROUPS: list[Group] = [PERSON, SERVICE, TRAINING, AWARD]
"""The groups that an export holds, in order."""
