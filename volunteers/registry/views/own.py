"""A volunteer's own page: what they offer, when they are away, and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import Forbidden
from volunteers.consents import queries as consents
from volunteers.registry import queries, workflow
from volunteers.registry.commitments import Commitment
from volunteers.registry.forms import AwayForm, DaysOffForm, OfferForm, ReasonForm
from volunteers.registry.models import Standing
from volunteers.registry.queries import Card
from volunteers.registry.views.blueprint import Answer, pages
from volunteers.registry.week import DAYS, PARTS


@pages.page("/volunteer", access="orders:serve", methods=("GET", "POST"), writes=True)
def mine() -> Answer:
    """My skills and hours, declared by myself."""
    viewer, form = access.viewer(), OfferForm()
    card, status = queries.get_own_card(viewer), 200
    if form.is_submitted():
        if form.validate():
            workflow.change(viewer, card, form.offer(), form.seen_version())
            flash("已改好，派单时按新的时间和技能推荐", "success")
            return redirect(url_for("registry.mine"))
        status = 422
    else:
        form.fill(card)
    return _mine(card, form), status


def _mine(card: Card, form: OfferForm, held: Sequence[Commitment] = (), **forms: Any) -> str:
    blank = {"off": DaysOffForm(formdata=None), "away": AwayForm(formdata=None, prefix="away-"),
             "quit": ReasonForm(formdata=None, prefix="quit-")}  # fmt: skip
    return render_template(
        "volunteers/registry/mine.html", form=form, card=card, days=DAYS, parts=PARTS, held=held,
        given=consents.given_by(card.volunteer.person_id), **(blank | forms),
    )  # fmt: skip


def _mine_again(card: Card, held: Sequence[Commitment] = (), **forms: Any) -> Answer:
    form = OfferForm(formdata=None)
    form.fill(card)
    return _mine(card, form, held, **forms), 422


@pages.page("/volunteer/days-off", access="orders:serve", methods=("POST",), writes=True)
def take_off() -> Answer:
    """Say that one has no time on some days."""
    viewer, off = access.viewer(), DaysOffForm()
    card = queries.get_own_card(viewer)
    if off.validate():
        try:
            workflow.take_off(viewer, card, *off.days, off.note.data or "")
        except workflow.Refused as problem:
            off.first_day.errors = [str(problem)]
        else:
            flash("已记下，这几天不给您派单", "success")
            return redirect(url_for("registry.mine", _anchor="days-off"), 303)
    return _mine_again(card, off=off)


@pages.page("/volunteer/days-off/<day_off_id>/drop", access="orders:serve", methods=("POST",), writes=True)
def give_back(day_off_id: str) -> Response:
    """Have time on those days after all."""
    viewer = access.viewer()
    workflow.give_back(viewer, queries.get_own_card(viewer), day_off_id)
    flash("已去掉，这几天照常派单", "success")
    return redirect(url_for("registry.mine", _anchor="days-off"), 303)


@pages.page("/volunteer/on-call", access="orders:serve", methods=("POST",), writes=True)
def on_call() -> Response:
    """May be called when a neighbour is in need, or not."""
    on = request.form.get("on") == "1"
    try:
        workflow.set_on_call(access.viewer(), on)
    except workflow.Refused as problem:
        flash(str(problem), "error")
    else:
        flash("已打开。邻居求助时会叫您，去不去由您" if on else "已关闭，邻居求助时不再叫您", "success")
    return redirect(url_for("registry.mine"), 303)


@pages.page("/volunteer/leave", access="orders:serve", methods=("POST",), writes=True)
def go_away() -> Answer:
    """Be away for a while."""
    viewer, form = access.viewer(), AwayForm(prefix="away-")
    card = queries.get_own_card(viewer)
    held: Sequence[Commitment] = ()
    if form.validate() and form.until.data is not None:
        try:
            workflow.take_leave(viewer, card.volunteer, form.until.data, form.reason.data or "")
        except workflow.HandOverFirst as problem:
            form.until.errors, held = [str(problem)], problem.held
        except workflow.Refused as problem:
            form.until.errors = [str(problem)]
        else:
            flash("已请假，到期自动恢复，这期间不给您派单", "success")
            return redirect(url_for("registry.mine"), 303)
    return _mine_again(card, held, away=form)


@pages.page("/volunteer/back", access="orders:serve", methods=("POST",), writes=True)
def come_back() -> Response:
    """Back from a leave before its time."""
    viewer = access.viewer()
    card = queries.get_own_card(viewer)
    if card.volunteer.standing != Standing.ON_LEAVE:
        raise Forbidden("您现在没有请假。服务被暂停的，请联系支部恢复")
    try:
        workflow.come_back(viewer, card.volunteer, "本人提前销假")
    except workflow.Refused as problem:
        flash(str(problem), "error")
    else:
        flash("欢迎回来，可以接单了", "success")
    return redirect(url_for("registry.mine"), 303)


@pages.page("/volunteer/quit", access="orders:serve", methods=("POST",), writes=True)
def leave() -> Answer:
    """Leave the register by oneself: serving is voluntary."""
    viewer, form = access.viewer(), ReasonForm(prefix="quit-")
    card = queries.get_own_card(viewer)
    held: Sequence[Commitment] = ()
    if form.validate():
        try:
            workflow.leave(viewer, card.volunteer, form.reason.data or "")
        except workflow.HandOverFirst as problem:
            form.reason.errors, held = [str(problem)], problem.held
        except workflow.Refused as problem:
            form.reason.errors = [str(problem)]
        else:
            flash("您已退出志愿者，谢谢您的付出。服务时长都留着", "success")
            return redirect(url_for("accounts.me"), 303)
    return _mine_again(card, held, quit=form)


@pages.page("/volunteer/available", access="orders:serve", methods=("POST",), writes=True)
def available() -> Response:
    """Take orders, or not."""
    on = request.form.get("on") == "1"
    workflow.set_available(access.viewer(), on)
    flash("可以接单了" if on else "暂不接单，支部不会派单给您", "success")
    return redirect(url_for("registry.mine"))
