"""The one page of an order, as the resident, the volunteer or the desk needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import render_template, request

from core import access, clock
from core.access import SIGNED_IN, NotFound, Viewer
from core.web.addresses import own_path
from core.web.forms import Form
from services.dispatch.queries import candidates, day_bars
from services.orders import forms, people, queries, saved_time, wording, workflow
from services.orders.aggregate import Order
from services.orders.clock_account import explain
from services.orders.models import OfferState
from services.orders.views.blueprint import Answer, pages
from services.standing.queries import find_told

BARS = 3
"""How many of the best candidates stand in the picture of the day."""
FORMS: Mapping[str, type[Form]] = {
    "accept": forms.StepForm, "decline": forms.DeclineForm, "withdraw": forms.WithdrawForm,
    "check_in": forms.CheckInForm, "complete": forms.CompleteForm, "rate": forms.RateForm, "cancel": forms.CancelForm,
    "resubmit": forms.ResubmitForm, "dispatch": forms.DispatchForm, "send_back": forms.ReasonForm,
    "reassign": forms.ReasonForm, "undo": forms.StepForm,
    "note": forms.NoteForm, "complete_for": forms.CompleteForForm, "no_show": forms.NoShowForm,
    "call_back": forms.CallBackForm,
    "pause": forms.ReasonForm, "resume": forms.ResumeForm, "extend": forms.ExtendForm, "take_up": forms.TakeUpForm,
}  # fmt: skip


def form_for(verb: str, order: Order | None = None, viewer: Viewer | None = None) -> Any:
    """The form of a verb: as sent, or (given the order) filled with what its page begins with."""
    form = FORMS[verb](prefix=f"{verb}-") if order is None else FORMS[verb](formdata=None, prefix=f"{verb}-")
    if order is not None:
        form["version"].data = order.version
    return form


def prepare(form: Any, order: Order, viewer: Viewer, fresh: bool) -> Any:
    """Offer what depends on the order, and propose values on a fresh form."""
    if isinstance(form, forms.CompleteForForm):
        running = [o for o in order.assigned() if o.state == OfferState.CHECKED_IN]
        form.volunteer.offer([(offer.volunteer_id, offer.volunteer_name) for offer in running])
        if fresh and len(running) == 1:
            form.volunteer.data = running[0].volunteer_id
    if isinstance(form, forms.NoShowForm | forms.CheckInForm):
        held = [o for o in order.assigned() if o.state == OfferState.ACCEPTED and o.volunteer_id != viewer.person_id]
        form.volunteer.offer([(offer.volunteer_id, offer.volunteer_name) for offer in held])
        if fresh and len(held) == 1:
            form.volunteer.data = held[0].volunteer_id
    if isinstance(form, forms.ResubmitForm):
        form.offer_days()
        if fresh:
            form.note.data = order.note
    if isinstance(form, forms.CompleteForm) and fresh:
        own = order.offers.get(viewer.person_id)
        if own is not None and own.checked_in_at is not None:
            form.minutes.data = max(1, min(1440, int((clock.now() - own.checked_in_at).total_seconds() // 60)))
    return form


def audience(order: Order, viewer: Viewer) -> str:
    """Whose page of the order this is: ``desk``, ``volunteer`` or ``resident``."""
    home = viewer.person_id == order.person_id or (viewer.household_id and viewer.household_id == order.household_id)
    if order.reads(viewer) and not home:
        return "desk"
    helped = viewer.person_id in order.offers or any(o.volunteer_id == viewer.person_id for o in order.past)
    return "volunteer" if helped and not home else "resident"


@pages.page("/orders/<order_id>", access=SIGNED_IN)
def show(order_id: str) -> Answer:
    """One order."""
    return order_page(queries.get_order(access.viewer(), order_id))


def order_page(
    order: Order, status: int = 200, sent: Mapping[str, Any] | None = None, notice: str = "",
    changes: Sequence[Any] = (), events: Sequence[Any] | None = None,
) -> Answer:  # fmt: skip
    """The page of an order. ``sent`` holds the form that was refused; ``changes`` tell a stale page what happened."""
    viewer = access.viewer()
    if events is None:
        events = history(viewer, order)
    kind = audience(order, viewer)
    page = render_template(
        f"services/orders/show_{kind}.html",
        **order_context(order, viewer, kind, events, sent or {}),
        notice=notice,
        changes=changes,
        back=own_path(request.form.get("back"), ""),
    )
    return page if status == 200 else (page, status)


def history(viewer: Viewer, order: Order) -> Sequence[Any]:
    """What happened to an order that the viewer has read; nothing for one brought in without its history."""
    try:
        return queries.list_events(viewer, order.id)
    except NotFound:
        return ()


def order_context(
    order: Order, viewer: Viewer, kind: str, events: Sequence[Any], sent: Mapping[str, Any], phone: str | None = None
) -> dict[str, Any]:
    """What the templates of an order show to this audience. ``phone``: of the resident, masked, where it is read
    already."""
    verbs = workflow.allowed(order, viewer)
    asked = {
        verb: sent[verb] if verb in sent else prepare(form_for(verb, order), order, viewer, True)
        for verb in (*verbs, *(["note"] if order.reads(viewer) else []))
        if verb in FORMS
    }
    why = wording.last_reason(events)
    known = {
        "order": order, "own": order.offers.get(viewer.person_id), "verbs": verbs, "forms": asked, "sent": sent,
        "phone": people.find_phone(order) if phone is None and kind != "resident" else phone,
        "conclusion": wording.conclusion(order, why), "why": why, "series": find_told(viewer, order),
    }  # fmt: skip
    return known | _VIEWS[kind](order, viewer, verbs, events)


def _for_resident(order: Order, viewer: Viewer, _verbs: list[str], events: Sequence[Any]) -> dict[str, Any]:
    return {
        "timeline": wording.timeline(order, events), "notes": wording.notes_left(events),
        "duty_phone": people.find_duty_phone(order.estate_id), "account": explain(order.row),
        "saved": saved_time.find(order),
        "faces": people.list_faces(order, [offer.volunteer_id for offer in order.assigned()]),
    }  # fmt: skip


def _for_volunteer(order: Order, viewer: Viewer, _verbs: list[str], _events: Sequence[Any]) -> dict[str, Any]:
    return {"duty_phone": people.find_duty_phone(order.estate_id), "account": explain(order.row)}


def _wished(order: Order) -> tuple[int, int] | None:
    """The wished time in minutes of its day, for the picture beside the volunteers' days."""
    if order.preferred_start is None or order.preferred_end is None:
        return None
    start, end = clock.local(order.preferred_start), clock.local(order.preferred_end)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = ((moment - midnight).total_seconds() // 60 for moment in (start, end))
    return int(first), min(1440, int(last))


def _for_desk(order: Order, viewer: Viewer, verbs: list[str], events: Sequence[Any]) -> dict[str, Any]:
    found, out = candidates(viewer, order) if "dispatch" in verbs else ([], [])
    return {
        "log": wording.record(events), "danger": wording.danger_word(order.note), "candidates": found, "excluded": out,
        "bars": day_bars(order, found[:BARS]), "wished": _wished(order),
        "account": explain(order.row, events), "may_edit_calendar": viewer.may("workdays:edit"),
    }  # fmt: skip


_VIEWS: Mapping[str, Callable[[Order, Viewer, list[str], Sequence[Any]], dict[str, Any]]] = {
    "resident": _for_resident,
    "volunteer": _for_volunteer,
    "desk": _for_desk,
}
