"""Raising an emergency call: who may for whom, and who is told first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from community.policies.queries import of
from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.ids import new_id
from services.sos import circle, queries
from services.sos import messages as say
from services.sos.aggregate import CALL_FIELDS, Call
from services.sos.circle import Told
from services.sos.models import State
from services.sos.queries import Raising
from services.sos.rules import EMERGENCIES as RULES
from services.sos.soon import carry_soon
from services.sos.workflow.steps import Answer, Outcome, save

NO_HOME = "您的档案里没有住址，求助不知道该让人去哪里。请马上打120、110或119，或打小区值班电话"


class Refused(ValueError):
    """Nobody can be sent; the text says what to do instead."""


@dataclass(frozen=True)
class Wish:
    """What is known of the need. Without ``household_id`` it is the viewer's own home."""

    household_id: str | None = None
    person_id: str | None = None
    place: str = "home"
    place_note: str = ""
    note: str = ""
    latitude: float | None = None
    longitude: float | None = None


def raise_call(viewer: Viewer, wish: Wish, answer: Answer | None = None) -> tuple[Call, bool]:
    """Call for help, and whether the call is a new one: while one of the household is open there is no second.

    Raises ``Refused`` without a home to send anybody to, ``NotFound`` or ``Forbidden`` for other people's homes.
    """
    home = wish.household_id or viewer.household_id
    if home is None:
        raise Refused(NO_HOME)
    found = queries.find_raising(viewer, home, wish.person_id)
    if found is None:
        raise NotFound
    raised_as = _raised_as(viewer, found)
    if (standing := queries.find_open(home)) is not None:
        return queries.get_call(viewer, standing), False
    rules = of(RULES, found.place.estate_id).values
    call = _new_call(viewer, found, wish, raised_as, rules["slip_seconds"], rules["wave_minutes"])
    known = {person for person in (viewer.person_id, found.person_id) if person}
    level, told = circle.wave(found.place, -1, 0, rules["volunteers_first"], known)
    call.row["level"] = level
    details = {"as": raised_as, "told": len(told), "texts": bool(circle.TELL_OUTSIDER)}
    try:
        save(call, None, viewer, "raise", Outcome(State.RAISED, say.needed(call, told), told, details), answer=answer)
    except IntegrityError:
        # Pressed twice at the same moment: the other one was first.
        standing = queries.find_open(home)
        if standing is None:
            raise
        return queries.get_call(viewer, standing), False
    carry_soon(told, say.text_for_outsider(call))
    return call, True


def may_raise_for(viewer: Viewer, found: Raising) -> bool:
    """Whether the viewer may call help for this home at all."""
    try:
        _raised_as(viewer, found)
    except (Forbidden, NotFound):
        return False
    return True


def _raised_as(viewer: Viewer, found: Raising) -> str:
    if viewer.household_id == found.place.household_id:
        return "self"
    if found.helper_id is not None:
        return "family"
    if viewer.may_at("emergency:raise_for", found.place.node):
        return "staff"
    if viewer.may_at("emergency:read", found.place.node):
        raise Forbidden("您现在的身份不能替这户求助，请打120、110或119，并告诉网格员")
    raise NotFound


def first_told(viewer: Viewer, found: Raising) -> list[Told]:
    """Whom a call would tell first, for the page on which one decides."""
    rules = of(RULES, found.place.estate_id).values
    known = {person for person in (viewer.person_id, found.person_id) if person}
    return circle.wave(found.place, -1, 0, rules["volunteers_first"], known)[1]


def _new_call(viewer: Viewer, found: Raising, wish: Wish, raised_as: str, slip: int, minutes: int) -> Call:
    now, place = clock.now(), found.place
    row = dict.fromkeys(CALL_FIELDS) | {
        "id": new_id(), "estate_id": place.estate_id, "state": State.RAISED, "version": 1,
        "household_id": place.household_id, "building_id": place.building_id, "household_label": place.label,
        "person_id": found.person_id, "person_name": found.name, "salutation": found.salutation,
        "raised_by": viewer.person_id, "raised_by_name": viewer.name, "raised_as": raised_as, "raised_at": now,
        "slip_until": now + timedelta(seconds=slip), "place": wish.place, "place_note": wish.place_note,
        "note": wish.note, "latitude": wish.latitude, "longitude": wish.longitude, "level": 0, "wave": 0,
        "next_wave_at": now + timedelta(minutes=minutes), "lead_name": "", "outcome": "", "after_care": "",
        "updated_at": now,
    }  # fmt: skip
    return Call(row, place.estate_path, found.estate_name, found.duty_phone, place.node)


__all__ = ["Refused", "Wish", "first_told", "may_raise_for", "raise_call"]
