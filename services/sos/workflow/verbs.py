"""The verbs of an emergency call once it is raised: what each asks for, decides and tells."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from community.policies.queries import of
from core import audit, clock
from core.access import Forbidden, Viewer
from core.audit import Subject
from services.sos import circle, queries
from services.sos import messages as say
from services.sos.aggregate import Call, Response
from services.sos.models import Coming, State
from services.sos.rules import EMERGENCIES as RULES
from services.sos.soon import carry_soon
from services.sos.workflow.steps import Answer, Outcome, apply


def _own(call: Call, viewer: Viewer, state: Coming, shares: bool | None) -> Response:
    """The viewer's response, made or moved on to a state. ``shares`` of None keeps what was agreed to before."""
    now = clock.now()
    kind, title = call.standing_of(viewer)
    own = call.responses.get(viewer.person_id)
    if own is None:
        own = call.responses[viewer.person_id] = Response(
            viewer.person_id, kind, title, viewer.name, state, bool(shares), now
        )
    own.state, own.left_at = state, None
    own.shares = own.shares if shares is None else shares
    if state == Coming.ON_WAY:
        own.on_way_at = now
    elif state == Coming.ARRIVED:
        own.arrived_at = now
    call.changed.add(viewer.person_id)
    return own


def _lead(call: Call) -> str:
    """The state that those who see to it make, with the first of them in the lead.

    With nobody left the search begins again at once; while nobody has got there it will go on after a longer pause.
    """
    now, coming = clock.now(), sorted(call.coming(), key=lambda r: (r.person_id != call.lead_id, r.answered_at))
    if not coming:
        due = call.next_wave_at if call.state == State.RAISED else now
        call.row.update(lead_id=None, lead_name="", answered_at=None, next_wave_at=due)
        return State.RAISED
    call.row.update(lead_id=coming[0].person_id, lead_name=coming[0].name, answered_at=call.answered_at or now)
    if call.state == State.ON_SITE:
        return State.ON_SITE
    if call.state == State.RAISED:
        minutes = of(RULES, call.estate_id).values["arrive_minutes"]
        call.row["next_wave_at"] = now + timedelta(minutes=minutes) if minutes else None
    return State.ANSWERED


def answer(viewer: Viewer, call_id: str, shares: bool = False, reply: Answer | None = None) -> Call:
    """I have seen it. From staff and volunteers this means that they see to it; relatives, who may be far away, are
    only written down, and the search goes on until somebody is on the way."""

    def decide(call: Call) -> Outcome:
        own = _own(call, viewer, Coming.SEEN, shares)
        return Outcome(_lead(call), say.answered(call, own), details={"title": own.title})

    return apply(viewer, "answer", partial(queries.get_call, viewer, call_id), decide, answer=reply)


def on_way(viewer: Viewer, call_id: str, shares: bool | None = None, reply: Answer | None = None) -> Call:
    """I am on my way."""

    def decide(call: Call) -> Outcome:
        own = _own(call, viewer, Coming.ON_WAY, shares)
        return Outcome(_lead(call), say.on_way(call, own), details={"title": own.title})

    return apply(viewer, "on_way", partial(queries.get_call, viewer, call_id), decide, answer=reply)


def arrive(viewer: Viewer, call_id: str, reply: Answer | None = None) -> Call:
    """I am there."""

    def decide(call: Call) -> Outcome:
        own = _own(call, viewer, Coming.ARRIVED, None)
        _lead(call)
        call.row.update(on_site_at=call.on_site_at or clock.now(), next_wave_at=None)
        return Outcome(State.ON_SITE, say.arrived(call, own), details={"title": own.title})

    return apply(viewer, "arrive", partial(queries.get_call, viewer, call_id), decide, answer=reply)


def stand_down(viewer: Viewer, call_id: str, reason: str, reply: Answer | None = None) -> Call:
    """I cannot come after all. When nobody else is coming, the search goes on at once from where it stood."""

    def decide(call: Call) -> Outcome:
        own = call.responses[viewer.person_id]
        own.state, own.left_at = Coming.LEFT, clock.now()
        call.changed.add(viewer.person_id)
        return Outcome(_lead(call), say.stood_down(call, own), details={"title": own.title})

    load = partial(queries.get_call, viewer, call_id)
    return apply(viewer, "stand_down", load, decide, reason=reason, answer=reply)


def escalate(viewer: Viewer, call_id: str) -> Call:
    """Nobody has answered in time, or whoever did has not got there: tell the next level, too (a job does this).

    After a standstill the levels that were missed are told together, once; the rhythm is kept from the time when the
    wave was due. Raises ``InvalidStep`` when it is not due any more.
    """
    told: list[circle.Told] = []

    def decide(call: Call) -> Outcome:
        now, rules = clock.now(), of(RULES, call.estate_id).values
        late = call.state == State.ANSWERED
        pause = timedelta(minutes=rules["arrive_minutes" if late else "wave_minutes"] or 1)
        missed = int((now - call.next_wave_at) / pause)
        # Whoever said that they cannot is not asked again; nor, while others are looked for, whoever is coming.
        heard = {person for person, response in call.responses.items() if late or not response.is_active}
        known = {call.raised_by, *call.callers, *heard}
        reach, found = circle.wave(
            circle.place_of(call.household_id), call.level, call.level + 1 + missed, rules["volunteers_first"], known
        )
        told[:] = found
        due = call.next_wave_at + pause * (missed + 1)
        call.row.update(level=reach, wave=call.wave + 1, next_wave_at=due)
        details = {"told": len(found), "level": reach, "texts": bool(circle.TELL_OUTSIDER)}
        return Outcome(call.state, say.needed(call, found), found, details)

    call = apply(viewer, "escalate", partial(queries.get_call, viewer, call_id), decide)
    carry_soon(told, say.text_for_outsider(call))
    return call


def remark(viewer: Viewer, call_id: str, words: str, reply: Answer | None = None) -> Call:
    """Say something that all who look at the call should know: 门没锁, 已打120."""
    load = partial(queries.get_call, viewer, call_id)
    return apply(viewer, "remark", load, lambda call: Outcome(call.state), reason=words, answer=reply)


def _end(call: Call, viewer: Viewer, state: State, outcome: str) -> Outcome:
    now = clock.now()
    call.row.update(
        state=state, ended_at=now, outcome=outcome, next_wave_at=None, latitude=None, longitude=None
    )  # fmt: skip
    told = [row.person_id for row in queries.list_notices(call) if row.person_id]
    return Outcome(state, say.ended(call, [*told, *call.responses], viewer.person_id))


def call_off(viewer: Viewer, call_id: str, reply: Answer | None = None) -> Call:
    """It was a slip, noticed at once: as if it had not been raised, but that those who were told hear of it."""

    def decide(call: Call) -> Outcome:
        return _end(call, viewer, State.CANCELLED, "")

    return apply(viewer, "call_off", partial(queries.get_call, viewer, call_id), decide, answer=reply)


def false_alarm(viewer: Viewer, call_id: str, reason: str = "", reply: Answer | None = None) -> Call:
    """All is well. Nobody is blamed; of several within 90 days the branch is told, so that somebody looks in."""

    def decide(call: Call) -> Outcome:
        ending = _end(call, viewer, State.FALSE_ALARM, reason)
        count = queries.count_false_alarms(call) + 1
        if count < of(RULES, call.estate_id).values["false_alarms"]:
            return ending
        place = circle.place_of(call.household_id)
        branch = [one.person_id for one in circle.gather(place, [1], 0, ()) if one.kind == "staff" and one.person_id]
        return Outcome(ending.to_state, [*ending.messages, *say.look_in(call, branch, count)], (), {"count": count})

    load = partial(queries.get_call, viewer, call_id)
    return apply(viewer, "false_alarm", load, decide, reason=reason, answer=reply)


def fine(viewer: Viewer, call_id: str, reason: str = "") -> Call:
    """The caller says that all is well: called off while it may have been a slip, else a false alarm."""
    call = queries.get_call(viewer, call_id)
    if call.state == State.RAISED and call.is_ours(viewer) and call.fits("call_off", viewer) and not reason:
        return call_off(viewer, call_id)
    return false_alarm(viewer, call_id, reason)


def close(viewer: Viewer, call_id: str, outcome: str, reply: Answer | None = None, version: int | None = None) -> Call:
    """It has been seen to; what was done is kept."""

    def decide(call: Call) -> Outcome:
        return _end(call, viewer, State.CLOSED, outcome)

    load = partial(queries.get_call, viewer, call_id)
    return apply(viewer, "close", load, decide, reason=outcome, answer=reply, version=version)


def after_care(
    viewer: Viewer, call_id: str, note: str, reply: Answer | None = None, version: int | None = None
) -> Call:
    """How the person is some days later; a later note replaces the one shown, the course keeps both."""

    def decide(call: Call) -> Outcome:
        call.row.update(after_care=note, after_care_at=clock.now())
        return Outcome(call.state)

    load = partial(queries.get_call, viewer, call_id)
    return apply(viewer, "after_care", load, decide, reason=note, answer=reply, version=version)


def reveal(viewer: Viewer, call: Call, key: str) -> tuple[str, str]:
    """A number to ring in the clear: whose and which. Who looked is recorded; the call is the reason.

    For those who answered and for staff of the place, while the call is open (个人信息保护法, art. 13: to protect life
    and health in an emergency no consent is needed). Raises ``Forbidden`` or ``NotFound``.
    """
    own = call.responses.get(viewer.person_id)
    leads = viewer.may_at("emergency:read", call.node)
    if not (leads or (call.is_open and own is not None and own.is_active)):
        raise Forbidden("先点“我看到了”或“我在路上”，再打电话")
    if not call.is_open and not viewer.may_at("emergency:after_care", call.node):
        raise Forbidden("这次求助已经结束，号码不再显示")
    called, number = queries.find_number(call, key)
    _record(viewer, call, "reveal", {"field": "phone", "whom": called})
    return called, number


def view_care(viewer: Viewer, call: Call) -> list[tuple[str, int | None, list[str], str]]:
    """What first aid should know of the home; that it was read is recorded. Raises ``NotFound``."""
    found = queries.list_care(viewer, call)
    _record(viewer, call, "view_care", {})
    return found


def _record(viewer: Viewer, call: Call, verb: str, details: dict[str, str]) -> None:
    subject = Subject("emergency", call.id, call.estate_id)
    audit.record(viewer.person_id, viewer.name, verb, subject, reason="紧急求助", details=details)
