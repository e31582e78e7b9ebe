"""Asking for help: one button, one confirmation. Whoever opens this page finds 120, 110 and 119 on it, always."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from community.policies.queries import of
from core import access
from core.access import PUBLIC, Forbidden, NotFound, Viewer
from services.catalogue import queries as catalogue
from services.sos import queries, workflow
from services.sos.forms import AskForm
from services.sos.messages import PLACES
from services.sos.queries import Raising
from services.sos.rules import EMERGENCIES
from services.sos.views.blueprint import Answer, pages
from services.sos.wording import told_names
from services.sos.workflow import Refused, Wish
from services.sos.workflow.raising import NO_HOME, first_told, may_raise_for

NOT_DANGEROUS = "emergency"


@pages.page("/sos", access=PUBLIC)
def ask() -> Answer:
    """The confirmation: with script it counts down and sends by itself, without it waits to be pressed."""
    viewer = access.find_viewer()
    if viewer is None:
        return _numbers_only("登录后，一按就能叫家人、网格员和邻居")
    home, person = request.args.get("household", "")[:16], request.args.get("person", "")[:16]
    wanted = home or viewer.household_id
    if not wanted:
        return _numbers_only(NO_HOME)
    found = queries.find_raising(viewer, wanted, person)
    if found is None or not may_raise_for(viewer, found):
        raise NotFound
    standing = queries.find_open(wanted)
    if standing is not None:
        return redirect(url_for("sos.call", call_id=standing))
    return _ask_page(viewer, found, home, person)


def _ask_page(viewer: Viewer, found: Raising, home: str, person: str) -> str:
    form, estate_id = AskForm(formdata=None), found.place.estate_id
    form.household.data, form.person.data = home, person
    own = found.place.household_id == viewer.household_id
    codes = {item.code for item in catalogue.list_open(estate_id)}
    return render_template(
        "services/sos/ask.html", form=form, found=found, own=own,
        helped=() if home else queries.list_helped(viewer),
        told=told_names(first_told(viewer, found)),
        seconds=of(EMERGENCIES, estate_id).values["countdown_seconds"],
        order_url=url_for("orders.new", item=NOT_DANGEROUS, household=home or None) if NOT_DANGEROUS in codes else "",
    )  # fmt: skip


def _numbers_only(text: str, status: int = 200) -> Answer:
    """When nobody can be sent: whom to ring, and what to do so that it works the next time."""
    viewer = access.find_viewer()
    more: dict[str, Any] = {}
    if viewer is not None:
        more = {"phone": queries.find_duty_phone(viewer), "helped": queries.list_helped(viewer)}
    page = render_template("services/sos/numbers.html", text=text, **more)
    return page if status == 200 else (page, status)


@pages.page("/sos", access=PUBLIC, methods=("POST",))
def raise_call() -> Answer:
    """Send it. What is odd in the optional fields is left out: no help is refused for the want of a form."""
    viewer = access.find_viewer()
    if viewer is None:
        return _numbers_only("登录已过期，求助没有发出。请马上打电话", 401)
    try:
        call, is_new = workflow.raise_call(viewer, _wish(AskForm()))
    except (Refused, Forbidden) as refused:
        return _numbers_only(str(refused), 422)
    if not is_new:
        flash("求助已经发出，不用再按", "info")
    return redirect(url_for("sos.call", call_id=call.id), 303)


def _wish(form: AskForm) -> Wish:
    place = form.place.data if form.place.data in PLACES else "home"
    latitude, longitude = form.latitude.data, form.longitude.data
    known = (
        latitude is not None and longitude is not None and -90 <= latitude <= 90 and -180 <= longitude <= 180
    )  # fmt: skip
    return Wish(
        (form.household.data or "")[:16] or None, (form.person.data or "")[:16] or None, place,
        (form.place_note.data or "")[:60], (form.note.data or "")[:300],
        latitude if known else None, longitude if known else None,
    )  # fmt: skip
