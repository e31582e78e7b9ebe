"""Standing in and swapping: a person proposes another one, who must accept. Until then the place is still theirs."""

from __future__ import annotations

from sqlalchemy import select

from core import clock
from core.access import NotFound, Viewer
from core.database import db
from core.moving import Row
from volunteers.rota import messages as say
from volunteers.rota.models import COMING, ShiftPlace, State
from volunteers.rota.workflow.holding import Held, Who, check_fit, hold_people, hold_shift, refs
from volunteers.rota.workflow.signing import add, close_request, step
from volunteers.rota.workflow.steps import Refused


def _hold(*shift_ids: str) -> dict[str, Held]:
    """Lock shifts in the order of their ids, so that two swaps never wait for each other."""
    return {shift_id: hold_shift(shift_id) for shift_id in sorted(set(shift_ids))}


def ask(viewer: Viewer, place_id: str, person_id: str, back_id: str | None = None) -> None:
    """Ask somebody to stand in; with ``back_id``, a place of theirs, to swap. One is asked at a time. Caller commits.

    Raises ``Refused`` when they cannot.
    """
    owner, shift_id = refs(place_id)
    if owner != viewer.person_id:
        raise NotFound
    people = hold_people([owner, person_id])
    other = people.get(person_id)
    if other is None or person_id == owner:
        raise Refused("请选一位志愿者", "person")
    back_shift = refs(back_id)[1] if back_id else shift_id
    shifts = _hold(shift_id, back_shift)
    held = shifts[shift_id]
    row = held.by_id(place_id)
    if row["state"] not in COMING or held.shift["starts_at"] <= clock.now():
        raise Refused("这一班您已不在，或已经开始")
    if held.asked_for(place_id) is not None:
        raise Refused("已经请了一位，等他答复，或先收回")
    if held.of(person_id) is not None:
        raise Refused(f"{other.name}已在这一班里，请换一位", "person")
    back = _back(shifts[back_shift], back_id, person_id) if back_id else None
    check_fit(held, other, row["need"], {back_shift} if back else ())
    if back is not None:
        check_fit(shifts[back_shift], people[owner], back["need"], {shift_id})
    given = shifts[back_shift].shift if back else None
    told = say.stand_in_asked(held.shift, held.rota.name, held.rota.place, viewer.name, person_id, given)
    add(viewer, held, other, row["need"], "ask_stand_in", State.ASKED, for_id=place_id, back_id=back_id,
        messages=[told])  # fmt: skip


def _back(held: Held, back_id: str | None, person_id: str) -> Row:
    row = held.by_id(back_id or "")
    if row["person_id"] != person_id or row["state"] not in COMING or held.shift["starts_at"] <= clock.now():
        raise Refused("他那一班不能换了，请另选", "person")
    return row


def take_back(viewer: Viewer, place_id: str) -> None:
    """Take a request back; whoever was asked is told. Caller commits."""
    owner, shift_id = refs(place_id)
    if owner != viewer.person_id:
        raise NotFound
    held = hold_shift(shift_id)
    if held.asked_for(place_id) is None:
        raise Refused("现在没有请人顶班")
    close_request(viewer, held, held.by_id(place_id))


def take_over(viewer: Viewer, asked_id: str) -> None:
    """Say yes to standing in or swapping: the places change hands at once, and those who lead are told. Caller commits.

    Raises ``Refused`` when it no longer goes.
    """
    me, shift_id = refs(asked_id)
    if me != viewer.person_id:
        raise NotFound
    link = db.session.execute(select(ShiftPlace.for_id, ShiftPlace.back_id).where(ShiftPlace.id == asked_id)).one()
    if link.for_id is None:
        raise Refused("这不是顶班的请求")
    owner = refs(link.for_id)[0]
    back_shift = refs(link.back_id)[1] if link.back_id else shift_id
    people = hold_people([owner, me])
    shifts = _hold(shift_id, back_shift)
    held = shifts[shift_id]
    asked, row = held.by_id(asked_id), held.by_id(link.for_id)
    if asked["state"] != State.ASKED or row["state"] not in COMING:
        raise Refused("这个请求已经收回，不用顶班了")
    if held.shift["starts_at"] <= clock.now():
        raise Refused("这一班已经开始，请告诉班长")
    back = _back(shifts[back_shift], link.back_id, me) if link.back_id else None
    check_fit(held, people[me], row["need"], {back_shift} if back else ())
    if back is not None:
        check_fit(shifts[back_shift], people[owner], back["need"], {shift_id})
    _hand_over(viewer, held, row, asked, people[owner], shifts[back_shift] if back else None, back)


def _hand_over(
    viewer: Viewer, held: Held, row: Row, asked: Row, owner: Who, other: Held | None, back: Row | None
) -> None:
    told = [say.stood_in(held.shift, held.rota.name, viewer.name, owner.person_id, other.shift if other else None)]
    told += say.stood_in_of(held.shift, held.rota.name, viewer.name, owner.name, held.leaders)
    step(viewer, held, row, "hand_over", State.REPLACED, reason=f"由{viewer.name}顶班", messages=told)
    step(viewer, held, asked, "take_over", State.SIGNED_UP)
    if other is None or back is None:
        return
    close_request(viewer, other, back)
    step(viewer, other, back, "hand_over", State.REPLACED, reason=f"和{owner.name}换班",
         messages=say.stood_in_of(other.shift, other.rota.name, owner.name, viewer.name, other.leaders))  # fmt: skip
    add(viewer, other, owner, back["need"], "swap_in", State.SIGNED_UP)
