"""The verbs of an order: each loads its form, does one thing, and leads back, or shows the page again with why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for

from core import access
from core.access import SIGNED_IN, Forbidden, Viewer
from core.web.addresses import own_path
from core.workflow import InvalidStep, ReasonMissing, Stale
from services.orders import queries, wording, workflow
from services.orders.aggregate import Order
from services.orders.views.blueprint import Answer, pages
from services.orders.views.desk import remember_undo
from services.orders.views.order import form_for, order_page, prepare
from services.orders.workflow import AlreadyTaken, Refused
from volunteers.hours.workflow import Overlap

Act = Callable[[Viewer, Any], Order]


def _step(order_id: str, verb: str, done: str, act: Act, then: Callable[[Order], None] | None = None) -> Answer:
    """Apply a verb as its form says. ``done`` is what the next page says of it; ``then`` takes the order it made."""
    viewer, form = access.viewer(), form_for(verb)
    if verb in ("no_show", "check_in", "resubmit", "complete_for"):
        prepare(form, queries.get_order(viewer, order_id), viewer, False)
    if not form.validate():
        return _again(order_id, verb, form)
    try:
        order = act(viewer, form)
    except Refused as refused:
        _attach(form, refused.field, str(refused))
        return _again(order_id, verb, form)
    except (Overlap, ReasonMissing) as refused:
        _attach(form, "minutes" if isinstance(refused, Overlap) else "reason", str(refused))
        return _again(order_id, verb, form)
    except (Stale, AlreadyTaken, InvalidStep, Forbidden) as late:
        return _too_late(order_id, verb, form.version.data, late)
    if then is not None:
        then(order)
    if done:
        flash(done, "success")
    return redirect(own_path(request.form.get("back"), url_for("orders.show", order_id=order_id)), 303)


_FIELDS = {"open": "volunteers", "preferred_start": "slot", "preferred_end": "slot"}


def _attach(form: Any, name: str, text: str) -> None:
    name = _FIELDS.get(name, name)
    if name in form:
        form[name].errors = [*form[name].errors, text]
    else:
        form.form_errors.append(text)


def _again(order_id: str, verb: str, form: Any) -> Answer:
    """The page once more with all that was typed; when the verb has become impossible, what happened instead."""
    viewer = access.viewer()
    order = queries.get_order(viewer, order_id)
    if verb not in workflow.allowed(order, viewer):
        return _too_late(order_id, verb, form.version.data, None)
    form.version.data = order.version
    form.version.raw_data = None
    return order_page(order, 422, {verb: form})


def _too_late(order_id: str, verb: str, version: int | None, late: Exception | None) -> Answer:
    """Somebody was first. When it was the same person, twice, that is no fault: the order is shown as it is."""
    viewer = access.viewer()
    order = queries.get_order(viewer, order_id)
    events = queries.list_events(viewer, order_id)
    steps = [event for event in events if event.to_state is not None]
    since = steps[version:] if version else steps[-1:]
    if any(event.verb == verb and event.actor_id == viewer.person_id for event in since):
        flash("这一步您刚才已经办好了，不用再提交", "info")
        return redirect(url_for("orders.show", order_id=order_id), 303)
    if isinstance(late, Forbidden):
        raise late
    taken = isinstance(late, AlreadyTaken)
    text = "名额已满，别的志愿者先接了这一单" if taken else "这一单刚才有变化，您的这一步没有办。下面是最新情况"
    told = wording.changes(events, version) if order.reads(viewer) else []
    return order_page(order, 409, notice=text, changes=told, events=events)


@pages.page("/orders/<order_id>/accept", access=SIGNED_IN, methods=("POST",))
def accept(order_id: str) -> Answer:
    """Accept an offer."""
    return _step(order_id, "accept", "接单成功，请按时上门", lambda viewer, _form: workflow.accept(viewer, order_id))


@pages.page("/orders/<order_id>/decline", access=SIGNED_IN, methods=("POST",))
def decline(order_id: str) -> Answer:
    """Decline an offer with a reason."""
    done = "已婉拒，谢谢您的答复"
    return _step(order_id, "decline", done, lambda viewer, form: workflow.decline(viewer, order_id, form.reason))


@pages.page("/orders/<order_id>/withdraw", access=SIGNED_IN, methods=("POST",))
def withdraw(order_id: str) -> Answer:
    """Give an accepted order back."""
    done = "已退出，支部会另派志愿者"
    return _step(order_id, "withdraw", done, lambda viewer, form: workflow.withdraw(viewer, order_id, form.reason))


@pages.page("/orders/<order_id>/check_in", access=SIGNED_IN, methods=("POST",))
def check_in(order_id: str) -> Answer:
    """Begin the service: by the volunteer, or for them with the code."""

    def act(viewer: Viewer, form: Any) -> Order:
        place = form.latitude.data, form.longitude.data
        both = None not in place
        return workflow.check_in(
            viewer, order_id, latitude=place[0] if both else None, longitude=place[1] if both else None,
            code=form.code.data or "", volunteer_id=form.volunteer.data or None,
        )  # fmt: skip

    return _step(order_id, "check_in", "已签到，开始服务", act)


@pages.page("/orders/<order_id>/complete", access=SIGNED_IN, methods=("POST",))
def complete(order_id: str) -> Answer:
    """End one's service and have the minutes credited."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.complete(viewer, order_id, form.minutes.data, form.note.data or "")

    return _step(order_id, "complete", "服务完成，时长已记入", act)


@pages.page("/orders/<order_id>/rate", access=SIGNED_IN, methods=("POST",))
def rate(order_id: str) -> Answer:
    """Rate a completed order."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.rate(viewer, order_id, int(form.stars.data), form.comment)

    return _step(order_id, "rate", "谢谢您的评价", act)


@pages.page("/orders/<order_id>/cancel", access=SIGNED_IN, methods=("POST",))
def cancel(order_id: str) -> Answer:
    """Cancel an order with a reason; at the desk only in the state that was seen."""

    def act(viewer: Viewer, form: Any) -> Order:
        seen = form.version.data if viewer.may("orders:dispatch") else None
        return workflow.cancel(viewer, order_id, form.reason, version=seen)

    return _step(order_id, "cancel", "已撤单", act)


@pages.page("/orders/<order_id>/resubmit", access=SIGNED_IN, methods=("POST",))
def resubmit(order_id: str) -> Answer:
    """Submit a returned order again."""

    def act(viewer: Viewer, form: Any) -> Order:
        start, end = form.period
        return workflow.resubmit(viewer, order_id, form.note.data, start, end)

    return _step(order_id, "resubmit", "已重新提交，支部会尽快派单", act)


@pages.page("/orders/<order_id>/dispatch", access="orders:read", methods=("POST",))
def dispatch(order_id: str) -> Answer:
    """Offer an order to those picked, or to all who qualify."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.dispatch(
            viewer, order_id, volunteers=() if form.open_call.data else (form.volunteers.data or ())[:50],
            open_call=form.open_call.data, expires_minutes=form.expires_minutes.data, version=form.version.data,
        )  # fmt: skip

    return _step(order_id, "dispatch", "已派单，等志愿者答复", act, remember_undo)


@pages.page("/orders/<order_id>/undo", access="orders:read", methods=("POST",))
def undo(order_id: str) -> Answer:
    """Take a dispatch back that nobody has accepted yet."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.undo(viewer, order_id, version=form.version.data)

    return _step(order_id, "undo", "派单已撤回，这一单回到待派", act)


@pages.page("/orders/<order_id>/send_back", access="orders:read", methods=("POST",))
def send_back(order_id: str) -> Answer:
    """Return an order to the resident."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.send_back(viewer, order_id, form.reason.data, version=form.version.data)

    return _step(order_id, "send_back", "已退单，居民会看到原因", act)


@pages.page("/orders/<order_id>/reassign", access="orders:read", methods=("POST",))
def reassign(order_id: str) -> Answer:
    """Withdraw the present volunteers and queue the order again."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.reassign(viewer, order_id, form.reason.data, version=form.version.data)

    return _step(order_id, "reassign", "已收回，请另派志愿者", act)


@pages.page("/orders/<order_id>/no_show", access="orders:read", methods=("POST",))
def no_show(order_id: str) -> Answer:
    """Record that a volunteer did not come."""

    def act(viewer: Viewer, form: Any) -> Order:
        picked, reason = form.volunteer.data, form.reason.data
        return workflow.no_show(viewer, order_id, picked, reason, version=form.version.data)

    return _step(order_id, "no_show", "已记未到，请另派志愿者", act)


@pages.page("/orders/<order_id>/complete_for", access="orders:read", methods=("POST",))
def complete_for(order_id: str) -> Answer:
    """End the service of a volunteer who did not."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.complete_for(
            viewer, order_id, form.volunteer.data, form.minutes.data, form.reason.data, version=form.version.data
        )

    return _step(order_id, "complete_for", "已记下完成和时长，志愿者会收到通知", act)


@pages.page("/orders/<order_id>/call_back", access="orders:read", methods=("POST",))
def call_back(order_id: str) -> Answer:
    """Record a call-back."""

    def act(viewer: Viewer, form: Any) -> Order:
        satisfied = int(form.satisfied.data) if form.satisfied.data else None
        return workflow.call_back(
            viewer, order_id, form.solved.data == "yes", satisfied, form.note.data or "", version=form.version.data
        )

    return _step(order_id, "call_back", "回访已记下", act)


@pages.page("/orders/<order_id>/pause", access="orders:read", methods=("POST",))
def pause(order_id: str) -> Answer:
    """Stop the clock until the resident answers."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.pause(viewer, order_id, form.reason.data, version=form.version.data)

    return _step(order_id, "pause", "已暂停计时，等居民回复", act)


@pages.page("/orders/<order_id>/resume", access=SIGNED_IN, methods=("POST",))
def resume(order_id: str) -> Answer:
    """Let the clock run again; from the resident it is the answer waited for."""

    def act(viewer: Viewer, form: Any) -> Order:
        seen = form.version.data if viewer.may("orders:dispatch") else None
        return workflow.resume(viewer, order_id, form.words.data or "", version=seen)

    return _step(order_id, "resume", "已恢复计时", act)


@pages.page("/orders/<order_id>/extend", access="orders:read", methods=("POST",))
def extend(order_id: str) -> Answer:
    """Move the deadline, with a reason."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.extend(
            viewer, order_id, form.reason.data, minutes=form.minutes.data, until=form.until.data,
            version=form.version.data,
        )  # fmt: skip

    return _step(order_id, "extend", "已延期，居民和志愿者会收到原因", act)


@pages.page("/orders/<order_id>/take_up", access="orders:read", methods=("POST",))
def take_up(order_id: str) -> Answer:
    """Say that one is dealing with a late order."""

    def act(viewer: Viewer, form: Any) -> Order:
        return workflow.take_up(viewer, order_id, form.words.data or "", version=form.version.data)

    return _step(order_id, "take_up", "已接手，别人会看到是您在处理", act)
