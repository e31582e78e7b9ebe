"""What can happen to an emergency call, and the only place where it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, String, bindparam, select
from sqlalchemy import insert as core_insert
from sqlalchemy.dialects import postgresql, sqlite

from core import clock, idempotency
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.compound import Part
from core.database import UtcDateTime, fast
from core.ids import new_id
from core.outbox import Draft
from core.rows import JsonRows, json_rows
from core.workflow import MESSAGES, Change, Extra, InvalidStep, Stale, Step, Workflow
from services.sos.aggregate import CALL_FIELDS, RESPONSE_FIELDS, Call
from services.sos.circle import Told
from services.sos.models import OPEN, EmergencyCall, EmergencyNotice, EmergencyResponse, State

S = State
RETRIES = 20
NOTICES, RESPONSES = "notices", "responses"


def _states(*states: State | None) -> frozenset[str | None]:
    return frozenset(states)


def _reach(*states: State) -> frozenset[str]:
    return frozenset(states)


ENDED = _states(S.CLOSED, S.FALSE_ALARM, S.CANCELLED)
_LEAD = ("lead_id", "lead_name", "answered_at", "next_wave_at")
_END = ("ended_at", "outcome", "next_wave_at", "latitude", "longitude")
_SAID = (MESSAGES, RESPONSES)
STEPS = (
    Step("raise", "求助", _states(None), _reach(S.RAISED), "emergency:raise", writes=(MESSAGES, NOTICES)),
    Step("answer", "应答", _states(*OPEN), _reach(*OPEN), "emergency:respond", sets=_LEAD, writes=_SAID),
    Step("on_way", "出发", _states(*OPEN), _reach(S.ANSWERED, S.ON_SITE), "emergency:respond", sets=_LEAD,
         writes=_SAID),
    Step("arrive", "到场", _states(*OPEN), _reach(S.ON_SITE), "emergency:respond", sets=(*_LEAD, "on_site_at"),
         writes=_SAID),
    Step("stand_down", "来不了", _states(*OPEN), _reach(*OPEN), "emergency:respond", True, sets=_LEAD, writes=_SAID),
    Step("escalate", "再次通知", _states(S.RAISED, S.ANSWERED), _reach(S.RAISED, S.ANSWERED), "emergency:raise",
         sets=("level", "wave", "next_wave_at"), writes=(MESSAGES, NOTICES)),
    Step("remark", "补充说明", _states(*OPEN), _reach(*OPEN), "emergency:respond", True),
    Step("call_off", "按错撤回", _states(S.RAISED), _reach(S.CANCELLED), "emergency:raise", sets=_END,
         writes=(MESSAGES,)),
    Step("false_alarm", "没事了", _states(S.RAISED, S.ANSWERED), _reach(S.FALSE_ALARM), "emergency:raise", sets=_END,
         writes=(MESSAGES,)),
    Step("close", "处理完", _states(S.ANSWERED, S.ON_SITE), _reach(S.CLOSED), "emergency:respond", True, sets=_END,
         writes=(MESSAGES,)),
    Step("after_care", "记回访", ENDED, _reach(S.CLOSED, S.FALSE_ALARM, S.CANCELLED), "emergency:after_care", True,
         sets=("after_care", "after_care_at")),
)  # fmt: skip

_NOTICES = bindparam("notices", type_=JsonRows())
_NOTICE_TYPES: dict[str, Any] = {
    "id": String(), "call_id": String(), "estate_id": String(), "wave": Integer(), "kind": String(), "title": String(),
    "name": String(), "person_id": String(), "contact_id": String(), "told_at": UtcDateTime(),
}  # fmt: skip
_RESPONSES = bindparam("responses", type_=JsonRows())
_RESPONSE_TYPES: dict[str, Any] = {
    "call_id": String(), "person_id": String(), "estate_id": String(), "kind": String(), "title": String(),
    "name": String(), "state": String(), "shares": Boolean(), "answered_at": UtcDateTime(),
    "on_way_at": UtcDateTime(), "arrived_at": UtcDateTime(), "left_at": UtcDateTime(),
}  # fmt: skip


def _notice_parts(dialect: str, gate: ColumnElement[bool]) -> Sequence[Part]:
    """Who is told in a wave."""
    rows = json_rows(dialect, _NOTICES, dict(_NOTICE_TYPES))
    chosen = select(*[rows.c[name] for name in _NOTICE_TYPES]).where(gate)
    return [core_insert(EmergencyNotice).from_select(list(_NOTICE_TYPES), chosen)]


def _response_parts(dialect: str, gate: ColumnElement[bool]) -> Sequence[Part]:
    """Responses made or changed, written whole by their key."""
    maker: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = json_rows(dialect, _RESPONSES, dict(_RESPONSE_TYPES))
    chosen = select(*[rows.c[name] for name in _RESPONSE_TYPES]).where(gate)
    made = maker(EmergencyResponse).from_select(list(_RESPONSE_TYPES), chosen)
    keys = ("call_id", "person_id")
    changed = {name: made.excluded[name] for name in _RESPONSE_TYPES if name not in (*keys, "estate_id")}
    return [made.on_conflict_do_update(index_elements=list(keys), set_=changed)]


EMERGENCIES = Workflow(
    "emergency_call",
    EmergencyCall.__table__,  # type: ignore[arg-type]
    STEPS,
    made=tuple(name for name in CALL_FIELDS if name not in ("id", "state", "version")),
    extras={
        NOTICES: Extra((_NOTICES,), _notice_parts),
        RESPONSES: Extra((_RESPONSES,), _response_parts),
    },
)


@dataclass(frozen=True)
class Outcome:
    """What a verb does to a call, decided in memory: the state reached, whom to tell, who was told of the need."""

    to_state: str
    messages: Sequence[Draft] = ()
    told: Sequence[Told] = ()
    details: dict[str, Any] = field(default_factory=dict)


Load = Callable[[], Call]
Decide = Callable[[Call], Outcome]
Answer = Callable[[Call, Sequence[str]], str]


def allowed(call: Call, viewer: Viewer) -> list[str]:
    """The verbs that this viewer may use on the call now."""
    possible = EMERGENCIES.verbs(call.state)
    return [v for v in possible if v != "escalate" and call.may(v, viewer) and call.fits(v, viewer)]


def apply(
    viewer: Viewer, verb: str, load: Load, decide: Decide, *, reason: str = "", answer: Answer | None = None,
    version: int | None = None,
) -> Call:  # fmt: skip
    """Apply a verb to a call: read it, check who asks and whether the state allows it, decide, write.

    When somebody was first in between it is read and decided again: of two who answer at once both are written down.
    Raises ``NotFound``, ``Forbidden``, ``InvalidStep``, ``Stale``, or what ``decide`` raises.
    """
    for attempt in range(RETRIES):
        call = load()
        if version is not None and call.version != version:
            raise Stale(verb)
        _check(call, viewer, verb)
        before = call.state
        outcome = decide(call)
        call.row.update(state=outcome.to_state, version=call.version + 1, updated_at=clock.now())
        try:
            save(call, before, viewer, verb, outcome, reason=reason, answer=answer)
        except Stale:
            if version is not None or attempt == RETRIES - 1:
                raise
            continue
        return call
    raise AssertionError("unreachable")


def _check(call: Call, viewer: Viewer, verb: str) -> None:
    if not call.visible_to(viewer) and viewer.person_id != "system":
        raise NotFound
    if not call.may(verb, viewer):
        raise Forbidden
    step = EMERGENCIES.step(verb, call.state)
    if not call.fits(verb, viewer):
        raise InvalidStep(call.state, verb, step.title)


def save(
    call: Call, before: str | None, viewer: Viewer, verb: str, outcome: Outcome, *, reason: str = "",
    answer: Answer | None = None,
) -> None:  # fmt: skip
    """Write a step. Raises ``Stale``, and for a second open call of a household ``IntegrityError``."""
    row = call.row
    change = Change(
        verb=verb,
        subject=Subject("emergency", row["id"], row["estate_id"]),
        from_state=before,
        to_state=outcome.to_state,
        actor_id=viewer.person_id,
        actor_name=viewer.name,
        reason=reason,
        details=outcome.details,
        messages=outcome.messages,
        answer=answer(call, allowed(call, viewer)) if answer and idempotency.pending() else None,
        status=201 if before is None else 200,
    )
    values = row if before is None else {**row, "version": row["version"] - 1}
    EMERGENCIES.apply(
        fast(), change, values, {"notices": _notices(call, outcome.told), "responses": _responses(call)}
    )  # fmt: skip


def _notices(call: Call, told: Sequence[Told]) -> list[dict[str, Any]]:
    at = clock.now()
    return [
        {"id": new_id(), "call_id": call.id, "estate_id": call.estate_id, "wave": call.wave, "kind": one.kind,
         "title": one.title, "name": one.name, "person_id": one.person_id, "contact_id": one.contact_id, "told_at": at}
        for one in told
    ]  # fmt: skip


def _responses(call: Call) -> list[dict[str, Any]]:
    return [
        {name: getattr(call.responses[person], name) for name in RESPONSE_FIELDS}
        | {"call_id": call.id, "estate_id": call.estate_id}
        for person in sorted(call.changed)
    ]
