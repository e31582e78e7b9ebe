"""The verbs of a call: each does one thing and leads back, or shows the page again with why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for

from core import access
from core.access import SIGNED_IN, Forbidden, Viewer
from core.workflow import InvalidStep, Stale
from services.sos import queries, workflow
from services.sos.aggregate import Call
from services.sos.views.blueprint import Answer, pages
from services.sos.views.call import call_page, form_for

Act = Callable[[Viewer, Any], Call]
CHANGED = "刚才有变化，您的这一步没有记上。下面是最新情况"


def _step(call_id: str, verb: str, done: str, act: Act) -> Answer:
    """Apply a verb as its form says. ``done`` is what the next page says of it."""
    viewer, form = access.viewer(), form_for(verb)
    if not form.validate():
        found = queries.get_call(viewer, call_id)
        if verb not in workflow.allowed(found, viewer):
            return call_page(found, 409, notice=CHANGED)
        return call_page(found, 422, {verb: form})
    try:
        act(viewer, form)
    except (Stale, InvalidStep):
        return call_page(queries.get_call(viewer, call_id), 409, notice=CHANGED)
    if done:
        flash(done, "success")
    return redirect(url_for("sos.call", call_id=call_id), 303)


@pages.page("/emergency/<call_id>/answer", access=SIGNED_IN, methods=("POST",))
def answer(call_id: str) -> Answer:
    """I have seen it."""
    done = "记上了，求助的人看到有人应了"
    return _step(call_id, "answer", done, lambda viewer, form: workflow.answer(viewer, call_id, form.shares.data))


@pages.page("/emergency/<call_id>/on_way", access=SIGNED_IN, methods=("POST",))
def on_way(call_id: str) -> Answer:
    """I am on my way."""

    def act(viewer: Viewer, form: Any) -> Call:
        # The question is put once: who has answered before is not asked again.
        asked = not queries.get_call(viewer, call_id).responses.get(viewer.person_id)
        return workflow.on_way(viewer, call_id, form.shares.data if asked else None)

    return _step(call_id, "on_way", "记上了，路上小心", act)


@pages.page("/emergency/<call_id>/arrive", access=SIGNED_IN, methods=("POST",))
def arrive(call_id: str) -> Answer:
    """I am there."""
    return _step(call_id, "arrive", "记上了，您已到场", lambda viewer, _form: workflow.arrive(viewer, call_id))


@pages.page("/emergency/<call_id>/stand_down", access=SIGNED_IN, methods=("POST",))
def stand_down(call_id: str) -> Answer:
    """I cannot come after all."""
    done = "记上了，没有别人去就马上再找人"
    return _step(
        call_id, "stand_down", done, lambda viewer, form: workflow.stand_down(viewer, call_id, form.reason.data)
    )


@pages.page("/emergency/<call_id>/remark", access=SIGNED_IN, methods=("POST",), at_once=True)
def remark(call_id: str) -> Answer:
    """Something that all should know."""
    done = "记上了，大家都看得到"
    return _step(call_id, "remark", done, lambda viewer, form: workflow.remark(viewer, call_id, form.words.data))


@pages.page("/emergency/<call_id>/false_alarm", access=SIGNED_IN, methods=("POST",), at_once=True)
def false_alarm(call_id: str) -> Answer:
    """All is well: a slip taken back, or a false alarm."""
    return _step(
        call_id, "false_alarm", "", lambda viewer, form: workflow.fine(viewer, call_id, form.reason.data or "")
    )


@pages.page("/emergency/<call_id>/close", access=SIGNED_IN, methods=("POST",))
def close(call_id: str) -> Answer:
    """It has been seen to."""
    done = "辛苦了，这次求助已处理完"
    return _step(call_id, "close", done, lambda viewer, form: workflow.close(viewer, call_id, form.outcome.data))


@pages.page("/emergency/<call_id>/after_care", access=SIGNED_IN, methods=("POST",))
def after_care(call_id: str) -> Answer:
    """How the person is some days later."""
    return _step(
        call_id, "after_care", "回访已记下", lambda viewer, form: workflow.after_care(viewer, call_id, form.note.data)
    )


@pages.page("/emergency/<call_id>/numbers/<key>", access=SIGNED_IN, methods=("POST",), writes=True)
def reveal(call_id: str, key: str) -> Answer:
    """One number to ring, on this page alone; who looked is recorded."""
    viewer = access.viewer()
    found = queries.get_call(viewer, call_id)
    if not found.may_respond(viewer):
        raise Forbidden
    rung = workflow.reveal(viewer, found, key)
    return call_page(found, rung=rung)


@pages.page("/emergency/<call_id>/care", access=SIGNED_IN, methods=("POST",), writes=True)
def care(call_id: str) -> Answer:
    """What first aid should know of the home, on this page alone; who looked is recorded."""
    viewer = access.viewer()
    found = queries.get_call(viewer, call_id)
    return call_page(found, care=workflow.view_care(viewer, found))
