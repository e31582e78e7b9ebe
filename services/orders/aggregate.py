"""An order with its offers, as one thing in memory: who may see it, who may do what, and what it looks like outside.

Every change of an offer moves the order's version, so what was read here is what the step is applied to or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from core import clock
from core.access import Viewer
from core.identity import mask_name
from services.orders.models import OPEN, OfferState, ServiceOrder, State

ASSIGNED = (OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)
LOW_STARS = 2


def own_desk(estate_path: str) -> str:
    """The organisation whose desk an order comes to first: the estate's branch, the last node of its path."""
    return estate_path.rstrip("/").rpartition("/")[2]


@dataclass
class OfferRow:
    """One offer; its fields are the columns of the table."""

    volunteer_id: str
    round: int
    volunteer_name: str
    state: str
    is_open_call: bool
    reasons: list[Any]
    offered_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    checked_in_at: datetime | None = None
    completed_at: datetime | None = None
    minutes: int | None = None
    reason: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def is_live(self) -> bool:
        """Can still be answered."""
        return self.state == OfferState.OFFERED and self.expires_at > clock.now()

    @property
    def is_assigned(self) -> bool:
        """Was accepted and holds."""
        return self.state in ASSIGNED


OFFER_FIELDS = tuple(f.name for f in fields(OfferRow))
ORDER_FIELDS = tuple(column.name for column in ServiceOrder.__table__.columns)


@dataclass
class Order:
    """An order as read. ``row`` holds its columns; ``offers`` those of the present round, ``past`` earlier ones."""

    row: dict[str, Any]
    estate_path: str
    estate_name: str = ""
    desk_path: str = ""
    desk_name: str = ""
    leaders: tuple[str, ...] = ()
    offers: dict[str, OfferRow] = field(default_factory=dict)
    past: list[OfferRow] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]]) -> Order:
        """From rows of (order columns…, path and name of estate and desk, leaders, offer columns…), one an offer."""
        width = len(ORDER_FIELDS)
        begin = width + 5
        path, name, desk_path, desk_name, leaders = rows[0][width:begin]
        columns = dict(zip(ORDER_FIELDS, rows[0][:width], strict=True))
        order = cls(columns, path, name, desk_path, desk_name, tuple(leaders.split("\x1f")) if leaders else ())
        for row in rows:
            if row[begin] is None:
                continue
            offer = OfferRow(*row[begin:])
            if offer.round == order.row["reopened"]:
                order.offers[offer.volunteer_id] = offer
            else:
                order.past.append(offer)
        return order

    @property
    def overdue(self) -> bool:
        """Past its deadline and not done, or done after it."""
        done = self.row["state"] not in OPEN
        end = self.row["completed_at"] if done else clock.now()
        dropped = self.row["state"] in (State.CANCELLED, State.SENT_BACK)
        late = (done and self.row["missed_at"] is not None) or (end is not None and end > self.row["due_at"])
        return late and not dropped

    @property
    def paused(self) -> bool:
        """Waits for the resident, its clock stopped."""
        return self.row["paused_at"] is not None and self.row["state"] in OPEN

    def touch(self, volunteer_id: str) -> OfferRow:
        """The offer of a volunteer, about to be changed."""
        self.changed.add(volunteer_id)
        return self.offers[volunteer_id]

    def assigned(self) -> list[OfferRow]:
        """Offers of this round that became assignments, in order of acceptance."""
        held = [offer for offer in self.offers.values() if offer.is_assigned]
        return sorted(held, key=lambda offer: offer.accepted_at or offer.offered_at)

    def live_offers(self) -> list[OfferRow]:
        """Offers that can still be accepted."""
        return [offer for offer in self.offers.values() if offer.is_live]

    def is_ours(self, viewer: Viewer) -> bool:
        """Whether the viewer is the resident, lives in the household, or placed it."""
        row = self.row
        at_home = viewer.household_id is not None and viewer.household_id == row["household_id"]
        return viewer.person_id in (row["person_id"], row["placed_by"]) or at_home

    @property
    def is_elsewhere(self) -> bool:
        """Whether another desk than the estate's own branch has it."""
        return self.desk_path != "" and self.desk_path != self.estate_path

    @property
    def is_raised(self) -> bool:
        """Whether it was carried up, to a desk above the estate's own branch."""
        return self.is_elsewhere and self.estate_path.startswith(self.desk_path)

    def reads(self, viewer: Viewer) -> bool:
        """Whether the viewer is of the staff to whom the whole order is open: at the estate, or where it now lies."""
        at_desk = self.is_elsewhere and viewer.may_at("orders:read", self.desk_path)
        return at_desk or viewer.may_at("orders:read", self.estate_path)

    def leads(self, viewer: Viewer) -> bool:
        """Whether it lies on the viewer's desk: a branch's, or the community's to which it was carried up."""
        if viewer.may_at("orders:dispatch", self.desk_path or self.estate_path):
            return True
        return self.is_raised and viewer.may_at("orders:take_over", self.desk_path)

    def visible_to(self, viewer: Viewer) -> bool:
        """Whether the viewer may know of this order at all."""
        mine = self.is_ours(viewer) or viewer.person_id in self.offers
        was = any(offer.volunteer_id == viewer.person_id for offer in self.past)
        return mine or was or self.reads(viewer)

    def may(self, verb: str, viewer: Viewer) -> bool:
        """Whether the viewer is one who may use this verb on this order, whatever its state."""
        own = self.offers.get(viewer.person_id)
        leads = self.leads(viewer)
        match verb:
            case (
                "dispatch"
                | "send_back"
                | "reassign"
                | "call_back"
                | "no_show"
                | "undo"
                | "pause"
                | "extend"
                | "complete_for"
            ):
                return leads or (verb == "dispatch" and viewer.person_id == "system")
            case "transfer":
                return leads or (self.is_elsewhere and viewer.may_at("orders:dispatch", self.estate_path))
            case "resume":
                return leads or self.is_ours(viewer) or viewer.person_id == "system"
            case "take_up":
                return leads or any(
                    viewer.may_at("orders:take_up", path) for path in (self.estate_path, self.desk_path)
                )
            case "cancel":
                early = self.row["state"] in (State.PLACED, State.DISPATCHED, State.ACCEPTED, State.SENT_BACK)
                return leads or (self.is_ours(viewer) and early)
            case "rate" | "resubmit":
                return self.is_ours(viewer)
            case "accept" | "decline":
                return own is not None and not own.is_assigned
            case "withdraw" | "complete":
                return own is not None and own.is_assigned
            case "check_in":
                helps = leads or self.reads(viewer) or self.is_ours(viewer)
                return helps or (own is not None and own.is_assigned)
            case "expire" | "recount":
                return viewer.person_id == "system"
        return False

    def fits(self, verb: str, viewer: Viewer) -> bool:
        """Whether the offers and ratings, beyond the state, allow the verb to this viewer now."""
        own = self.offers.get(viewer.person_id)
        match verb:
            case "accept":
                return own is not None and own.is_live and self.row["accepted_count"] < self.row["volunteers_needed"]
            case "decline":
                return own is not None and own.state == OfferState.OFFERED
            case "withdraw":
                return own is not None and own.state == OfferState.ACCEPTED
            case "complete":
                return own is not None and own.state == OfferState.CHECKED_IN
            case "check_in":
                mine = own is not None and own.state == OfferState.ACCEPTED
                return mine or (own is None and any(o.state == OfferState.ACCEPTED for o in self.offers.values()))
            case "expire":
                return any(o.state == OfferState.OFFERED and not o.is_live for o in self.offers.values())
            case "undo":
                return self.row["accepted_count"] == 0 and bool(self.live_offers())
            case "transfer":
                return not self.row["accepted_count"]
            case "complete_for":
                return any(offer.state == OfferState.CHECKED_IN for offer in self.offers.values())
            case "no_show":
                return any(offer.state == OfferState.ACCEPTED for offer in self.offers.values())
            case "call_back":
                return self.row["state"] == State.COMPLETED or self.row["call_back_due"] is not None
            case "pause" | "extend":
                return not self.paused
            case "resume":
                return self.paused
            case "take_up":
                return self.overdue or self.row["escalated"] > 0
        return True


def offer_view(offer: OfferRow, name: str) -> dict[str, Any]:
    """An offer as the API shows it; one that ran out is called expired from that moment on."""
    lapsed = offer.state == OfferState.OFFERED and not offer.is_live
    state = OfferState.EXPIRED if lapsed else offer.state
    return {"volunteer": {"id": offer.volunteer_id, "name": name}, "state": state, "expires_at": offer.expires_at}


def assignment_view(offer: OfferRow) -> dict[str, Any]:
    """An assignment as the API shows it."""
    return {
        "volunteer": {"id": offer.volunteer_id, "name": offer.volunteer_name},
        "accepted_at": offer.accepted_at,
        "checked_in_at": offer.checked_in_at,
        "completed_at": offer.completed_at,
        "minutes": offer.minutes,
    }


def order_view(order: Order, allowed: Iterable[str], viewer: Viewer) -> dict[str, Any]:
    """An order as the API shows it to this viewer.

    Whoever was merely offered it learns neither the resident's full name nor whom else it was offered to; a resident
    learns the full name of those who accepted.
    """
    row: Mapping[str, Any] = order.row
    own = order.offers.get(viewer.person_id)
    leads = order.reads(viewer)
    close = leads or order.is_ours(viewer) or (own is not None and own.is_assigned)
    offers = [
        offer_view(o, o.volunteer_name if leads or o.is_assigned or o is own else mask_name(o.volunteer_name))
        for o in order.offers.values()
        if leads or o is own or order.is_ours(viewer)
    ]
    shown: Callable[[str], str] = str if close else mask_name
    household = {"id": row["household_id"], "label": row["household_label"]} if row["household_id"] else None
    return {
        "id": row["id"],
        "code": row["code"],
        "state": row["state"],
        "service_item": {"code": row["item_code"], "name": row["item"]["name"]},
        "household": household,
        "person": {"id": row["person_id"], "name": shown(row["person_name"])},
        "note": row["note"],
        "preferred_start": row["preferred_start"],
        "preferred_end": row["preferred_end"],
        "volunteers_needed": row["volunteers_needed"],
        "urgent": row["urgent"],
        "placed_at": row["placed_at"],
        "placed_by": {"id": row["placed_by"], "name": shown(row["placed_by_name"])},
        "due_at": row["due_at"],
        "overdue": order.overdue,
        "paused_at": row["paused_at"] if order.paused else None,
        "offers": offers,
        "assignments": [assignment_view(offer) for offer in order.assigned()] if close else [],
        "rating": {"stars": row["stars"], "comment": row["comment"]} if row["stars"] is not None else None,
        "version": row["version"],
        "allowed_actions": list(allowed),
    }
