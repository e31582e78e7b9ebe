"""Reading frozen reports, what has changed since, and who wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from community.organisations.models import Appointment, Organisation
from community.organisations.queries import under
from core import clock, reports
from core.access import NotFound, Viewer
from core.access import permissions as all_permissions
from core.database import db, fast
from core.reports import Measure, Value
from services.reports import board
from services.reports.asked import Asked, Period
from services.reports.issues.models import ReportIssue, ReportSubscription
from services.reports.queries import Unit

KIND_NAMES: Mapping[str, str] = {"month": "月报", "quarter": "季报"}
SHOWN = 60


@dataclass(frozen=True)
class Line:
    """A frozen figure beside what is counted today; ``measure`` is the definition that was frozen with it."""

    measure: Measure
    frozen: Value
    now: Value | None

    @property
    def is_corrected(self) -> bool:
        """Whether today's figure of that period is another one."""
        return (
            self.now is not None
            and not self.measure.current
            and (
                (self.frozen.amount, self.frozen.numerator, self.frozen.denominator)
                != (self.now.amount, self.now.numerator, self.now.denominator)
            )
        )


def period_of(issue: ReportIssue) -> Period:
    """The period of a frozen report."""
    kind: Any = issue.kind
    return Period(kind, issue.first, issue.last, issue.last)


def value_of(kept: Mapping[str, Any]) -> Value:
    """A figure from how it is kept."""
    return Value(kept.get("amount"), kept.get("numerator"), kept.get("denominator"))


def _definition(row: Mapping[str, Any]) -> Measure:
    known = reports.measures().get(row["name"])
    return Measure(
        row["name"], row["title"], "", row["unit"], row["formula"], row["source"], frozenset(), row["kind"],
        "分子", "分母", known.better if known else "", known.target if known else None,
        current=known is not None and known.current,
    )  # fmt: skip


def compare(issue: ReportIssue) -> list[Line]:
    """Each frozen figure beside today's of the same unit and period."""
    asked = Asked(Unit(issue.unit_id, issue.unit_name, issue.path), period_of(issue))
    rows = issue.figures["measures"]
    known = [row["name"] for row in rows if row["name"] in reports.measures()]
    [now] = board.totals(asked, known, [asked.period])
    return [Line(_definition(row), value_of(row), now.get(row["name"])) for row in rows]


def list_issues(viewer: Viewer) -> Sequence[Any]:
    """Reports of units within reach, newest first."""
    found = select(ReportIssue.id, ReportIssue.unit_name, ReportIssue.kind, ReportIssue.first, ReportIssue.last,
                   ReportIssue.number, ReportIssue.made_at)  # fmt: skip
    found = found.where(under(ReportIssue.path, viewer.paths("reports:read")))
    return fast().execute(found.order_by(ReportIssue.made_at.desc(), ReportIssue.id).limit(SHOWN)).all()


def get_issue(viewer: Viewer, issue_id: str) -> ReportIssue:
    """A report within reach. Raises ``NotFound``."""
    found = db.session.get(ReportIssue, issue_id)
    if found is None or not viewer.may_at("reports:read", found.path):
        raise NotFound
    return found


def count_of_year(unit_id: str, year: int) -> int:
    """How many reports of a unit are about a year."""
    these = select(func.count()).select_from(ReportIssue).where(
        ReportIssue.unit_id == unit_id, ReportIssue.first >= date(year, 1, 1), ReportIssue.first <= date(year, 12, 31)
    )  # fmt: skip
    return db.session.scalar(these) or 0


def list_due(kind: str, first: date) -> Sequence[Any]:
    """Units that somebody wants reports of and that have none for the period yet: id, name, path."""
    made = select(ReportIssue.unit_id).where(ReportIssue.kind == kind, ReportIssue.first == first)
    wanted = select(ReportSubscription.unit_id).where(ReportSubscription.kind == kind)
    bodies = select(Organisation.id, Organisation.name, Organisation.path)
    due = bodies.where(Organisation.id.in_(wanted), Organisation.id.not_in(made)).order_by(Organisation.path)
    return fast().execute(due).all()


def list_subscribers(unit_id: str, kind: str) -> list[str]:
    """Who wants a unit's reports and still holds a post that may read them."""
    today, roles = clock.today(), all_permissions()["reports:read"].roles
    unit = select(Organisation.path).where(Organisation.id == unit_id).scalar_subquery()
    wanted = (
        select(ReportSubscription.person_id)
        .join(Appointment, Appointment.person_id == ReportSubscription.person_id)
        .join(Organisation, Organisation.id == Appointment.organisation_id)
        .where(ReportSubscription.unit_id == unit_id, ReportSubscription.kind == kind)
        .where(Appointment.role.in_(roles), Appointment.starts_on <= today)
        .where((Appointment.ends_on.is_(None)) | (Appointment.ends_on >= today))
        .where(unit.startswith(Organisation.path))
        .distinct()
    )
    return list(fast().execute(wanted.order_by(ReportSubscription.person_id)).scalars())


def list_own(viewer: Viewer) -> set[tuple[str, str]]:
    """The viewer's subscriptions as (unit, kind)."""
    mine = select(ReportSubscription.unit_id, ReportSubscription.kind).where(
        ReportSubscription.person_id == viewer.person_id
    )
    return {(row[0], row[1]) for row in fast().execute(mine)}


def has_subscribed(person_id: str, unit_id: str, kind: str) -> bool:
    """Whether a person has subscribed."""
    return db.session.get(ReportSubscription, (person_id, unit_id, kind)) is not None
