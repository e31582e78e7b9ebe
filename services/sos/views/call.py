"""The one page of an emergency call: the caller's, who waits, and the responders', who come. Both follow by script, and
by the link 刷新 without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response as FlaskResponse
from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from community.policies.queries import of
from core import access, clock
from core.access import SIGNED_IN, Viewer
from core.web.forms import Form
from services.sos import forms, queries, wording, workflow
from services.sos.aggregate import Call
from services.sos.models import Kind
from services.sos.rules import EMERGENCIES
from services.sos.views.blueprint import Answer, pages

FORMS: Mapping[str, type[Form]] = {
    "answer": forms.AnswerForm, "on_way": forms.AnswerForm, "arrive": forms.StepForm,
    "stand_down": forms.StandDownForm, "remark": forms.RemarkForm, "false_alarm": forms.FineForm,
    "close": forms.CloseForm, "after_care": forms.AfterCareForm,
}  # fmt: skip


def form_for(verb: str, fresh: bool = False) -> Any:
    """The form of a verb: as sent, or fresh."""
    return FORMS[verb](formdata=None, prefix=f"{verb}-") if fresh else FORMS[verb](prefix=f"{verb}-")


@pages.page("/emergency/<call_id>", access=SIGNED_IN, at_once=True)
def call(call_id: str) -> Answer:
    """One call."""
    return call_page(queries.get_call(access.viewer(), call_id))


@pages.page("/emergency/<call_id>/news", access=SIGNED_IN, passive=True, at_once=True)
def news(call_id: str) -> Response:
    """The part of the page that changes; 304 when it has not."""
    viewer = access.viewer()
    found = queries.get_call(viewer, call_id)
    mark = etag(found, viewer)
    if request.if_none_match.contains_weak(mark):
        answer = FlaskResponse(status=304)
    else:
        kind = audience(found, viewer)
        answer = make_response(render_template(f"services/sos/_{kind}_news.html", **context(found, viewer, kind)))
    answer.set_etag(mark, weak=True)
    return answer


def audience(call: Call, viewer: Viewer) -> str:
    """Whose page it is: the ``caller``'s or a ``responder``'s."""
    return "caller" if call.is_ours(viewer) else "responder"


def etag(call: Call, viewer: Viewer) -> str:
    """What the page was made from: every step, of whomever, makes another version."""
    return f"{call.version}-{audience(call, viewer)}"


def call_page(
    call: Call, status: int = 200, sent: Mapping[str, Any] | None = None, notice: str = "",
    rung: tuple[str, str] | None = None, care: Any = None,
) -> Answer:  # fmt: skip
    """The page of a call. ``sent`` holds the form that was refused; ``rung`` a number revealed; ``care`` what first aid
    should know."""
    viewer = access.viewer()
    kind = audience(call, viewer)
    verbs = workflow.allowed(call, viewer)
    asked = {verb: (sent or {}).get(verb) or form_for(verb, True) for verb in verbs if verb in FORMS}
    for verb in ("answer", "on_way"):
        if verb in asked and verb not in (sent or {}):
            # Who comes by duty is known to everybody; others agree by ticking.
            asked[verb].shares.data = call.standing_of(viewer)[0] == Kind.STAFF
    page = render_template(
        f"services/sos/{kind}.html", **context(call, viewer, kind), verbs=verbs, forms=asked, sent=sent or {},
        notice=notice, rung=rung, care=care,
    )  # fmt: skip
    return page if status == 200 else (page, status)


def context(call: Call, viewer: Viewer, kind: str) -> dict[str, Any]:
    """What both the page and its changing part show."""
    events, notices = queries.list_events(call), queries.list_notices(call)
    known = {"call": call, "own": call.responses.get(viewer.person_id), "etag": etag(call, viewer), "now": clock.now()}
    return known | (_for_caller if kind == "caller" else _for_responder)(call, viewer, events, notices)


def _for_caller(call: Call, viewer: Viewer, events: Any, notices: Any) -> dict[str, Any]:
    return {
        "conclusion": wording.conclusion(call, notices), "timeline": wording.steps_for_caller(call, events, notices),
        "coming": [(response, wording.coming_text(response)) for response in call.answered()],
        "phones": queries.phones_of_coming(call) if call.is_open else {},
        "wave_minutes": of(EMERGENCIES, call.estate_id).values["wave_minutes"],
    }  # fmt: skip


def _for_responder(call: Call, viewer: Viewer, events: Any, notices: Any) -> dict[str, Any]:
    leads = viewer.may_at("emergency:read", call.node)
    own, may_look_after = call.responses.get(viewer.person_id), viewer.may_at("emergency:after_care", call.node)
    # Once it is over, whoever was merely told needs to know no more than that.
    knows = leads or call.is_open or own is not None
    alarms = queries.count_false_alarms(call) if leads else 0
    return {
        "heading": wording.heading(call), "leads": leads, "names": wording.COMING_NAMES,
        "course": wording.course(events, notices) if leads else [],
        "remarks": [event for event in events if event.verb == "remark"] if knows else [], "knows": knows,
        "to_ring": {row.contact_id for row in notices if row.kind == Kind.OUTSIDER},
        "reachable": queries.list_reachable(call) if call.is_open or may_look_after else [],
        "may_ring": may_look_after or (call.is_open and (leads or (own is not None and own.is_active))),
        "may_care": call.is_open and viewer.may_at("people:care", call.node),
        "false_alarms": alarms if alarms >= of(EMERGENCIES, call.estate_id).values["false_alarms"] else 0,
        "may_look_after": may_look_after,
    }  # fmt: skip
