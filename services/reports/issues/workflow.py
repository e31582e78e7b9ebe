"""Making frozen reports, and subscribing to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from core import audit, clock, outbox, reports
from core.access import Viewer, system_viewer
from core.audit import EVERYWHERE, Subject
from core.database import begin_write, db
from core.ids import new_id
from core.reports import Value
from services.reports import board, messages, units
from services.reports.asked import Asked, Period
from services.reports.issues import queries
from services.reports.issues.models import ReportIssue, ReportSubscription
from services.reports.queries import Unit


def plain(value: Value | None) -> dict[str, Any]:
    """Both numbers of a figure, or its amount, as they are kept."""
    if value is None:
        return {}
    kept = {"amount": value.amount, "numerator": value.numerator, "denominator": value.denominator}
    return {name: number for name, number in kept.items() if number is not None}


def figures_of(asked: Asked) -> dict[str, Any]:
    """Every measure with its definition and its figure, and the units right below with theirs."""
    measures = reports.measures()
    [drawn] = board.totals(asked, list(measures), [asked.period])
    rows = [
        {"name": m.name, "title": m.title, "unit": m.unit, "kind": m.kind, "formula": m.formula, "source": m.source,
         **plain(drawn.get(m.name))}
        for m in measures.values()
    ]  # fmt: skip
    below = [
        {"id": node.id, "name": node.name, "values": {name: plain(value) for name, value in values.items()}}
        for node, values in board.by_unit(asked, board.RANK_COLUMNS)
    ]
    return {"measures": rows, "units": below}


def digest_of(unit_id: str, period: Period, figures: Mapping[str, Any]) -> str:
    """What proves that frozen figures are those that were frozen."""
    body = orjson.dumps(
        [unit_id, period.kind, period.first.isoformat(), figures], option=orjson.OPT_SORT_KEYS
    )  # fmt: skip
    return hashlib.sha256(body).hexdigest()


def issue(body: Any, period: Period) -> ReportIssue | None:
    """Freeze the report of a unit and tell who subscribed; None when it was made before. Commits."""
    figures = figures_of(Asked(Unit(body.id, body.name, body.path), period))
    people = queries.list_subscribers(body.id, period.kind)
    begin_write()
    number = queries.count_of_year(body.id, period.first.year) + 1
    made = ReportIssue(
        id=new_id(), unit_id=body.id, unit_name=body.name, path=body.path, kind=period.kind, first=period.first,
        last=period.last, number=number, figures=figures, made_at=clock.now(),
        digest=digest_of(body.id, period, figures),
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:
        db.session.rollback()
        return None
    estate, actor = units.estate_at(body.path) or EVERYWHERE, system_viewer()
    details = {"title": f"{body.name}{period.title}", "digest": made.digest}
    audit.record(actor.person_id, actor.name, "issue_report", Subject("report_issue", made.id, estate), details=details)
    title = f"{body.name}{period.title}服务{'月报' if period.kind == 'month' else '季报'}"
    outbox.write(estate, [messages.issued(person, made.id, title, period.title) for person in people])
    db.session.commit()
    return made


def subscribe(viewer: Viewer, body: Any, kind: str) -> None:
    """Want the reports of a unit from now on. Caller commits."""
    if not queries.has_subscribed(viewer.person_id, body.id, kind):
        row = {"person_id": viewer.person_id, "unit_id": body.id, "kind": kind, "created_at": clock.now()}
        db.session.execute(insert(ReportSubscription), [row])
        _note(viewer, "subscribe_report", body)


def unsubscribe(viewer: Viewer, unit_id: str, kind: str) -> None:
    """Want them no more. Caller commits."""
    db.session.execute(
        delete(ReportSubscription).where(
            ReportSubscription.person_id == viewer.person_id, ReportSubscription.unit_id == unit_id,
            ReportSubscription.kind == kind,
        )
    )  # fmt: skip
    audit.record(viewer.person_id, viewer.name, "unsubscribe_report", Subject("report", unit_id))


def _note(viewer: Viewer, verb: str, body: Any) -> None:
    subject = Subject("report", body.id, units.estate_at(body.path) or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details={"title": body.name})
