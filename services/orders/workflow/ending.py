"""The end of a volunteer's service: by the volunteer, or by the branch for one who did not record it."""

from __future__ import annotations

from core import clock
from core.access import Viewer
from services.orders import queries
from services.orders.aggregate import OfferRow, Order
from services.orders.models import OfferState
from services.orders.queries import Ending
from services.orders.workflow.placing import Refused
from services.orders.workflow.steps import Answer, Outcome, apply
from services.orders.workflow.verbs import finish
from volunteers.hours import messages as hours_say
from volunteers.hours.workflow import Origin, credit


def complete(viewer: Viewer, order_id: str, minutes: int, note: str, answer: Answer | None = None) -> Order:
    """End one's service and have the minutes credited. The order is completed when every volunteer has ended theirs.

    Raises ``volunteers.hours.workflow.Overlap`` when the time is credited already for another service.
    """
    ending: list[Ending] = []

    def decide(order: Order) -> Outcome:
        own = order.touch(viewer.person_id)
        return _end(order, own, viewer, ending[0], minutes, note, {"minutes": minutes, "note": note})

    return apply(viewer, "complete", lambda: _load(viewer, order_id, viewer.person_id, ending), decide, answer=answer)


def complete_for(
    viewer: Viewer, order_id: str, volunteer_id: str, minutes: int, reason: str, answer: Answer | None = None,
    version: int | None = None,
) -> Order:  # fmt: skip
    """End the service of a volunteer who checked in and did not end it, with what was found out, so that the hours are
    recorded in time. Raises ``Refused``, ``volunteers.hours.workflow.Overlap``."""
    ending: list[Ending] = []

    def decide(order: Order) -> Outcome:
        held = order.offers.get(volunteer_id)
        if held is None or held.state != OfferState.CHECKED_IN:
            raise Refused("volunteer", "这位志愿者没有签到，或已经完成")
        details = {"minutes": minutes, "volunteer": held.volunteer_name}
        outcome = _end(order, order.touch(volunteer_id), viewer, ending[0], minutes, reason, details)
        entry = outcome.hours[0]
        told = hours_say.credited(volunteer_id, entry["id"], entry["content"], entry["starts_at"], minutes)
        return Outcome(outcome.to_state, [*outcome.messages, told], outcome.hours, details)

    def load() -> Order:
        return _load(viewer, order_id, volunteer_id, ending)

    return apply(viewer, "complete_for", load, decide, reason=reason, answer=answer, version=version)


def _load(viewer: Viewer, order_id: str, volunteer_id: str, ending: list[Ending]) -> Order:
    order, found = queries.get_order_to_complete(viewer, order_id, volunteer_id)
    ending[:] = [found]
    return order


def _end(
    order: Order, own: OfferRow, viewer: Viewer, ending: Ending, minutes: int, note: str, details: dict[str, object]
) -> Outcome:  # fmt: skip
    assert own.checked_in_at is not None
    now = clock.now()
    origin = Origin(
        ending.place, order.desk_id, order.desk_name or order.estate_name, ending.in_charge_id, ending.in_charge,
        "order", order.id,
    )  # fmt: skip
    entry = credit(
        own.volunteer_id, order.estate_id, starts_at=own.checked_in_at, minutes=minutes, content=order.item["name"],
        note=note, by=viewer.person_id, order_id=order.id, credited_until=ending.credited_until, origin=origin,
    )  # fmt: skip
    own.state, own.completed_at, own.minutes = OfferState.COMPLETED, now, minutes
    order.row.update(minutes=order.minutes + minutes, updated_at=now)
    return finish(order, details, [entry])
