"""The verbs of a series: each loads its form, does one thing, and leads back, or shows the page again with why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, url_for

from core import access
from core.access import SIGNED_IN, Viewer
from core.workflow import InvalidStep, ReasonMissing, Stale
from services.orders.workflow import Refused
from services.standing import queries, wording, workflow
from services.standing.queries import Visit
from services.standing.views.blueprint import Answer, pages
from services.standing.views.series import form_for, prepare, series_page

Act = Callable[[Viewer, Any], Sequence[Visit]]
CHANGED = "这个定期服务刚才有变化，您的这一步没有办。下面是最新情况"


def _step(standing_id: str, verb: str, done: str, act: Act, *, moves: bool = True) -> Answer:
    """Apply a verb as its form says. ``moves``: visits may be due at once, so they are made and offered."""
    viewer, form = access.viewer(), form_for(verb)
    series = queries.get_series(viewer, standing_id)
    prepare({verb: form}, series, viewer, wording.coming(series, queries.list_visits(standing_id)))
    if not form.validate():
        return _again(viewer, standing_id, verb, form)
    try:
        kept = act(viewer, form)
    except Refused as refused:
        name = refused.field if refused.field in form else ""
        (form[name].errors if name else form.form_errors).append(str(refused))
        return _again(viewer, standing_id, verb, form)
    except ReasonMissing as missing:
        form.form_errors.append(str(missing))
        return _again(viewer, standing_id, verb, form)
    except (Stale, InvalidStep):
        return series_page(queries.get_series(viewer, standing_id), 409, notice=CHANGED)
    if moves:
        workflow.catch_up(standing_id)
    flash(done, "success")
    if kept:
        days = "、".join(f"{visit.held_on.month}月{visit.held_on.day}日" for visit in kept)
        flash(f"{days}那次已有人接单，不改动", "warning")
    return redirect(url_for("standing.show", standing_id=standing_id), 303)


def _again(viewer: Viewer, standing_id: str, verb: str, form: Any) -> Answer:
    """The page once more with all that was typed; when the verb has become impossible, what happened instead."""
    series = queries.get_series(viewer, standing_id)
    if verb not in workflow.allowed(series, viewer):
        return series_page(series, 409, notice=CHANGED)
    if "version" in form:
        form.version.data, form.version.raw_data = series.version, None
    return series_page(series, 422, {verb: form})


@pages.page("/standing/<standing_id>/approve", access="standing:approve", methods=("POST",))
def approve(standing_id: str) -> Answer:
    """The branch agrees, and may ask volunteers to come."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        workflow.approve(viewer, standing_id, form.steady.data, form.standin.data, form.version.data)
        return ()

    return _step(standing_id, "approve_series", "已同意，到日子前会自动排单", act)


@pages.page("/standing/<standing_id>/turn_down", access="standing:approve", methods=("POST",))
def turn_down(standing_id: str) -> Answer:
    """The branch does not agree."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        workflow.turn_down(viewer, standing_id, form.reason.data, form.version.data)
        return ()

    return _step(standing_id, "turn_down_series", "已退回，居民会看到原因", act, moves=False)


@pages.page("/standing/<standing_id>/skip", access=SIGNED_IN, methods=("POST",))
def skip(standing_id: str) -> Answer:
    """Leave one day out."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        day = form.chosen()
        if day is None:
            raise Refused("day", "请选哪一次")
        workflow.skip(viewer, standing_id, day, form.reason)
        return ()

    return _step(standing_id, "skip_visit", "这一次不来了，已告诉志愿者", act, moves=False)


@pages.page("/standing/<standing_id>/restore", access=SIGNED_IN, methods=("POST",))
def restore(standing_id: str) -> Answer:
    """Come on a day after all."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        day = form.chosen()
        if day is None:
            raise Refused("day", "请选哪一次")
        workflow.restore(viewer, standing_id, day)
        return ()

    return _step(standing_id, "restore_visit", "这一次照常上门", act)


@pages.page("/standing/<standing_id>/pause", access=SIGNED_IN, methods=("POST",))
def pause(standing_id: str) -> Answer:
    """Pause from one day until another."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        first, last = form.pause_from.data, form.pause_until.data
        return workflow.pause(viewer, standing_id, first, last, form.reason, form.version.data)[1].kept

    return _step(standing_id, "pause_series", "已暂停，居民和志愿者都会知道", act)


@pages.page("/standing/<standing_id>/resume", access=SIGNED_IN, methods=("POST",))
def resume(standing_id: str) -> Answer:
    """Go on."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        workflow.resume(viewer, standing_id, form.version.data)
        return ()

    return _step(standing_id, "resume_series", "已恢复，照原来的日子上门", act)


@pages.page("/standing/<standing_id>/end", access=SIGNED_IN, methods=("POST",))
def end(standing_id: str) -> Answer:
    """End it."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        return workflow.end(viewer, standing_id, form.reason, form.version.data)[1].kept

    return _step(standing_id, "end_series", "定期服务已结束", act, moves=False)


@pages.page("/standing/<standing_id>/agree", access="orders:serve", methods=("POST",))
def agree(standing_id: str) -> Answer:
    """A volunteer agrees to come regularly, or to stand in."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        workflow.agree(viewer, standing_id)
        return ()

    return _step(standing_id, "agree_series", "谢谢您，每次上门前还会派单给您确认", act)


@pages.page("/standing/<standing_id>/leave", access="orders:serve", methods=("POST",))
def leave(standing_id: str) -> Answer:
    """A volunteer does not come regularly, or no longer; afterwards the series is no page of theirs."""

    def act(viewer: Viewer, form: Any) -> Sequence[Visit]:
        workflow.leave(viewer, standing_id, form.reason)
        return ()

    answer = _step(standing_id, "leave_series", "已告诉支部，不勉强", act, moves=False)
    done = not isinstance(answer, (str, tuple))
    return redirect(url_for("standing.mine"), 303) if done else answer
