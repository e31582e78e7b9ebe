"""Sessions at the desk: planning them, the list with its ticks, results, and the code for checking in."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from core import access, clock, passes
from core.access import NotFound
from core.web.addresses import site_address
from core.workflow import Stale
from volunteers.training import queries, workflow
from volunteers.training.forms import EnrolForm, ReasonForm, SessionForm, StepForm, propose, results_of
from volunteers.training.models import STATE_NAMES, SessionState
from volunteers.training.views.blueprint import CHECK_IN, Answer, pages
from volunteers.training.workflow import Refused

MANAGE = "training:manage"
PASS_MINUTES = 15


@pages.page("/training/courses/<course_id>/sessions/new", access=MANAGE, methods=("GET", "POST"), writes=True)
def new_session(course_id: str) -> Answer:
    """Plan a session."""
    viewer, form, status = access.viewer(), SessionForm(), 200
    course = queries.get_course(viewer, course_id, MANAGE)
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                made = workflow.plan_session(viewer, course_id, form.occasion())
            except Refused as refused:
                _attach(form, refused)
            else:
                flash("这一场排好了，志愿者现在可以报名", "success")
                return redirect(url_for("training.session", session_id=made), 303)
    else:
        propose(form, course)
    return render_template("volunteers/training/session_form.html", form=form, course=course, session=None), status


def _attach(form: Any, refused: Refused) -> None:
    if refused.field:
        form[refused.field].errors = [str(refused)]
    else:
        form.form_errors.append(str(refused))


@pages.page("/training/sessions/<session_id>/edit", access=MANAGE, methods=("GET", "POST"), writes=True)
def edit_session(session_id: str) -> Answer:
    """Change a session; whoever is on its list is told."""
    viewer, form, status = access.viewer(), SessionForm(), 200
    sheet = queries.get_sheet(viewer, session_id)
    if not sheet.leads:
        raise NotFound
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                told = workflow.change_session(viewer, session_id, form.occasion(), form.seen_version())
            except Refused as refused:
                _attach(form, refused)
            except Stale:
                status, form.version.data = 409, str(sheet.session.version)
            else:
                flash("已改好" + (f"，告诉了{told}人" if told else ""), "success")
                return redirect(url_for("training.session", session_id=session_id), 303)
    else:
        form.fill(sheet.session)
    page = render_template(
        "volunteers/training/session_form.html", form=form, course=sheet.course, session=sheet.session,
        is_stale=status == 409,
    )  # fmt: skip
    return page, status


@pages.page("/training/sessions/<session_id>", access="training:read")
def session(session_id: str) -> Answer:
    """A session and its list."""
    return _page(session_id)


def _page(session_id: str, status: int = 200, problem: str = "", reason: ReasonForm | None = None) -> Answer:
    sheet = queries.get_sheet(access.viewer(), session_id)
    now = clock.now()
    return render_template(
        "volunteers/training/session.html", sheet=sheet, course=sheet.course, session=sheet.session, problem=problem,
        reason=reason or ReasonForm(formdata=None), states=STATE_NAMES, now=now,
        is_open=sheet.session.state == SessionState.PLANNED, has_begun=sheet.session.starts_at <= now,
        may_tick=sheet.session.starts_at - workflow.EARLY <= now,
    ), status  # fmt: skip


@pages.page("/training/sessions/<session_id>/call-off", access=MANAGE, methods=("POST",), writes=True)
def call_off(session_id: str) -> Answer:
    """Call a session off."""
    form = ReasonForm()
    if not form.validate():
        return _page(session_id, 422, reason=form)
    try:
        told = workflow.call_off_session(access.viewer(), session_id, form.reason.data or "")
    except Refused as refused:
        return _page(session_id, 422, str(refused))
    flash(f"这一场已取消，告诉了{told}人", "success")
    return redirect(url_for("training.session", session_id=session_id), 303)


@pages.page("/training/sessions/<session_id>/people", access=MANAGE, methods=("GET", "POST"), writes=True)
def enrol(session_id: str) -> Answer:
    """Put volunteers on the list."""
    viewer, form, status = access.viewer(), EnrolForm(), 200
    sheet = queries.get_sheet(viewer, session_id)
    if not sheet.enters:
        raise NotFound
    q = request.args.get("q", "").strip()[:60]
    people = queries.list_candidates(viewer, sheet.course.path, session_id, q)
    form.offer(people)
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                done = workflow.enter(viewer, session_id, form.people.data or [], form.consent.data or "")
            except Refused as refused:
                _attach(form, refused)
            else:
                waiting = [name for name, state in done.items() if state == "waiting"]
                tail = f"，其中{'、'.join(waiting)}排候补" if waiting else ""
                flash(f"报好了{len(done)}人{tail}，已告诉本人", "success")
                return redirect(url_for("training.session", session_id=session_id), 303)
    return render_template(
        "volunteers/training/people.html", form=form, sheet=sheet, course=sheet.course, session=sheet.session, q=q,
        count=len(people),
    ), status  # fmt: skip


@pages.page("/training/enrolments/<enrolment_id>/remove", access=MANAGE, methods=("POST",), writes=True)
def remove(enrolment_id: str) -> Answer:
    """Take somebody off the list."""
    form = ReasonForm()
    reason = (form.reason.data or "").strip()
    try:
        session_id = workflow.remove(access.viewer(), enrolment_id, reason or "培训人调整名单")
    except Refused as refused:
        flash(str(refused), "warning")
        return redirect(url_for("training.index"), 303)
    flash("已移出名单，告诉了本人", "success")
    return redirect(url_for("training.session", session_id=session_id), 303)


@pages.page("/training/sessions/<session_id>/attendance", access=MANAGE, methods=("POST",), writes=True)
def attendance(session_id: str) -> Answer:
    """Who is there."""
    form = StepForm()
    if not form.validate():
        return _page(session_id, 422, "页面放得太久，请再点一次名")
    close = request.form.get("close") == "1"
    try:
        here = workflow.tick(access.viewer(), session_id, set(request.form.getlist("present")), close)
    except Refused as refused:
        return _page(session_id, 422, str(refused))
    flash(f"点到{here}人" + ("，没到的已记缺席" if close else ""), "success")
    return redirect(url_for("training.session", session_id=session_id), 303)


@pages.page("/training/sessions/<session_id>/results", access=MANAGE, methods=("POST",), writes=True)
def results(session_id: str) -> Answer:
    """Who passed."""
    form = StepForm()
    if not form.validate():
        return _page(session_id, 422, "页面放得太久，请再提交一次")
    try:
        done = workflow.judge(access.viewer(), session_id, results_of(request.form))
    except Refused as refused:
        return _page(session_id, 422, str(refused))
    flash(f"记了{done}人的结果，已告诉本人" if done else "没有要改的结果", "success" if done else "info")
    return redirect(url_for("training.session", session_id=session_id), 303)


@pages.page("/training/sessions/<session_id>/code", access=MANAGE)
def code(session_id: str) -> Answer:
    """The code for checking in, to be shown on a screen."""
    sheet = queries.get_sheet(access.viewer(), session_id)
    if not sheet.leads:
        raise NotFound
    made = passes.issue(CHECK_IN, session_id, PASS_MINUTES)
    address = site_address(url_for("training.check_in", pass_text=made.text))
    return render_template(
        "volunteers/training/code.html", sheet=sheet, course=sheet.course, session=sheet.session,
        picture=passes.picture(address), until=made.until,
    )  # fmt: skip
