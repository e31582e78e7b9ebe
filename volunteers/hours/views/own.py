"""One's own hours, and those of volunteers in reach with their correction; and the record to take away."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for

from core import access, clock
from core.access import NotFound
from core.web import paging
from volunteers.consents.texts import NAMING, TEXTS
from volunteers.honours.badges import list_badges
from volunteers.hours import exports, queries, workflow
from volunteers.hours.around import around
from volunteers.hours.forms import KINDS, CorrectForm, PeriodForm
from volunteers.hours.views.blueprint import Answer, pages
from volunteers.timebank import queries as timebank

MONTHS = 12
ON_PHONE = 20
"""Entries on one page of a phone."""


@pages.page("/hours", access="orders:serve")
def mine() -> str:
    """My hours: in all, towards the next star, badges, by month and one by one, with what was said of them."""
    viewer = access.viewer()
    found = queries.get_ledger(viewer, viewer.person_id, MONTHS)
    return render_template(
        "volunteers/hours/mine.html",
        **_known(found, ON_PHONE),
        badges=list_badges(found.volunteer_id),
        matters={kind: TEXTS[kind] for kind in NAMING},
    )


def _known(ledger: queries.Ledger, limit: int = paging.PAGE) -> dict[str, Any]:
    beside = around(ledger.volunteer_id, ledger.estate_id)
    return {
        "ledger": ledger,
        "page": queries.list_entries(ledger.volunteer_id, cursor=request.args.get("cursor"), limit=limit),
        "around": beside,
        "goal": ledger.stars.goal(ledger.minutes),
        "next_name": ledger.stars.next_name(ledger.minutes),
        "most": max((minutes for _, minutes, _ in ledger.months), default=0),
    }


@pages.page("/hours/take", access="orders:serve", methods=("GET", "POST"), writes=True)
def take() -> Answer | FlaskResponse:
    """My record of a period as a workbook or a paper; that it was taken is kept."""
    return _take(access.viewer().person_id)


def _take(volunteer_id: str) -> Answer | FlaskResponse:
    viewer, form, status = access.viewer(), PeriodForm(), 200
    if form.is_submitted():
        if form.validate():
            record = exports.get_record(viewer, volunteer_id, form.first.data, form.last.data)
            exports.note_export(viewer, record, form.kind.data)
            return _file(record, form.kind.data)
        status = 422
    else:
        form.first.data, form.last.data = date(clock.today().year, 1, 1), clock.today()
    ledger = queries.get_ledger(viewer, volunteer_id, 1)
    mine = volunteer_id == viewer.person_id
    page = render_template("volunteers/hours/take.html" if mine else "volunteers/hours/take_desk.html", form=form,
                           ledger=ledger)  # fmt: skip
    return page if status == 200 else (page, status)


def _file(record: exports.Record, kind: str) -> FlaskResponse:
    # Loaded by whoever prints: it takes half a second and 27 MB, which every start would pay.
    from volunteers.hours import paper

    mime, ending = KINDS[kind]
    data = paper.draw(record) if kind == "pdf" else exports.workbook(record)
    answer = FlaskResponse(data, mimetype=mime)
    name = f"service-record-{record.ledger.number}-{clock.today():%Y%m%d}.{ending}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@pages.page("/volunteers/<volunteer_id>/hours", access="hours:read")
def volunteer(volunteer_id: str) -> str:
    """A volunteer's hours, as the branch sees them."""
    return _desk_page(volunteer_id)


def _desk_page(volunteer_id: str, entry_id: str = "", form: CorrectForm | None = None) -> str:
    viewer = access.viewer()
    found = queries.get_ledger(viewer, volunteer_id, MONTHS)
    return render_template(
        "volunteers/hours/volunteer.html",
        **_known(found),
        may_correct=viewer.may_at("hours:correct", found.estate_path),
        may_honour=viewer.may_at("hours:honour", found.estate_path),
        runs_time_bank=timebank.rules_of(found.estate_id)["runs"],
        wrong=entry_id,
        form=form or CorrectForm(formdata=None),
    )


@pages.page("/volunteers/<volunteer_id>/hours/take", access="hours:read", methods=("GET", "POST"), writes=True)
def take_for(volunteer_id: str) -> Answer | FlaskResponse:
    """A volunteer's record, for the branch that keeps it."""
    return _take(volunteer_id)


@pages.page("/volunteers/<volunteer_id>/hours/<entry_id>", access="hours:correct", methods=("POST",), writes=True)
def correct(volunteer_id: str, entry_id: str) -> Answer:
    """Reverse an entry and write it anew with other minutes."""
    viewer, form = access.viewer(), CorrectForm()
    entry = queries.get_entry(viewer, entry_id)
    if entry.volunteer_id != volunteer_id:
        raise NotFound
    if form.validate():
        try:
            workflow.correct(viewer, entry, int(form.minutes.data or 0), form.reason.data or "")
        except workflow.NotCorrectable as problem:
            flash(str(problem), "warning")
            return _desk_page(volunteer_id), 409
        except ValueError as problem:
            form.minutes.errors = [*form.minutes.errors, str(problem)]
        else:
            flash("已更正，原来的一条用冲销记下，志愿者会收到通知", "success")
            return redirect(url_for("hours.volunteer", volunteer_id=volunteer_id), 303)
    return _desk_page(volunteer_id, entry_id, form), 422
