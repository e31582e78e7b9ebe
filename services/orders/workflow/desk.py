"""What a desk does with an order besides dispatching it: take a dispatch back, hand the order on, keep a note."""

from __future__ import annotations

from functools import partial

from core import audit, clock
from core.access import Forbidden, NotFound, Viewer
from core.audit import Subject
from core.database import fast
from services.orders import desks, queries
from services.orders import messages as say
from services.orders.aggregate import Order
from services.orders.models import OfferState, State
from services.orders.workflow.placing import Refused
from services.orders.workflow.steps import Answer, Outcome, apply

NOTE_LENGTH = 500


def undo(viewer: Viewer, order_id: str, answer: Answer | None = None, version: int | None = None) -> Order:
    """Take a dispatch back while nobody has accepted. Those it was offered to may be offered it again."""

    def decide(order: Order) -> Outcome:
        freed = _lapse_all(order)
        return Outcome(State.PLACED, say.released(order, freed, "支部撤回了这次派单，不用答复"))

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "undo", load, decide, answer=answer, version=version)


def _lapse_all(order: Order) -> list[str]:
    """End every offer that can still be answered; whom to tell."""
    live = [offer.volunteer_id for offer in order.live_offers()]
    for offer in order.offers.values():
        if offer.state == OfferState.OFFERED:
            order.touch(offer.volunteer_id).state = OfferState.LAPSED if offer.is_live else OfferState.EXPIRED
    order.row["updated_at"] = clock.now()
    return live


def transfer(
    viewer: Viewer, order_id: str, desk_id: str, reason: str, answer: Answer | None = None, version: int | None = None
) -> Order:
    """Hand an order to another branch of the community, or up to the community or subdistrict, with a reason.

    Its deadline runs on. The estate's own branch may fetch it back. Raises ``Refused`` for a desk it cannot go to.
    """

    def decide(order: Order) -> Outcome:
        target = next((desk for desk in desks.list_desks(viewer, order) if desk.id == desk_id), None)
        if target is None:
            raise Refused("desk", "不能转到那里，请从列出的单位里选")
        told = say.released(order, _lapse_all(order), "这一单转给别处办了，不用答复")
        told += say.transferred(order, target.leaders, order.desk_name or order.estate_name, reason)
        told += say.moved(order, target.name)
        details = {"from": order.desk_name, "to": target.name}
        order.row["desk_id"] = target.id
        order.desk_path, order.desk_name = target.path, target.name
        return Outcome(State.PLACED, told, details=details)

    load = partial(queries.get_order, viewer, order_id)
    return apply(viewer, "transfer", load, decide, reason=reason, answer=answer, version=version)


def note(viewer: Viewer, order_id: str, text: str) -> None:
    """Keep an internal note: staff read it, the resident and volunteers do not. It changes nothing else.

    Raises ``NotFound``, ``Forbidden`` and ``Refused``.
    """
    order = queries.get_order(viewer, order_id)
    if not order.reads(viewer):
        raise NotFound if not order.visible_to(viewer) else Forbidden
    if not text.strip():
        raise Refused("text", "请写下要记的话")
    subject = Subject("order", order.id, order.estate_id)
    audit.record(viewer.person_id, viewer.name, "note", subject, details={"text": text[:NOTE_LENGTH]},
                 connection=fast())  # fmt: skip
