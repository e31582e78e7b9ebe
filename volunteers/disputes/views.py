"""Disputes: a volunteer says that a record is wrong or missing; the branch answers by a correction or a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import SIGNED_IN, NotFound
from core.web.blueprints import Pages
from core.web.formats import date_zh
from core.web.forms import Form, choices
from volunteers.disputes import forms, queries, workflow
from volunteers.disputes.queries import Found
from volunteers.disputes.workflow import Claim
from volunteers.hours import desk, recording
from volunteers.hours import queries as hours
from volunteers.hours.workflow import NotCorrectable, Origin

pages = Pages("disputes", __name__)
Answer = Response | str | tuple[str, int]


def _refuse(form: Any, problem: Any) -> None:
    field = getattr(problem, "field", "")
    if field in form:
        form[field].errors = [*form[field].errors, str(problem)]
    else:
        form.form_errors.append(str(problem))


@pages.page("/hours/<entry_id>/dispute", access="orders:serve", methods=("GET", "POST"), writes=True)
def ask(entry_id: str) -> Answer:
    """“这条不对”: what is wrong with one of my entries."""
    viewer, form, status = access.viewer(), forms.DisputeForm(), 200
    entry = hours.get_own_entry(viewer, entry_id)
    if entry.reverses_id or entry.is_reversed:
        flash("这一条已经更正过，请看最新的那条", "warning")
        return redirect(url_for("hours.mine"), 303)
    if form.is_submitted():
        status = 422
        if form.validate():
            what = f"{date_zh(entry.starts_at)}{entry.content}"
            claim = Claim(entry.estate_id, form.kind.data, form.text.data or "", what, viewer.person_id, entry_id,
                          minutes=form.minutes.data, start=form.start.data)  # fmt: skip
            try:
                dispute_id = workflow.raise_(viewer, claim)
            except workflow.Refused as problem:
                _refuse(form, problem)
            else:
                flash("已提交，支部核实后会答复您", "success")
                return redirect(url_for("disputes.show", dispute_id=dispute_id), 303)
    page = render_template("volunteers/disputes/ask.html", form=form, entry=entry)
    return page if status == 200 else (page, status)


@pages.page("/hours/missing", access="orders:serve", methods=("GET", "POST"), writes=True)
def ask_missing() -> Answer:
    """“少记了一次”: a service of mine that was not recorded."""
    viewer, form, status = access.viewer(), forms.MissingForm(), 200
    ledger = hours.get_ledger(viewer, viewer.person_id, 1)
    if form.is_submitted():
        status = 422
        if form.validate():
            what = f"少记了一次，{date_zh(form.start.data)}"
            claim = Claim(ledger.estate_id, "missing", form.text.data or "", what, viewer.person_id,
                          minutes=form.minutes.data, start=form.start.data)  # fmt: skip
            try:
                dispute_id = workflow.raise_(viewer, claim)
            except workflow.Refused as problem:
                _refuse(form, problem)
            else:
                flash("已提交，支部核实后会答复您", "success")
                return redirect(url_for("disputes.show", dispute_id=dispute_id), 303)
    page = render_template("volunteers/disputes/missing.html", form=form)
    return page if status == 200 else (page, status)


@pages.page("/disputes", access=SIGNED_IN)
def mine() -> str:
    """What I have disputed."""
    viewer = access.viewer()
    return render_template(
        "volunteers/disputes/mine.html", page=queries.list_own(viewer, request.args.get("cursor")),
        is_volunteer=viewer.is_volunteer,
    )  # fmt: skip


@pages.page("/disputes/<dispute_id>", access=SIGNED_IN)
def show(dispute_id: str) -> str:
    """One of my disputes, with what came of it."""
    viewer = access.viewer()
    found = queries.get_dispute(viewer, dispute_id)
    return render_template(
        "volunteers/disputes/show.html", one=found, events=queries.list_events(found.id),
        is_mine=found.raised_by == viewer.person_id, is_volunteer=viewer.is_volunteer,
    )  # fmt: skip


@pages.page("/disputes/<dispute_id>/drop", access=SIGNED_IN, methods=("POST",), writes=True)
def drop(dispute_id: str) -> Answer:
    """Take mine back."""
    viewer = access.viewer()
    workflow.drop(viewer, queries.get_dispute(viewer, dispute_id))
    flash("已撤回", "success")
    return redirect(url_for("disputes.show", dispute_id=dispute_id), 303)


@pages.page("/hours/desk/disputes", access="hours:read")
def queue() -> str:
    """Disputes of the estates within reach."""
    group = "done" if request.args.get("group") == "done" else "open"
    page = queries.list_queue(access.viewer(), group, request.args.get("cursor"))
    return render_template("volunteers/disputes/queue.html", page=page, group=group)


@pages.page("/hours/desk/disputes/<dispute_id>", access="hours:read")
def desk_show(dispute_id: str) -> str:
    """One dispute at the desk, with the two ways to answer."""
    return _desk_page(queries.get_dispute(access.viewer(), dispute_id))


def _desk_page(found: Found, sent: Form | None = None) -> str:
    viewer = access.viewer()
    may_answer = viewer.may_at("hours:correct", found.estate_path) and found.state == "raised"
    named = {type(sent): sent} if sent is not None else {}
    entries = _entries(found) if may_answer else []
    uphold = named.get(forms.UpholdForm) or forms.UpholdForm(formdata=None, prefix="correct-")
    uphold.entry.choices = choices(
        (one.id, f"{date_zh(one.starts_at)} {one.content} {one.minutes}分钟") for one in entries
    )
    record = named.get(forms.RecordMissingForm) or _proposed(found)
    return render_template(
        "volunteers/disputes/desk_show.html", one=found, events=queries.list_events(found.id), may_answer=may_answer,
        entries=entries, uphold=uphold, record=record, tip=hours.find_tip(found.entry_id) if found.entry_id else None,
        explain=named.get(forms.ExplainForm) or forms.ExplainForm(formdata=None, prefix="explain-"),
    )  # fmt: skip


def _entries(found: Found) -> Any:
    """For an objection to a notice: the volunteer's entries of that month that stand, to correct one of."""
    if found.notice_month is None or found.volunteer_id is None:
        return []
    return hours.list_month(found.volunteer_id, found.estate_id, found.notice_month)


def _proposed(found: Found) -> forms.RecordMissingForm:
    form = forms.RecordMissingForm(formdata=None, prefix="record-")
    form.starts_at.data, form.minutes.data = found.claimed_start, found.claimed_minutes
    return form


@pages.page("/hours/desk/disputes/<dispute_id>/correct", access="hours:correct", methods=("POST",), writes=True)
def correct(dispute_id: str) -> Answer:
    """Answer by correcting the entry."""
    viewer = access.viewer()
    found = queries.get_dispute(viewer, dispute_id, "hours:correct")
    form = forms.UpholdForm(prefix="correct-")
    if form.validate():
        entry_id = form.entry.data or (hours.find_tip(found.entry_id) if found.entry_id else None)
        if not entry_id:
            form.entry.errors = [*form.entry.errors, "请选更正哪一条"]
            return _desk_page(found, form), 422
        entry = hours.get_entry(viewer, entry_id)
        try:
            workflow.uphold(viewer, found, entry, int(form.minutes.data or 0), form.starts_at.data,
                            form.answer.data or "")  # fmt: skip
        except (NotCorrectable, ValueError) as problem:
            form.minutes.errors = [*form.minutes.errors, str(problem)]
        else:
            return _done(found)
    return _desk_page(found, form), 422


@pages.page("/hours/desk/disputes/<dispute_id>/record", access="hours:correct", methods=("POST",), writes=True)
def record_missing(dispute_id: str) -> Answer:
    """Answer by recording the service that was missing."""
    viewer = access.viewer()
    found = queries.get_dispute(viewer, dispute_id, "hours:correct")
    if found.volunteer_id is None:
        raise NotFound
    form = forms.RecordMissingForm(prefix="record-")
    if form.validate() and form.starts_at.data is not None:
        minutes, start = int(form.minutes.data or 0), form.starts_at.data
        body = desk.body_of(found.estate_id)
        origin = Origin(form.place.data or "", None, body, viewer.person_id, viewer.name, "other")
        service = recording.Service(
            found.estate_id, start, start + timedelta(minutes=minutes), form.content.data or "", origin,
            note=form.answer.data or "", late_reason=f"本人提出少记，支部核实：{form.answer.data}",
        )  # fmt: skip
        try:
            workflow.uphold_missing(viewer, found, service, found.volunteer_id, minutes, form.answer.data or "")
        except recording.PeopleRefused as problem:
            form.form_errors += [f"{name}：{why}" for name, why in problem.why]
        except recording.Refused as problem:
            _refuse(form, problem)
        else:
            return _done(found)
    return _desk_page(found, form), 422


@pages.page("/hours/desk/disputes/<dispute_id>/explain", access="hours:correct", methods=("POST",), writes=True)
def explain(dispute_id: str) -> Answer:
    """Answer with the reason why the record stands."""
    viewer = access.viewer()
    found = queries.get_dispute(viewer, dispute_id, "hours:correct")
    form = forms.ExplainForm(prefix="explain-")
    if form.validate():
        workflow.explain(viewer, found, form.answer.data or "")
        return _done(found)
    return _desk_page(found, form), 422


def _done(found: Found) -> Response:
    flash("已答复" if found.caller else "已答复，对方会收到通知", "success")
    return redirect(url_for("disputes.desk_show", dispute_id=found.id), 303)
