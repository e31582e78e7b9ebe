"""One shift: its page for staff and for volunteers, changing it, people, presence and the log."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from core import access, clock, passes
from core.access import SIGNED_IN, NotFound
from core.web.addresses import site_address
from core.workflow import Stale
from volunteers.registry.skills import SKILLS
from volunteers.rota import free, queries, workflow
from volunteers.rota.forms import CodeForm, LogForm, OutForm, PeopleForm, ReasonForm, ShiftForm
from volunteers.rota.models import STATE_NAMES, ShiftState, State
from volunteers.rota.queries import MANAGE, SERVE, ShiftView
from volunteers.rota.views.blueprint import CHECK_IN, Answer, attach, pages
from volunteers.rota.workflow import Refused
from volunteers.training.queries import names, names_of

PASS_MINUTES = 15


@pages.page("/rota/shifts/<shift_id>", access=SIGNED_IN)
def shift(shift_id: str) -> Answer:
    """A shift, as staff or as a volunteer sees it."""
    return shift_page(shift_id)


def shift_page(shift_id: str, status: int = 200, problem: str = "", **sent: Any) -> Answer:
    """The page of a shift; ``sent`` holds forms that were refused."""
    viewer = access.viewer()
    view = queries.get_shift(viewer, shift_id)
    fresh = {"reason": ReasonForm, "log_form": LogForm, "code_form": CodeForm, "out": OutForm}
    forms: dict[str, Any] = {name: sent.get(name) or form(formdata=None) for name, form in fresh.items()}
    forms["out_id"] = sent.get("out_id", "")
    now = clock.now()
    page = render_template(
        f"volunteers/rota/{'shift' if view.reads else 'my_shift'}.html", view=view, shift=view.shift, problem=problem,
        log=queries.get_log(view) if view.reads or view.own else None, names=STATE_NAMES, now=now,
        is_open=view.shift.state == ShiftState.PLANNED, has_begun=view.shift.starts_at <= now,
        is_over=view.shift.ends_at <= now, trainings=_trainings(view), skills=SKILLS, **forms,
    )  # fmt: skip
    return page if status == 200 else (page, status)


def _trainings(view: ShiftView) -> dict[str, str]:
    return names_of({need.training for need in view.needs.values() if need.training})


def back_to(shift_id: str) -> Answer:
    """The shift's page, after something was done."""
    return redirect(url_for("rota.shift", shift_id=shift_id), 303)


@pages.page("/rota/shifts/<shift_id>/edit", access=MANAGE, methods=("GET", "POST"), writes=True)
def edit_shift(shift_id: str) -> Answer:
    """Change a shift. Nobody is moved: another time asks everybody again."""
    viewer, form, status = access.viewer(), ShiftForm(), 200
    view = queries.get_shift(viewer, shift_id)
    if not view.manages:
        raise NotFound
    needs = list(view.needs.values())
    form.offer(names(viewer), needs)
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                told = workflow.change_shift(viewer, shift_id, form.slot(), form.seen_version())
            except Refused as refused:
                attach(form, refused)
            except Stale:
                status, form.version.data = 409, str(view.shift.version)
            else:
                flash("这一班已改好" + (f"，告诉了{told}人" if told else ""), "success")
                return back_to(shift_id)
    else:
        form.fill(view.shift, needs)
    page = render_template(
        "volunteers/rota/shift_form.html", form=form, post=None, shift=view.shift, view=view, is_stale=status == 409
    )
    return page, status


@pages.page("/rota/shifts/<shift_id>/call-off", access=MANAGE, methods=("POST",), writes=True)
def call_off(shift_id: str) -> Answer:
    """Call a shift off with a reason."""
    form = ReasonForm()
    if not form.validate():
        return shift_page(shift_id, 422, reason=form)
    try:
        told = workflow.call_off_shift(access.viewer(), shift_id, form.reason.data or "")
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused))
    flash(f"这一班已取消，告诉了{told}人" if told else "这一班已取消", "success")
    return back_to(shift_id)


@pages.page("/rota/shifts/<shift_id>/restore", access=MANAGE, methods=("POST",), writes=True)
def restore(shift_id: str) -> Answer:
    """Take that back."""
    try:
        workflow.restore_shift(access.viewer(), shift_id)
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused))
    flash("这一班恢复了，请重新找人", "success")
    return back_to(shift_id)


@pages.page("/rota/shifts/<shift_id>/delete", access=MANAGE, methods=("POST",), writes=True)
def delete(shift_id: str) -> Answer:
    """Delete a shift that nobody was ever in."""
    try:
        rota_id = workflow.delete_shift(access.viewer(), shift_id)
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused))
    flash("这一班已删除", "success")
    return redirect(url_for("rota.post", rota_id=rota_id), 303)


@pages.page("/rota/shifts/<shift_id>/people", access=MANAGE, methods=("GET", "POST"), writes=True)
def people(shift_id: str) -> Answer:
    """Find people for a role: who fits, who served least, and what is against the others."""
    viewer, form, status = access.viewer(), PeopleForm(), 200
    view = queries.get_shift(viewer, shift_id)
    if not view.enters:
        raise NotFound
    key = request.args.get("need", "")
    need = view.needs.get(key) or next(iter(view.needs.values()))
    q = request.args.get("q", "").strip()[:60]
    found = free.list_candidates(viewer, view, need, q)
    form.offer(found)
    if form.is_submitted():
        status = 422
        if form.validate():
            do = workflow.invite if form.how.data == "invite" else workflow.enter
            try:
                count = do(viewer, shift_id, need.key, form.people.data or [], form.words.data or "")
            except Refused as refused:
                attach(form, refused)
            else:
                flash(
                    f"已邀请{count}人，等他们答复" if do is workflow.invite else f"排好了{count}人，已告诉本人",
                    "success",
                )
                return back_to(shift_id)
    return render_template(
        "volunteers/rota/people.html", form=form, view=view, shift=view.shift, need=need, q=q, found=found,
        trainings=_trainings(view), skills=SKILLS,
    ), status  # fmt: skip


@pages.page("/rota/shifts/<shift_id>/code", access=SIGNED_IN)
def code(shift_id: str) -> Answer:
    """The code of the post, for those who lead the shift."""
    viewer = access.viewer()
    view = queries.get_shift(viewer, shift_id)
    if not view.leads:
        raise NotFound
    made = passes.issue(CHECK_IN, shift_id, PASS_MINUTES)
    address = site_address(url_for("rota.check_in", pass_text=made.text))
    return render_template(
        "volunteers/rota/code.html", view=view, shift=view.shift, picture=passes.picture(address), until=made.until
    )


@pages.page("/rota/shifts/<shift_id>/arrive", access=SIGNED_IN, methods=("POST",), writes=True)
def arrive_all(shift_id: str) -> Answer:
    """Tick several people at once: those who are there."""
    viewer, problem, done = access.viewer(), "", 0
    view = queries.get_shift(viewer, shift_id)
    if not view.leads:
        raise NotFound
    ticked = set(request.form.getlist("here"))
    try:
        for face in view.live():
            if face.id in ticked and face.state in (State.SIGNED_UP, State.TO_CONFIRM):
                workflow.check_in(viewer, face.id)
                done += 1
    except Refused as refused:
        problem = str(refused)
    if problem or not done:
        return shift_page(shift_id, 422, problem or "请先勾选到了的人")
    flash(f"{done}人已到岗", "success")
    return back_to(shift_id)


@pages.page("/rota/shifts/<shift_id>/log", access=SIGNED_IN, methods=("POST",), writes=True)
def log(shift_id: str) -> Answer:
    """Add a line to the log."""
    viewer, form = access.viewer(), LogForm()
    view = queries.get_shift(viewer, shift_id)
    if not (view.leads or view.own):
        raise NotFound
    fine = form.validate()
    counts = form.counts(view.shift.post_counters, request.form)
    if not fine or form.form_errors:
        return shift_page(shift_id, 422, "；".join(form.form_errors), log_form=form)
    try:
        workflow.write_log(viewer, shift_id, form.words.data or "", counts)
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused), log_form=form)
    flash("记下了，下一班看得到", "success")
    return back_to(shift_id)


@pages.page("/rota/check-in/<pass_text>", access=SERVE, methods=("GET", "POST"), writes=True)
def check_in(pass_text: str) -> Answer:
    """Confirm that one is there; the code of the post leads here."""
    viewer, problem = access.viewer(), ""
    try:
        shift_id = passes.read(CHECK_IN, pass_text)
    except passes.Expired:
        return render_template("volunteers/rota/check_in.html", view=None, shift=None, problem=""), 422
    if shift_id is None:
        raise NotFound
    view = queries.get_shift(viewer, shift_id)
    if request.method == "POST":
        try:
            workflow.check_in_by_code(viewer, shift_id, None)
        except Refused as refused:
            problem = str(refused)
        else:
            flash("签到好了，时长从这一班的开始时间算", "success")
            return back_to(shift_id)
    page = render_template("volunteers/rota/check_in.html", view=view, shift=view.shift, problem=problem)
    return page, 422 if problem else 200


@pages.page("/rota/shifts/<shift_id>/check-in", access=SERVE, methods=("POST",), writes=True)
def check_in_here(shift_id: str) -> Answer:
    """Confirm that one is there by the four digits at the post."""
    form = CodeForm()
    if not form.validate():
        return shift_page(shift_id, 422, code_form=form)
    try:
        workflow.check_in_by_code(access.viewer(), shift_id, form.code.data or "")
    except Refused as refused:
        if refused.field:
            attach(form, refused)
            return shift_page(shift_id, 422, code_form=form)
        return shift_page(shift_id, 422, str(refused))
    flash("签到好了，时长从这一班的开始时间算", "success")
    return back_to(shift_id)
