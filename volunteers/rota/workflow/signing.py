"""Coming into a shift and leaving it: signing up, invitations, the waiting list with its confirmations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from community.organisations.queries import is_along
from core import clock
from core.access import Forbidden, NotFound, Viewer
from core.moving import Row, make, move
from core.outbox import Draft
from volunteers.rota import messages as say
from volunteers.rota.models import COMING, State
from volunteers.rota.spans import confirm_by
from volunteers.rota.workflow.holding import (
    Held,
    Who,
    check_fit,
    hold_people,
    hold_place,
    hold_shift,
    leads,
    require_lead,
)
from volunteers.rota.workflow.steps import PLACES, Refused, Taken

_NOTHING: dict[str, Any] = {
    "is_leader": False, "by_staff": False, "consent": "", "confirm_by": None, "for_id": None, "back_id": None,
    "checked_in_at": None, "checked_out_at": None, "minutes": 0, "entry_id": None, "reason": "",
}  # fmt: skip


def add(viewer: Viewer, held: Held, who: Who, key: str, verb: str, to: str, **values: Any) -> Row:
    """A new row of somebody in a shift. ``values`` may hold ``messages``."""
    role = held.need(key).role
    row = make(
        PLACES, viewer, verb, to, trail=held.rota.estate_id,
        details={"name": held.rota.name, "volunteer_name": who.name, "role_name": role},
        **{**_NOTHING, "shift_id": held.shift["id"], "person_id": who.person_id, "need": key,
           "queued_at": clock.now(), **values},
    )  # fmt: skip
    row["name"] = who.name
    held.places.append(row)
    return row


def step(
    viewer: Viewer, held: Held, row: Row, verb: str, to: str, *, reason: str = "", messages: Sequence[Draft] = (),
    extra: Mapping[str, Any] | None = None, **values: Any,
) -> None:  # fmt: skip
    """Move a row of a shift. A reason is kept in the row, too, where the verb says why somebody is not there."""
    sets = PLACES.steps[verb].sets
    if "reason" in sets:
        row["reason"] = reason[:200]
    if "is_leader" in sets:
        values.setdefault("is_leader", False)
    if "confirm_by" in sets:
        values.setdefault("confirm_by", None)
    move(PLACES, viewer, row, verb, to, trail=held.rota.estate_id, reason=reason, messages=messages, extra=extra,
         details={"name": held.rota.name, "volunteer_name": row["name"]}, **values)  # fmt: skip


def fill(viewer: Viewer, held: Held) -> int:
    """Places that are free are offered to those who wait, in order, to be confirmed in time; how many were asked."""
    if not held.is_open or held.shift["starts_at"] <= clock.now():
        return 0
    count = 0
    for key in held.needs:
        for row in held.waiting(key)[: max(0, held.free(key))]:
            until = confirm_by(clock.now(), held.shift["starts_at"], held.rules)
            told = say.place_free(held.shift, held.rota.name, row["person_id"], until)
            step(viewer, held, row, "offer_place", State.TO_CONFIRM, messages=[told], confirm_by=until)
            count += 1
    return count


def _myself(viewer: Viewer) -> Who:
    who = hold_people([viewer.person_id]).get(viewer.person_id)
    if who is None or who.standing != "active":
        raise Forbidden("您现在不是可服务的志愿者，请联系支部")
    return who


def _check_ahead(held: Held) -> None:
    if not held.is_open:
        raise Refused("这一班已经取消或结束")
    if held.shift["starts_at"] <= clock.now():
        raise Refused("这一班已经开始，要来请告诉班长或支部")


def sign_up(viewer: Viewer, shift_id: str, key: str) -> str:
    """Take a place in a role, or wait for one when all are taken; the state reached. Caller commits.

    Raises ``Refused`` with why not.
    """
    who = _myself(viewer)
    held = hold_shift(shift_id)
    if not is_along(who.path, [held.rota.path]):
        raise NotFound
    _check_ahead(held)
    if not (held.rota.is_active and held.rota.is_open):
        raise Refused("这个岗位由支部邀请，不能自己报名")
    own = held.of(who.person_id)
    if own is not None:
        told = {State.INVITED: "支部已邀请您，点“答应”就行", State.NO_SHOW: "这一班记了未到，请联系支部"}
        raise Refused(told.get(own["state"], "您已在这一班里，不用再报"))
    check_fit(held, who, key)
    full = held.free(key) <= 0 or bool(held.waiting(key))
    return str(add(viewer, held, who, key, "sign_up", State.WAITING if full else State.SIGNED_UP)["state"])


def join(viewer: Viewer, place_id: str) -> str:
    """Say yes to an invitation; who is late waits. The state reached. Caller commits."""
    who = _myself(viewer)
    held, row = _own(viewer, place_id)
    _check_ahead(held)
    check_fit(held, who, row["need"])
    full = held.free(row["need"]) <= 0 or bool(held.waiting(row["need"]))
    to = State.WAITING if full else State.SIGNED_UP
    step(viewer, held, row, "join", to)
    return to


def _own(viewer: Viewer, place_id: str) -> tuple[Held, Row]:
    held, row = hold_place(place_id)
    if row["person_id"] != viewer.person_id:
        raise NotFound
    return held, row


def invite(viewer: Viewer, shift_id: str, key: str, people: Sequence[str], words: str = "") -> int:
    """Invite volunteers into a role, who may say yes or no; how many. Caller commits."""
    known = hold_people(people)
    held = hold_shift(shift_id)
    _check_ahead(held)
    role = held.need(key).role
    for who in _named(viewer, held, people, known):
        told = say.invited(held.shift, held.rota.name, held.rota.place, role, who.person_id, words)
        add(viewer, held, who, key, "invite", State.INVITED, by_staff=True, messages=[told])
    return len(people)


def enter(viewer: Viewer, shift_id: str, key: str, people: Sequence[str], consent: str) -> int:
    """Enter volunteers who have agreed, how they did so noted; also afterwards, whoever came without signing up.

    How many. Caller commits. Raises ``Refused``, ``Taken`` when there are not so many places.
    """
    known = hold_people(people)
    held = hold_shift(shift_id)
    if not consent.strip():
        raise Refused("请写明本人怎么同意的，如“电话里说好了”", "consent")
    if held.shift["state"] != "planned":
        raise Refused("这一班已经取消")
    for who in _named(viewer, held, people, known):
        if held.free(key) <= 0:
            raise Taken(f"“{held.need(key).role}”只有{held.need(key).places}个位置，已经满了", "people")
        check_fit(held, who, key)
        told = say.entered(held.shift, held.rota.name, held.rota.place, held.need(key).role, who.person_id)
        add(viewer, held, who, key, "enter", State.SIGNED_UP, by_staff=True, consent=consent.strip()[:100],
            messages=[told] if held.is_open else [])  # fmt: skip
    return len(people)


def _named(viewer: Viewer, held: Held, people: Sequence[str], known: Mapping[str, Who]) -> list[Who]:
    """The people named, each within the viewer's reach and not in the shift yet."""
    if not is_along(held.rota.path, viewer.paths("rota:manage")):
        raise NotFound
    if not people:
        raise Refused("请至少勾选一个人", "people")
    found = []
    for person_id in dict.fromkeys(people):
        who = known.get(person_id)
        if who is None or not viewer.may_at("rota:manage", who.path) or not is_along(who.path, [held.rota.path]):
            raise NotFound
        if held.of(person_id) is not None:
            raise Refused(f"{who.name}已在这一班里", "people")
        found.append(who)
    return found


def decline(viewer: Viewer, place_id: str, reason: str = "") -> None:
    """Say no to an invitation, or to standing in; whoever asked is told. Caller commits."""
    held, row = _own(viewer, place_id)
    if row["state"] == State.ASKED and row["for_id"]:
        asker = held.by_id(row["for_id"])
        told = [say.stand_in_declined(held.shift, held.rota.name, viewer.name, asker["person_id"])]
    else:
        told = say.declined(held.shift, held.rota.name, viewer.name, held.leaders, reason)
    step(viewer, held, row, "decline", State.DECLINED, reason=reason, messages=told)


def confirm(viewer: Viewer, place_id: str) -> None:
    """Confirm a place that became free, or that one can come at the new time. Caller commits. Raises ``Refused``."""
    who = _myself(viewer)
    held, row = _own(viewer, place_id)
    if row["state"] == State.TO_CONFIRM:
        if row["confirm_by"] is not None and row["confirm_by"] <= clock.now():
            raise Refused("确认的时间过了，位置让给了下一位。还想来可以再报名")
        if not held.is_open:
            raise Refused("这一班已经取消或结束")
        check_fit(held, who, row["need"])
    step(viewer, held, row, "confirm", State.SIGNED_UP)


def withdraw(viewer: Viewer, place_id: str, reason: str) -> None:
    """Leave a shift before it begins, with a reason; who waits first is asked, those who lead are told.

    Caller commits.
    """
    held, row = _own(viewer, place_id)
    if row["state"] in COMING and held.shift["starts_at"] <= clock.now():
        raise Refused("这一班已经开始，来不了请打电话告诉班长或支部")
    _leave(viewer, held, row, "withdraw", reason, [])


def _leave(viewer: Viewer, held: Held, row: Row, verb: str, reason: str, messages: list[Draft]) -> None:
    held_place = row["state"] in COMING
    close_request(viewer, held, row)
    behind = held_place and bool(held.waiting(row["need"])) and held.shift["starts_at"] > clock.now()
    if verb == "withdraw":
        messages = say.left(held.shift, held.rota.name, row["name"], held.leaders, reason, behind)
    step(viewer, held, row, verb, State.WITHDRAWN, reason=reason, messages=messages)
    fill(viewer, held)


def close_request(viewer: Viewer, held: Held, row: Row) -> None:
    """Whoever is asked to stand in for a place need not answer any more."""
    asked = held.asked_for(row["id"])
    if asked is not None:
        told = say.stand_in_over(held.shift, held.rota.name, row["name"], asked["person_id"])
        step(viewer, held, asked, "lapse", State.LAPSED, messages=[told])


def leave_queue(viewer: Viewer, place_id: str) -> None:
    """Not to wait any longer. Caller commits."""
    held, row = _own(viewer, place_id)
    step(viewer, held, row, "leave_queue", State.WITHDRAWN)


def release(viewer: Viewer, place_id: str, reason: str) -> str:
    """Staff take somebody off a shift with a reason, who is told; the shift's id. Caller commits."""
    held, row = hold_place(place_id)
    require_lead(viewer, held)
    told = say.released(held.shift, held.rota.name, row["person_id"], reason)
    _leave(viewer, held, row, "release", reason, [told])
    return str(held.shift["id"])


def lapse(viewer: Viewer, place_id: str) -> bool:
    """A job's step: what was not confirmed in time goes to the next one; who waited or was asked until a shift began
    is told that nothing came of it. Whether anything was to do. Caller commits."""
    held, row = hold_place(place_id)
    now = clock.now()
    begun = held.shift["starts_at"] <= now
    overdue = row["state"] == State.TO_CONFIRM and row["confirm_by"] is not None and row["confirm_by"] <= now
    if not overdue and not (begun and row["state"] in (State.INVITED, State.ASKED, State.WAITING)):
        return False
    waited = "到开始也没有空出位置" if row["state"] == State.WAITING else "到开始没有答复，不用来了"
    why = "没有在时间内确认，位置让给了下一位" if overdue else waited
    told = say.lapsed(held.shift, held.rota.name, row["person_id"], why)
    step(viewer, held, row, "lapse", State.LAPSED, messages=[told])
    fill(viewer, held)
    return True


def name_leader(viewer: Viewer, place_id: str) -> str:
    """Make somebody the leader of a shift, and nobody else; the shift's id. Caller commits."""
    held, row = hold_place(place_id)
    require_lead(viewer, held)
    for other in held.live():
        if other["is_leader"] and other is not row:
            step(viewer, held, other, "name_leader", other["state"], is_leader=False)
    told = [] if row["is_leader"] else [say.leading(held.shift, held.rota.name, row["person_id"])]
    step(viewer, held, row, "name_leader", row["state"], is_leader=True, messages=told)
    return str(held.shift["id"])


def leads_shift(viewer: Viewer, held: Held) -> bool:
    """Whether the viewer manages the post, or was made the leader of this shift."""
    own = held.of(viewer.person_id)
    return leads(viewer, held) or (own is not None and bool(own["is_leader"]))
