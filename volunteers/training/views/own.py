"""A volunteer's own training: passes, signing up, checking in, the certificate of a training."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for

from core import access, clock, passes
from core.access import NotFound
from volunteers.training import queries, workflow
from volunteers.training.forms import StepForm
from volunteers.training.models import State
from volunteers.training.views.blueprint import CHECK_IN, Answer, pages
from volunteers.training.workflow import Refused

ATTEND = "training:attend"


@pages.page("/training/mine", access=ATTEND)
def mine() -> str:
    """What I have learnt, what I am signed up for, and what I could sign up for."""
    return _page("")


def _page(problem: str) -> str:
    return render_template(
        "volunteers/training/mine.html", own=queries.list_own(access.viewer()), today=clock.today(), problem=problem,
        now=clock.now(),
    )  # fmt: skip


@pages.page("/training/mine/<enrolment_id>", access=ATTEND)
def certificate(enrolment_id: str) -> str:
    """The text of a training's certificate: name, content, length, body and date (志愿服务记录与证明出具办法)."""
    return render_template(
        "volunteers/training/certificate.html", one=queries.get_own_pass(access.viewer(), enrolment_id),
        today=clock.today(),
    )  # fmt: skip


@pages.page("/training/sessions/<session_id>/sign-up", access=ATTEND, methods=("POST",), writes=True)
def sign_up(session_id: str) -> Answer:
    """Sign up, or wait."""
    try:
        state = workflow.sign_up(access.viewer(), session_id)
    except Refused as refused:
        return _page(str(refused)), 422
    flash("报好了" if state == State.SIGNED_UP else "名额满了，已给您排候补，有名额会告诉您", "success")
    return redirect(url_for("training.mine"), 303)


@pages.page("/training/enrolments/<enrolment_id>/cancel", access=ATTEND, methods=("POST",), writes=True)
def cancel(enrolment_id: str) -> Answer:
    """Not to come after all."""
    try:
        workflow.cancel(access.viewer(), enrolment_id)
    except Refused as refused:
        return _page(str(refused)), 422
    flash("已取消报名", "success")
    return redirect(url_for("training.mine"), 303)


@pages.page("/training/check-in/<pass_text>", access=ATTEND, methods=("GET", "POST"), writes=True)
def check_in(pass_text: str) -> Answer:
    """Confirm that one is there; the code leads here."""
    viewer, form = access.viewer(), StepForm()
    try:
        session_id = passes.read(CHECK_IN, pass_text)
    except passes.Expired:
        return render_template("volunteers/training/check_in.html", session=None, problem=""), 422
    if session_id is None:
        raise NotFound
    problem = ""
    found = queries.get_session_to_attend(viewer, session_id)
    if form.is_submitted():
        try:
            workflow.check_in(viewer, session_id)
        except Refused as refused:
            problem = str(refused)
        else:
            flash("签到好了", "success")
            return redirect(url_for("training.mine"), 303)
    page = render_template("volunteers/training/check_in.html", session=found, problem=problem)
    return page, 422 if problem else 200
