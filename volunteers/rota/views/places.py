"""What is done with a person's place in a shift: each loads what it needs, does one thing and leads back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from core import access
from core.access import SIGNED_IN, NotFound, Viewer
from core.web.addresses import own_path
from core.web.formats import minutes_zh
from volunteers.hours.presence import NotYetRegistered
from volunteers.hours.workflow import Overlap
from volunteers.rota import queries, workflow
from volunteers.rota.forms import OutForm, ReasonForm, StandInForm
from volunteers.rota.queries import SERVE
from volunteers.rota.views.blueprint import Answer, attach, pages
from volunteers.rota.views.shifts import back_to, shift_page
from volunteers.rota.workflow import Refused

Act = Callable[[Viewer, str], Any]
PLAIN: dict[str, tuple[Act, str]] = {
    "join": (workflow.join, "好的，给您留了位置"),
    "confirm": (workflow.confirm, "确认好了，到时见"),
    "leave": (workflow.leave_queue, "不等了，已从候补里去掉"),
    "take-over": (workflow.take_over, "这一班归您了，对方会收到消息"),
    "take-back": (workflow.take_back, "收回了，这一班还是您的"),
    "arrive": (workflow.check_in, "已记到岗"),
    "not-arrived": (workflow.undo_check_in, "已撤销到岗"),
    "lead": (workflow.name_leader, "已指定班长，告诉了本人"),
}
"""Verbs that need nothing but a press, with what the next page says."""
REASONED: dict[str, tuple[Callable[[Viewer, str, str], Any], str]] = {
    "withdraw": (workflow.withdraw, "已退出，支部会收到消息"),
    "release": (workflow.release, "已移出，告诉了本人"),
    "no-show": (workflow.no_show, "已记未到，告诉了本人"),
    "reinstate": (workflow.reinstate, "已撤销未到"),
}
"""Verbs that need a reason."""


def _back(shift_id: str) -> Answer:
    return redirect(own_path(request.form.get("back"), url_for("rota.shift", shift_id=shift_id)), 303)


@pages.page("/rota/places/<place_id>/<verb>", access=SIGNED_IN, methods=("POST",), writes=True)
def place(place_id: str, verb: str) -> Answer:
    """A verb of a place."""
    viewer = access.viewer()
    shift_id = queries.shift_of(viewer, place_id)
    if verb == "decline":
        reason = (request.form.get("reason") or "").strip()[:200]
        return _do(shift_id, lambda: workflow.decline(viewer, place_id, reason), "已婉拒，不影响您")
    if verb in PLAIN:
        act, told = PLAIN[verb]
        return _do(shift_id, lambda: act(viewer, place_id), told)
    if verb not in REASONED:
        raise NotFound
    form = ReasonForm()
    if not form.validate():
        return shift_page(shift_id, 422, str(form.reason.errors[0]) if form.reason.errors else "请再提交一次")
    do, told = REASONED[verb]
    return _do(shift_id, lambda: do(viewer, place_id, form.reason.data or ""), told)


def _do(shift_id: str, act: Callable[[], Any], told: str) -> Answer:
    try:
        done = act()
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused))
    flash("位置满了，给您排了候补" if done == "waiting" else told, "success")
    return _back(shift_id)


@pages.page("/rota/places/<place_id>/out", access=SIGNED_IN, methods=("POST",), writes=True)
def out(place_id: str) -> Answer:
    """End a presence and credit its minutes."""
    viewer, form = access.viewer(), OutForm(prefix="out-")
    shift_id = queries.shift_of(viewer, place_id)
    if not form.validate():
        return shift_page(shift_id, 422, out=form, out_id=place_id)
    try:
        _, minutes = workflow.check_out(viewer, place_id, since=form.since.data, until=form.until.data)
    except (Refused, Overlap, NotYetRegistered, ValueError) as problem:
        return shift_page(shift_id, 422, str(problem), out=form, out_id=place_id)
    flash(f"已离岗，记了{minutes_zh(minutes)}" if minutes else "已离岗，不到1分钟不记时长", "success")
    return _back(shift_id)


@pages.page("/rota/shifts/<shift_id>/sign-up", access=SERVE, methods=("POST",), writes=True)
def sign_up(shift_id: str) -> Answer:
    """Take a place, or wait for one."""
    viewer = access.viewer()
    try:
        state = workflow.sign_up(viewer, shift_id, request.form.get("need", "")[:8])
    except Refused as refused:
        return shift_page(shift_id, 422, str(refused))
    flash("报好了" if state == "signed_up" else "位置满了，给您排了候补，轮到会告诉您", "success")
    return _back(shift_id)


@pages.page("/rota/places/<place_id>/stand-in", access=SERVE, methods=("GET", "POST"), writes=True)
def stand_in(place_id: str) -> Answer:
    """Ask somebody to stand in, or to swap."""
    viewer, form, status = access.viewer(), StandInForm(), 200
    shift_id = queries.shift_of(viewer, place_id)
    view = queries.get_shift(viewer, shift_id)
    if view.own is None or view.own.id != place_id:
        raise NotFound
    colleagues = queries.list_colleagues(viewer, view.shift.rota_id, shift_id)
    swaps = queries.list_swaps([one.id for one in colleagues], view.shift.rota_id)
    if form.is_submitted():
        status = 422
        person, back = _chosen(viewer, form, {one.id for one in colleagues}, {one.id: one.person_id for one in swaps})
        if form.validate() and person:
            try:
                workflow.ask(viewer, place_id, person, back)
            except Refused as refused:
                attach(form, refused)
            else:
                flash("请求发出去了，他答应之前，这一班还是您的", "success")
                return back_to(shift_id)
        elif not form.errors:
            form.person.errors = ["请选一位，或填他的志愿者编号"]
    return render_template(
        "volunteers/rota/stand_in.html", form=form, view=view, shift=view.shift, colleagues=colleagues, swaps=swaps
    ), status


def _chosen(
    viewer: Viewer, form: StandInForm, people: set[str], swaps: dict[str, str]
) -> tuple[str | None, str | None]:
    """Who is asked, and the place that is given back for it: a choice is ``p-PERSON`` or ``s-PLACE``."""
    kind, _, value = (form.person.data or "").partition("-")
    if kind == "s" and value in swaps:
        return swaps[value], value
    if kind == "p" and value in people:
        return value, None
    return (queries.find_by_number(viewer, form.number.data) if form.number.data else None), None
