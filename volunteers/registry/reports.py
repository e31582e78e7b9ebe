"""What can be counted of the register of volunteers: how many stand in it, who came and who left."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, or_

from community.grid.models import Estate, Person
from core.dated import Days, Rows
from core.reports import Measure, Source, declare
from volunteers.registry.models import Volunteer

CUTS = frozenset({"unit", "month"})
REGISTER = "志愿者名册，按所在小区现在的归属"


def stood(days: Days) -> ColumnElement[bool]:
    """Whether somebody was a volunteer when a period ended; leave and suspension do not end it."""
    return and_(Volunteer.joined_on <= days.last, or_(Volunteer.left_on.is_(None), Volunteer.left_on > days.last))


def _registered(days: Days) -> ColumnElement[int]:
    return case((stood(days), 1), else_=0)


def _joined(days: Days) -> ColumnElement[int]:
    return case((Volunteer.joined_on.between(days.first, days.last), 1), else_=0)


def _left(days: Days) -> ColumnElement[int]:
    return case((Volunteer.left_on.between(days.first, days.last), 1), else_=0)


declare(
    Source(
        "registry",
        rows=Rows(
            Volunteer.__table__.join(Estate.__table__, Estate.id == Volunteer.estate_id)
            .outerjoin(Person.__table__, Person.id == Volunteer.person_id),
            Estate.path, Volunteer.person_id,
            {"volunteers.registered": _registered, "volunteers.joined": _joined, "volunteers.left": _left},
            (Volunteer.person_id, Volunteer.number, Person.name.label("name"), Estate.name.label("estate_name"),
             Volunteer.joined_on, Volunteer.left_on),
        ),
    ),
    [
        Measure("volunteers.registered", "登记志愿者", "志愿者", "人", "期末在册的志愿者，请假和暂停的也算", REGISTER,
                CUTS, better="up"),
        Measure("volunteers.joined", "新登记志愿者", "志愿者", "人", "期内登记、批准的；退出后又回来的按最初登记那天",
                REGISTER, CUTS, better="up"),
        Measure("volunteers.left", "退出志愿者", "志愿者", "人", "期内退出的；后来又回来的不算", REGISTER, CUTS,
                better="down"),
    ],
)  # fmt: skip
