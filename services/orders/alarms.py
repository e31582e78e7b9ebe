"""What an order's alarm says when it rings: a reminder, or, once the time is over, word to the next one above.

Decided in memory from the order, its history and the estate's rules; nothing is written here. However late the alarm is
heard, it says only the latest thing there is to say, and the next one counts from that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from core import calendar, clock
from core.access import Role
from core.calendar import AROUND, HOURS
from core.outbox import Draft
from services.orders import clock_messages as say
from services.orders import clocks
from services.orders.aggregate import Order
from services.orders.clock_queries import Holder, Setting
from services.orders.clocks import FOUR_FIFTHS, OVER, Clock
from services.orders.models import OfferState, State

LEVELS: tuple[tuple[str, Role, str], ...] = (
    ("支部副书记", Role.DEPUTY_SECRETARY, "deputy_after"),
    ("支部书记", Role.SECRETARY, "secretary_after"),
    ("社区", Role.COMMUNITY_STAFF, "community_after"),
    ("街道", Role.SUBDISTRICT_STAFF, "community_after"),
)
"""Who is told one after the other, and the rule that says how long after the one before. 街道 is for urgent orders, and
for those that find nobody at the community."""
ACTS = frozenset("dispatch transfer accept check_in reassign no_show call_back pause resume extend take_up".split())
"""Steps after which an order counts as being dealt with."""


@dataclass(frozen=True)
class Ring:
    """What comes of an alarm. Without a ``verb`` nothing is said, the alarm is only set anew."""

    next_at: datetime
    reminded: int
    escalated: int
    verb: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[Draft] = ()


def decide(order: Order, setting: Setting, events: Sequence[Any], now: datetime) -> Ring:
    """What to say of an order whose clock runs, at this moment."""
    of = clocks.of_order(order.row)
    points = clocks.alarm_points(of, clocks.course(of))
    stage = clocks.stage_at(points, now)
    if stage <= order.reminded and stage < OVER:
        return Ring(points[order.reminded], order.reminded, order.escalated)
    if order.reminded >= OVER:
        return _escalate(order, of, setting, events, now)
    after = points[stage] if stage < OVER else _wait(order, of, setting, now, _step_minutes(order, setting, 0))
    if _was_told(events, of, stage, points[-1]) or (stage < OVER and not setting.rules["remind"]):
        return Ring(after, stage, order.escalated)
    names, messages = _reminder(order, setting, stage)
    if not messages:
        return Ring(now if stage == OVER else after, stage, order.escalated)
    details = {"stage": stage, "to": names, "due_at": points[-1].isoformat()}
    return Ring(after, stage, order.escalated, "remind", details, messages)


def _was_told(events: Sequence[Any], of: Clock, stage: int, due: datetime) -> bool:
    """Whether this alarm was heard before: each stage once, the end once for each deadline."""
    for event in events:
        if event.verb == "remind" and event.at >= of.start and event.details.get("stage", 0) >= stage:
            return stage < OVER or event.details.get("due_at") == due.isoformat()
    return False


def _reminder(order: Order, setting: Setting, stage: int) -> tuple[list[str], list[Draft]]:
    """Whoever holds the next step: names, and what they are told."""
    leaders = setting.among(order.leaders)
    near_end = stage >= FOUR_FIFTHS
    match order.state:
        case State.PLACED:
            helpers: list[Any] = []
        case State.DISPATCHED:
            helpers = order.live_offers()
        case State.ACCEPTED:
            helpers = order.assigned()
            leaders = leaders if near_end else []
        case _:
            over = stage == OVER
            helpers = [offer for offer in order.assigned() if offer.state == OfferState.CHECKED_IN] if over else []
            leaders = leaders if over else []
    ids, branch = [offer.volunteer_id for offer in helpers], [holder.person_id for holder in leaders]
    messages = say.over(order, branch) if stage == OVER else say.near(order, branch, stage)
    if order.state == State.DISPATCHED:
        messages += say.still_open(order, ids, stage)
    else:
        messages += say.yours(order, ids, stage)
    return [*[holder.name for holder in leaders], *[offer.volunteer_name for offer in helpers]], messages


def _escalate(order: Order, of: Clock, setting: Setting, events: Sequence[Any], now: datetime) -> Ring:
    rung = [e.at for e in events if e.verb == "escalate" or (e.verb == "remind" and e.details.get("stage") == OVER)]
    since = max(rung, default=order.due_at)
    acts = [e.at for e in events if e.verb in ACTS and e.at >= since and e.actor_id != "system"]
    level = order.escalated
    if acts:
        quiet_until = _wait(order, of, setting, max(acts), _again_minutes(order, setting))
        if quiet_until > now:
            return Ring(quiet_until, OVER, 0)
        level = 0
    if level >= _top(order, setting):
        level = 0
    return _tell(order, of, setting, level, now)


def _top(order: Order, setting: Setting) -> int:
    """How many levels an order goes up: to the subdistrict when it is urgent, or when the community has nobody."""
    return len(LEVELS) if order.urgent or not setting.of(Role.COMMUNITY_STAFF) else len(LEVELS) - 1


def _tell(order: Order, of: Clock, setting: Setting, level: int, now: datetime) -> Ring:
    """Tell the first level from here on that has somebody who was not told yet; which ones were passed is said."""
    passed: list[str] = []
    top = _top(order, setting)
    while level < top:
        name, role, _ = LEVELS[level]
        told = {holder.person_id for _, below, _ in LEVELS[:level] for holder in setting.of(below)}
        held = setting.of(role)
        people = [holder for holder in held if holder.person_id not in told]
        level += 1
        if people:
            last = level == top
            minutes = _again_minutes(order, setting) if last else _step_minutes(order, setting, level)
            after = _wait(order, of, setting, now, minutes)
            details = {"level": name, "to": [holder.name for holder in people], "skipped": passed}
            return Ring(after, OVER, level, "escalate", details, _letters(order, people, name, passed))
        if held:
            passed.append(f"{name}{'、'.join(holder.name for holder in held)}已经告诉过")
        elif not order.is_raised:
            passed.append(f"{name}空缺")
    after = _wait(order, of, setting, now, _again_minutes(order, setting))
    return Ring(after, OVER, 0, "escalate", {"level": "", "to": [], "skipped": passed})


def _letters(order: Order, people: Sequence[Holder], level: str, passed: Sequence[str]) -> list[Draft]:
    why = f"{'，'.join(passed)}。" if passed else ""
    return say.escalated(order, [holder.person_id for holder in people], level, why)


def _step_minutes(order: Order, setting: Setting, level: int) -> int:
    return int(setting.rules["urgent_after" if order.urgent else LEVELS[level][2]])


def _again_minutes(order: Order, setting: Setting) -> int:
    return int(setting.rules["urgent_again" if order.urgent else "again_after"])


def _wait(order: Order, of: Clock, setting: Setting, start: datetime, minutes: int) -> datetime:
    """So many minutes later: for an urgent order at any hour, else by its working time, or outside quiet hours."""
    length = timedelta(minutes=minutes)
    if order.urgent:
        return start + length
    if of.kind != AROUND:
        return calendar.after(start, length, HOURS, of.sessions)
    return _by_day(start, length, setting.quiet["quiet_until"], setting.quiet["quiet_from"])


def _by_day(start: datetime, length: timedelta, opens: int, closes: int) -> datetime:
    """So much later, counting only what lies between two times of day, given in minutes; any hour when they cross."""
    if opens >= closes:
        return start + length
    local = clock.local(start).replace(tzinfo=None)
    while True:
        begin = max(local, datetime.combine(local, time(opens // 60, opens % 60)))
        room = datetime.combine(local, time(closes // 60, closes % 60)) - begin
        if length <= room:
            return clock.from_local(begin + length)
        length -= max(room, timedelta(0))
        local = datetime.combine(local.date() + timedelta(days=1), time(0))
