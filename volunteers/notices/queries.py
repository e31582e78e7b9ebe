"""Reading notices of a month's hours. What the public reads never holds more than a surname, and that by consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select

from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from community.organisations.queries import under
from core import clock
from core.access import NotFound, Viewer
from core.database import db, fast
from core.identity import age_on, mask_name
from volunteers.consents.queries import holds
from volunteers.consents.texts import HOURS_NOTICE
from volunteers.disputes.models import Dispute
from volunteers.disputes.models import State as DisputeState
from volunteers.hours.models import HourMonth, HourTail
from volunteers.hours.sums import by_volunteer, in_month, parts
from volunteers.notices.models import HourNotice, HourNoticeLine, State
from volunteers.registry.models import Volunteer

ADULT = 18
NAMELESS = "某志愿者"


@dataclass(frozen=True)
class Notice:
    """A notice with its estate."""

    id: str
    estate_id: str
    estate_name: str
    estate_path: str
    month: date
    state: str
    version: int
    body: str
    period_days: int
    made_at: datetime
    opened_at: datetime | None
    closes_on: date | None
    closed_at: datetime | None
    objections: int
    unanswered: int

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{self.month.year}年{self.month.month}月志愿服务时长公示"

    @property
    def is_public(self) -> bool:
        """Whether anybody may read it."""
        return self.state in (State.OPEN, State.CLOSED)

    @property
    def is_over(self) -> bool:
        """Whether its period has passed."""
        return self.closes_on is not None and clock.today() > self.closes_on

    @property
    def takes_objections(self) -> bool:
        """Whether one may object now."""
        return self.state == State.OPEN


def _rows() -> Any:
    n = HourNotice
    all_ = select(func.count()).where(Dispute.notice_id == n.id).correlate(n).scalar_subquery()
    unanswered = select(func.count()).where(Dispute.notice_id == n.id, Dispute.state == DisputeState.RAISED)
    columns: list[Any] = [
        n.id, n.estate_id, Estate.name, Estate.path, n.month, n.state, n.version, n.body, n.period_days, n.made_at,
        n.opened_at, n.closes_on, n.closed_at, all_, unanswered.correlate(n).scalar_subquery(),
    ]  # fmt: skip
    return select(*columns).join(Estate, Estate.id == n.estate_id)


def _one(notice_id: str) -> Notice:
    row = fast().execute(_rows().where(HourNotice.id == notice_id)).first()
    if row is None:
        raise NotFound
    return Notice(*row)


def get_public(notice_id: str) -> Notice:
    """A notice that is or was open. Raises ``NotFound``."""
    found = _one(notice_id)
    if not found.is_public:
        raise NotFound
    return found


def get_notice(viewer: Viewer, notice_id: str, permission: str = "hours:read") -> Notice:
    """A notice of an estate within reach, in whatever state. Raises ``NotFound``."""
    found = _one(notice_id)
    if not viewer.may_at(permission, found.estate_path):
        raise NotFound
    return found


def list_notices(viewer: Viewer, estate_id: str) -> list[Notice]:
    """Notices of an estate within ``hours:read``, newest month first."""
    found = _rows().where(HourNotice.estate_id == estate_id, under(Estate.path, viewer.paths("hours:read")))
    return [Notice(*row) for row in fast().execute(found.order_by(HourNotice.month.desc(), HourNotice.made_at.desc()))]


def list_public(estate_id: str) -> list[Notice]:
    """What an estate has or had on notice, newest month first, three years at most."""
    found = _rows().where(HourNotice.estate_id == estate_id, HourNotice.state.in_((State.OPEN, State.CLOSED)))
    return [Notice(*row) for row in fast().execute(found.order_by(HourNotice.month.desc()).limit(36))]


@dataclass(frozen=True)
class Line:
    """What stands for one volunteer. ``shown`` is what the public reads; ``now`` are the minutes by today's ledger."""

    position: int
    volunteer_id: str
    name: str
    number: str
    shown: str
    minutes: int
    services: int
    now: int

    @property
    def is_corrected(self) -> bool:
        """Whether the ledger has changed since."""
        return self.now != self.minutes


def _shown(name: str, agreed: bool, born: date | None) -> str:
    minor = born is not None and age_on(born, clock.today()) < ADULT
    return mask_name(name) if agreed and not minor else NAMELESS


def list_lines(notice: Notice) -> list[Line]:
    """What stands on a notice; before it is opened, what would stand on it now."""
    if notice.state in (State.DRAFT, State.WITHDRAWN) and notice.opened_at is None:
        return _preview(notice.estate_id, notice.month)
    line, agreed = HourNoticeLine, case((holds(HourNoticeLine.volunteer_id, HOURS_NOTICE), 1), else_=0)
    found = (
        select(line.position, line.volunteer_id, Person.name, Volunteer.number, agreed, Person.birth_date, line.minutes,
               line.services, in_month(line.volunteer_id, notice.month))
        .join(Person, Person.id == line.volunteer_id)
        .join(Volunteer, Volunteer.person_id == line.volunteer_id)
        .where(line.notice_id == notice.id)
        .order_by(line.position)
    )  # fmt: skip
    return [
        Line(position, id_, name, number, _shown(name, bool(agreed), born), minutes, services, int(now))
        for position, id_, name, number, agreed, born, minutes, services, now in fast().execute(found)
    ]


def _preview(estate_id: str, month: date) -> list[Line]:
    given = by_volunteer(estate_id, month, month)
    found = (
        select(given.c.volunteer_id, Person.name, Volunteer.number,
               case((holds(given.c.volunteer_id, HOURS_NOTICE), 1), else_=0), Person.birth_date, given.c.minutes,
               given.c.services)
        .join(Person, Person.id == given.c.volunteer_id)
        .join(Volunteer, Volunteer.person_id == given.c.volunteer_id)
        .order_by(given.c.minutes.desc(), given.c.volunteer_id)
    )  # fmt: skip
    rows = fast().execute(found).all()
    return [
        Line(n, id_, name, number, _shown(name, bool(agreed), born), int(minutes), int(services), int(minutes))
        for n, (id_, name, number, agreed, born, minutes, services) in enumerate(rows, 1)
    ]


def lines_to_keep(estate_id: str, month: date) -> Sequence[Any]:
    """Volunteer, minutes and services of a month as the present transaction sees them, most minutes first."""
    given = by_volunteer(estate_id, month, month)
    found = select(given.c.volunteer_id, given.c.minutes, given.c.services)
    return db.session.execute(found.order_by(given.c.minutes.desc(), given.c.volunteer_id)).all()


def months_to_notice(estate_id: str) -> list[date]:
    """Whole months of the past year with hours that are on no notice yet, newest first."""
    this = clock.today().replace(day=1)
    first = date(this.year - 1, this.month, 1)
    given = parts(
        HourMonth.estate_id == estate_id, HourMonth.month >= first, HourMonth.month < this,
        tail_where=(HourTail.estate_id == estate_id, HourTail.month >= first, HourTail.month < this),
    ).subquery()  # fmt: skip
    taken = select(HourNotice.id).where(
        HourNotice.estate_id == estate_id, HourNotice.month == given.c.month, HourNotice.state != State.WITHDRAWN
    )
    months = select(given.c.month).where(~taken.exists()).group_by(given.c.month).having(func.sum(given.c.minutes) > 0)
    return list(fast().scalars(months.order_by(given.c.month.desc())))


def get_body(estate_id: str) -> str:
    """The branch that puts it on notice."""
    body = select(Organisation.name).join(Estate, Estate.branch_id == Organisation.id).where(Estate.id == estate_id)
    return str(db.session.scalar(body) or "")


def list_due(today: date) -> list[Notice]:
    """Open notices whose period is over, of all estates."""
    found = _rows().where(HourNotice.state == State.OPEN, HourNotice.closes_on < today)
    return [Notice(*row) for row in fast().execute(found.order_by(HourNotice.closes_on, HourNotice.id))]
