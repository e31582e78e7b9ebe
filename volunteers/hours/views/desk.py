"""The branch's desk of hours: what waits, recording outside orders, late and missing records."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for

from core import access, clock
from core.access import Viewer
from volunteers.hours import desk, exports, late
from volunteers.hours.forms import RecordForm
from volunteers.hours.recording import PeopleRefused, Refused, Service, record
from volunteers.hours.views.blueprint import Answer, pages
from volunteers.hours.workflow import Origin


@pages.page("/hours/desk", access="hours:read")
def index() -> str:
    """What waits in an estate, and the ways to each matter of hours."""
    viewer = access.viewer()
    estate, estates = late.pick_estate(viewer, request.args.get("estate", "")[:16])
    return render_template(
        "volunteers/hours/desk.html", estate=estate, estates=estates, waiting=desk.waiting(estate.id),
        missing=late.list_missing([estate.id], 100), may_record=viewer.may_at("hours:record", estate.path),
    )  # fmt: skip


@pages.page("/hours/desk/record", access="hours:record", methods=("GET", "POST"), writes=True)
def record_hours() -> Answer:
    """Record a collective activity, a shift or work for another body, for a list of people."""
    viewer, form, status = access.viewer(), RecordForm(), 200
    estate, estates = late.pick_estate(viewer, request.args.get("estate", "")[:16], "hours:record")
    roll = desk.list_roll(estate.id)
    form.people.offer([(one.id, one.name) for one in roll])
    refused: list[tuple[str, str]] = []
    if form.is_submitted():
        status = 422
        if form.validate():
            refused, count = _record(viewer, estate, form, roll)
            if count:
                flash(f"已记{count}人，每人会收到通知", "success")
                return redirect(url_for("hours.index", estate=estate.id), 303)
    else:
        form.body.data, form.in_charge.data = desk.body_of(estate.id), viewer.name
    page = render_template(
        "volunteers/hours/record.html", form=form, estate=estate, estates=estates, refused=refused, many=len(roll)
    )
    return page if status == 200 else (page, status)


def _record(viewer: Viewer, estate: Any, form: RecordForm, roll: Any) -> tuple[list[tuple[str, str]], int]:
    """Record what was filled in: those refused with why, and how many were credited."""
    given, unclear = form.given(roll)
    if unclear:
        form.others.errors = [*form.others.errors, *unclear]
        return [], 0
    own = form.body.data == desk.body_of(estate.id)
    charge = viewer.person_id if form.in_charge.data == viewer.name else None
    origin = Origin(form.place.data or "", estate.branch_id if own else None, form.body.data or "", charge,
                    form.in_charge.data or "", form.source.data)  # fmt: skip
    start, end = form.starts_at.data, form.ends_at.data
    assert start is not None and end is not None
    service = Service(
        estate.id, start, end, form.content.data or "", origin, form.note.data or "",
        form.late_reason.data or "",
    )  # fmt: skip
    try:
        return [], len(record(viewer, service, given))
    except PeopleRefused as problem:
        form.form_errors.append(f"有{len(problem.why)}人不能记，见下面。改好或去掉他们再提交，现在一个人都没有记")
        return list(problem.why), 0
    except Refused as problem:
        field = form[problem.field]
        field.errors = [*field.errors, str(problem)]
    return [], 0


@pages.page("/hours/desk/late", access="hours:read")
def late_records() -> Answer:
    """Services without a record, and entries recorded late (迟录与漏录)."""
    viewer, args = access.viewer(), request.args
    estate, estates = late.pick_estate(viewer, args.get("estate", "")[:16])
    first, last = _days()
    start, end = _bounds(first, last)
    return render_template(
        "volunteers/hours/late.html", estate=estate, estates=estates, first=first, last=last,
        missing=[] if args.get("cursor") else late.list_missing([estate.id]),
        page=late.list_late(estate.id, start, end, args.get("cursor")),
    )  # fmt: skip


@pages.page("/hours/desk/late/export", access="hours:read", methods=("POST",), writes=True)
def export_late() -> FlaskResponse:
    """The same as a table file; that it was taken is kept."""
    viewer = access.viewer()
    estate, _ = late.pick_estate(viewer, request.args.get("estate", "")[:16])
    start, end = _bounds(*_days())
    answer = FlaskResponse(exports.late_table(viewer, estate, start, end), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename=late-hours-{clock.today():%Y%m%d}.csv"
    return answer


def _days() -> tuple[date, date]:
    """The days asked for, else the past three months."""
    today = clock.today()
    return _day("first", today - timedelta(days=92)), _day("last", today)


def _day(name: str, usual: date) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return usual


def _bounds(first: date, last: date) -> tuple[Any, Any]:
    return clock.day_bounds(first)[0], clock.day_bounds(last)[1]
