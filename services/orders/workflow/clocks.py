"""The verbs that move an order's clock and leave its state as it is: pause, resume, extend, take up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import clock
from core.access import Role, Viewer
from core.web.formats import when
from core.workflow import InvalidStep
from services.orders import clock_messages as say
from services.orders import clocks
from services.orders.aggregate import Order
from services.orders.clock_queries import Setting, get_order_and_setting
from services.orders.clocks import FOUR_FIFTHS, Mark
from services.orders.workflow.placing import Refused
from services.orders.workflow.steps import CLOCK, Answer, Outcome, apply


class _Reading:
    """Reads an order with its setting, and keeps the setting for the decision."""

    setting: Setting

    def __init__(self, viewer: Viewer, order_id: str) -> None:
        self._asked = viewer, order_id

    def __call__(self) -> Order:
        order, self.setting = get_order_and_setting(*self._asked)
        return order


def again(order: Order, floor: datetime | None, now: datetime) -> dict[str, Any]:
    """The columns of a clock that begins anew, by the working hours that were promised."""
    return clocks.begun(order.item, floor, order.urgent, now, clocks.of_order(order.row).sessions)


def run_on(order: Order, now: datetime) -> dict[str, Any]:
    """The columns of a clock that runs on since the service has begun; nothing when it was not paused."""
    if not order.paused:
        return {}
    found = clocks.of_order(order.row).marked(Mark("resume", now, reason="开始服务"))
    moved = clocks.columns(found, order.reminded, now)
    return {name: moved[name] for name in CLOCK}


def _move(order: Order, mark: Mark, now: datetime) -> None:
    moved = clocks.columns(clocks.of_order(order.row).marked(mark), order.reminded, now)
    order.row.update(moved, updated_at=now)


def _due(order: Order) -> dict[str, str]:
    """For the trail: the deadline as it is from now on."""
    return {"due": order.due_at.isoformat()}


def pause(
    viewer: Viewer, order_id: str, reason: str, answer: Answer | None = None, version: int | None = None
) -> Order:
    """Stop the clock until the resident answers, for as many days at most as the estate decided."""
    load = _Reading(viewer, order_id)

    def decide(order: Order) -> Outcome:
        now = clock.now()
        until = now + timedelta(days=load.setting.rules["wait_days"])
        _move(order, Mark("pause", now, viewer.name, reason, until), now)
        volunteers = [offer.volunteer_id for offer in order.assigned()]
        told = say.paused(order, reason, until) + say.held_up(order, volunteers, reason)
        return Outcome(order.state, told, details={"until": until.isoformat(), **_due(order)})

    return apply(viewer, "pause", load, decide, reason=reason, answer=answer, version=version)


def resume(
    viewer: Viewer, order_id: str, note: str = "", answer: Answer | None = None, version: int | None = None
) -> Order:
    """Let the clock run again: the resident has answered, the branch says so, or the days of waiting are over."""
    load = _Reading(viewer, order_id)

    def decide(order: Order) -> Outcome:
        now = clock.now()
        waited = clocks.course(clocks.of_order(order.row)).paused
        assert waited is not None
        by_system = viewer.person_id == "system"
        at = min(waited.until or now, now) if by_system else now
        why = "一直没有等到居民回复" if by_system else note or "居民已回复"
        _move(order, Mark("resume", at, viewer.name, why), now)
        residents = list(dict.fromkeys([order.person_id, order.placed_by]))
        if viewer.person_id in residents or order.is_ours(viewer):
            told = say.answered(order, order.leaders, note)
        else:
            told = say.resumed(order, [*residents, *(order.leaders if by_system else ())], why)
        told += say.resumed(order, [offer.volunteer_id for offer in order.assigned()], why)
        return Outcome(order.state, told, details=_due(order))

    return apply(viewer, "resume", load, decide, reason=note, answer=answer, version=version)


def extend(
    viewer: Viewer, order_id: str, reason: str, *, minutes: int | None = None, until: datetime | None = None,
    answer: Answer | None = None, version: int | None = None,
) -> Order:  # fmt: skip
    """Move the deadline by minutes of the order's clock, or to a moment agreed. Raises ``Refused``.

    The resident and those who took the order are told why; from the second time on the community is, too. What was
    late already stays late in the reports.
    """
    load = _Reading(viewer, order_id)

    def decide(order: Order) -> Outcome:
        now, rules = clock.now(), load.setting.rules
        of = clocks.of_order(order.row)
        if of.extensions >= rules["extensions"]:
            raise Refused("reason", f"小区定的是一单最多延期{rules['extensions']}次，这一单不能再延")
        before = order.due_at
        _check_extension(order, minutes, until, now)
        _move(order, Mark("extend", now, viewer.name, reason, until, minutes), now)
        field = "until" if until is not None else "minutes"
        if order.due_at > max(before, now) + timedelta(days=rules["extension_days"]):
            raise Refused(field, f"一次最多延{rules['extension_days']}天，现在的时限是{when(before)}")
        order.row["reminded"] = min(order.reminded, FOUR_FIFTHS)
        order.row["next_alarm_at"] = clocks.next_alarm(
            clocks.of_order(order.row), clocks.course(clocks.of_order(order.row)), order.reminded
        )
        told = say.extended(order, [offer.volunteer_id for offer in order.assigned()], reason)
        if of.extensions:
            staff = [holder.person_id for holder in load.setting.of(Role.COMMUNITY_STAFF)]
            told += say.extended_again(order, staff, viewer.name, of.extensions + 1, reason)
        return Outcome(order.state, told, details={"due_before": before.isoformat(), **_due(order)})

    return apply(viewer, "extend", load, decide, reason=reason, answer=answer, version=version)


def _check_extension(order: Order, minutes: int | None, until: datetime | None, now: datetime) -> None:
    if (minutes is None) == (until is None):
        raise Refused("minutes", "延长多少分钟和新的时限，请填一样")
    if until is not None and until <= max(order.due_at, now):
        raise Refused("until", f"新的时限要晚于现在的时限{when(order.due_at)}，也要晚于现在")


def take_up(
    viewer: Viewer, order_id: str, note: str = "", answer: Answer | None = None, version: int | None = None
) -> Order:
    """Say that one is dealing with an order that is late: those above are not told any further for now."""
    load = _Reading(viewer, order_id)

    def decide(order: Order) -> Outcome:
        order.row.update(escalated=0, updated_at=clock.now())
        others = [person for person in order.leaders if person != viewer.person_id]
        return Outcome(order.state, say.taken_up(order, others, viewer.name, note))

    return apply(viewer, "take_up", load, decide, reason=note, answer=answer, version=version)


def recount(viewer: Viewer, order_id: str) -> Order:
    """Work the deadline out anew, as the calendar changed (a job does this). Raises ``InvalidStep`` when it stands."""
    load = _Reading(viewer, order_id)

    def decide(order: Order) -> Outcome:
        now, before, level = clock.now(), order.due_at, order.escalated
        of = clocks.of_order(order.row)
        due = clocks.course(of).due
        if due == before:
            raise InvalidStep(order.state, "recount", "重算时限")
        reminded = min(order.reminded, FOUR_FIFTHS) if due > now else order.reminded
        order.row.update(clocks.columns(of, reminded, now), escalated=level, updated_at=now)
        told = say.recounted(order, order.leaders)
        return Outcome(order.state, told, details={"due_before": before.isoformat(), **_due(order)})

    return apply(viewer, "recount", load, decide)
