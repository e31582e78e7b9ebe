"""One made-up order, told step by step into the rows that the workflow would have written for it.

A step later than the present is not told: the story stops there, with the order in the state it has reached by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from core import audit, clock, identity
from core.audit import Subject
from core.ids import new_id
from core.outbox import Draft
from services.orders import clock_messages, clocks
from services.orders import messages as say
from services.orders.aggregate import LOW_STARS, OFFER_FIELDS, ORDER_FIELDS, OfferRow, Order, own_desk
from services.orders.clocks import Mark
from services.orders.models import OfferState, State
from services.orders.workflow.verbs import CALL_BACK_AFTER
from volunteers.hours.workflow import Origin, is_late

TOLD_SINCE = timedelta(days=6)
"""How far back the inboxes of the demo go."""
READ_AFTER = timedelta(hours=20)


class NotYet(Exception):
    """The next step lies in the future."""


@dataclass(frozen=True)
class Someone:
    """A person as stories need them."""

    id: str
    name: str
    household_id: str | None = None
    building_id: str | None = None
    label: str = ""
    sex: int = 0
    birth_date: date | None = None
    skills: frozenset[str] = frozenset()

    def age_on(self, day: date) -> int | None:
        """Full years on a day, when the birth date is known."""
        return identity.age_on(self.birth_date, day) if self.birth_date else None


@dataclass
class Cast:
    """An estate with those who appear in its stories. ``inboxes``: whose messages are kept."""

    estate_id: str
    estate_name: str
    estate_path: str
    secretary: Someone
    worker: Someone
    residents: Sequence[Someone]
    volunteers: Sequence[Someone]
    items: dict[str, dict[str, Any]]
    family: dict[str, Someone] = field(default_factory=dict)
    inboxes: frozenset[str] = frozenset()
    busy: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)

    def origin(self, place: str, source: str, source_id: str | None = None) -> dict[str, Any]:
        """What the ledger keeps of a service besides hours: where it was, the branch, and its secretary in charge."""
        body_id = own_desk(self.estate_path)
        return Origin(
            place, body_id, f"{self.estate_name}党支部", self.secretary.id, self.secretary.name, source, source_id
        ).columns()

    def keep_free(self, volunteer_id: str, start: datetime, minutes: int) -> bool:
        """Put a service into a volunteer's diary, unless it meets another: the same hour is never credited twice."""
        end = start + timedelta(minutes=minutes)
        diary = self.busy.setdefault(volunteer_id, [])
        if any(start < held[1] and held[0] < end for held in diary):
            return False
        diary.append((start, end))
        return True


@dataclass
class Rows:
    """What stories amount to, by table."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    hours: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    more: list[tuple[Any, list[dict[str, Any]]]] = field(default_factory=list)
    """Rows of further tables, in the order in which they can be written."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for in an order."""

    person: Someone
    item: str
    note: str
    at: datetime
    placed_as: str = "self"
    start: datetime | None = None
    end: datetime | None = None
    urgent: bool = False
    needed: int = 1
    attention: tuple[str, ...] = ()
    helper_sex: int = 0


class Story:
    """An order on its way. Each verb takes the moment of the step; ``NotYet`` ends the story."""

    def __init__(self, cast: Cast, rows: Rows, rng: Random, wanted: Wanted) -> None:
        self._cast, self._rows, self._now = cast, rows, clock.now()
        if wanted.at > self._now:
            raise NotYet
        row, leaders = _order_row(cast, rng, wanted), (cast.secretary.id,)
        self.order = Order(row, cast.estate_path, cast.estate_name, leaders=leaders)
        self._all: list[OfferRow] = []
        by = Someone(self.order.placed_by, self.order.placed_by_name)
        self._step(by, "place", wanted.at, State.PLACED, details={"as": wanted.placed_as})
        rows.orders.append(self.order.row)

    def dispatch(self, volunteers: Sequence[Someone], at: datetime, *, is_open: bool = False) -> None:
        """Offer it to volunteers."""
        self._check(at)
        order = self.order
        expires = at + timedelta(minutes=order.item["offer_minutes"])
        for who in volunteers:
            offer = OfferRow(who.id, order.reopened, who.name, OfferState.OFFERED, is_open, [], at, expires)
            order.offers[who.id] = offer
            self._all.append(offer)
            self._rows.offers.append({"order_id": order.id, "estate_id": order.estate_id, "row": offer})
        order.row["dispatched_at"] = order.dispatched_at or at
        told = say.offered(order, [who.id for who in volunteers], is_open)
        details = {"volunteers": [who.name for who in volunteers], "open": is_open}
        self._step(self._cast.secretary, "dispatch", at, State.DISPATCHED, told, details=details)

    def accept(self, who: Someone, at: datetime) -> None:
        """Accept; the last place lapses the other offers."""
        self._check(at)
        order, offer = self.order, self.order.offers[who.id]
        offer.state, offer.accepted_at = OfferState.ACCEPTED, at
        order.row["accepted_count"] += 1
        full = order.accepted_count >= order.volunteers_needed
        if full:
            self._lapse()
        self._step(who, "accept", at, State.ACCEPTED if full else State.DISPATCHED, say.accepted(order, who.name))

    def decline(self, who: Someone, at: datetime, reason: str) -> None:
        """Decline with a reason; the order returns to the queue when nobody else can answer."""
        self._check(at)
        offer = self.order.offers[who.id]
        offer.state, offer.reason = OfferState.DECLINED, reason
        waiting = any(o.state == OfferState.OFFERED for o in self.order.offers.values())
        told = () if waiting else say.back_in_queue(self.order, self.order.leaders, f"{who.name}婉拒：{reason}")
        self._step(who, "decline", at, State.DISPATCHED if waiting else State.PLACED, told, reason)

    def expire(self) -> datetime:
        """Let all open offers run out; the moment at which that was noticed."""
        at = max(o.expires_at for o in self.order.offers.values()) + timedelta(minutes=1)
        self._check(at)
        self._turn(OfferState.OFFERED, OfferState.EXPIRED)
        self._step(Someone("system", "系统"), "expire", at, State.PLACED)
        return at

    def leave(self, who: Someone, at: datetime, reason: str, *, no_show: bool = False) -> None:
        """Give an accepted order back, or be recorded as not having come."""
        self._check(at)
        offer = self.order.offers[who.id]
        offer.state, offer.reason = OfferState.NO_SHOW if no_show else OfferState.WITHDRAWN, reason
        self.order.row["accepted_count"] -= 1
        actor = self._cast.secretary if no_show else who
        told = say.looking_again(self.order, reason) + say.back_in_queue(self.order, self.order.leaders, reason)
        verb = "no_show" if no_show else "withdraw"
        self._step(actor, verb, at, State.PLACED, told, reason, {"volunteer": who.name})

    def check_in(self, who: Someone, at: datetime) -> None:
        """Begin the service."""
        self._check(at)
        offer = self.order.offers[who.id]
        offer.state, offer.checked_in_at = OfferState.CHECKED_IN, at
        self._step(who, "check_in", at, State.IN_SERVICE)

    def complete(self, who: Someone, at: datetime, minutes: int, note: str) -> None:
        """End the service and credit the minutes."""
        self._check(at)
        order, offer = self.order, self.order.offers[who.id]
        assert offer.checked_in_at is not None
        offer.state, offer.completed_at, offer.minutes = OfferState.COMPLETED, at, minutes
        order.row["minutes"] += minutes
        entry = hour_entry(who.id, order.estate_id, offer.checked_in_at, at, minutes, order.item["name"], note, who.id)
        place = self._cast.estate_name + order.household_label.rstrip("0123456789-")
        origin = self._cast.origin(place, "order", order.id)
        self._rows.hours.append(entry | {"order_id": order.id} | origin)
        details = {"minutes": minutes, "note": note}
        if any(o.is_assigned and o.state != OfferState.COMPLETED for o in order.offers.values()):
            self._step(who, "complete", at, State.IN_SERVICE, details=details)
            return
        order.row.update(completed_at=at, call_back_due=at + CALL_BACK_AFTER)
        self._step(who, "complete", at, State.COMPLETED, say.completed(order), details=details)

    def rate(self, at: datetime, stars: int, comment: str) -> None:
        """Rate, which closes it; a low rating asks for a call-back."""
        self._check(at)
        low = stars <= LOW_STARS
        order = self.order
        order.row.update(stars=stars, comment=comment, rated_at=at, closed_at=at, call_back_due=at if low else None)
        told = say.thanked(order, [offer.volunteer_id for offer in order.assigned()])
        told += say.low_rating(order, order.leaders) if low else []
        by = Someone(order.placed_by, order.placed_by_name) if order.placed_as == "family" else None
        by = by or Someone(order.person_id, order.person_name)
        self._step(by, "rate", at, State.CLOSED, told, details={"stars": stars, "comment": comment})

    def call_back(self, at: datetime, solved: bool, satisfied: int | None, note: str) -> None:
        """Ring up; what was not solved is opened again."""
        self._check(at)
        order = self.order
        order.row.update(solved=solved, satisfied=satisfied, call_back_due=None)
        details = {"solved": solved, "satisfied": satisfied, "note": note}
        if solved:
            order.row["closed_at"] = order.closed_at or at
        else:
            order.offers = {}
            order.row.update(
                reopened=order.reopened + 1, accepted_count=0, completed_at=None, closed_at=None, stars=None,
                comment="", rated_at=None, dispatched_at=None, **clocks.begun(order.item, None, order.urgent, at),
            )  # fmt: skip
        to_state = State.CLOSED if solved else State.PLACED
        self._step(self._cast.secretary, "call_back", at, to_state, say.called_back(order, solved), details=details)

    def cancel(self, at: datetime, reason: str) -> None:
        """Cancel by the resident."""
        self._check(at)
        self._lapse()
        self._turn(OfferState.ACCEPTED, OfferState.WITHDRAWN)
        self.order.row["accepted_count"] = sum(o.is_assigned for o in self.order.offers.values())
        by = Someone(self.order.placed_by, self.order.placed_by_name)
        self._step(by, "cancel", at, State.CANCELLED, say.cancelled(self.order, "您", reason), reason)

    def send_back(self, at: datetime, reason: str) -> None:
        """Return it to the resident."""
        self._check(at)
        told = say.sent_back(self.order, reason)
        self._step(self._cast.secretary, "send_back", at, State.SENT_BACK, told, reason)

    def resubmit(self, at: datetime, note: str) -> None:
        """Hand it in again, mended; its deadline runs anew."""
        self._check(at)
        self.order.row.update(note=note, **clocks.begun(self.order.item, None, self.order.urgent, at))
        self._step(Someone(self.order.placed_by, self.order.placed_by_name), "resubmit", at, State.PLACED)

    def pause(self, at: datetime, days: int, reason: str) -> None:
        """Wait for the resident."""
        self._check(at)
        until, secretary = at + timedelta(days=days), self._cast.secretary
        self._mark(Mark("pause", at, secretary.name, reason, until))
        told = clock_messages.paused(self.order, reason, until)
        self._step(secretary, "pause", at, State(self.order.state), told, reason, {"until": until.isoformat()})

    def extend(self, at: datetime, minutes: int, reason: str) -> None:
        """Move the deadline."""
        self._check(at)
        before, secretary = self.order.due_at.isoformat(), self._cast.secretary
        self._mark(Mark("extend", at, secretary.name, reason, minutes=minutes))
        helpers = [offer.volunteer_id for offer in self.order.assigned()]
        told = clock_messages.extended(self.order, helpers, reason)
        details = {"due_before": before, "due": self.order.due_at.isoformat()}
        self._step(secretary, "extend", at, State(self.order.state), told, reason, details)

    def _mark(self, mark: Mark) -> None:
        found = clocks.of_order(self.order.row).marked(mark)
        self.order.row.update(clocks.columns(found, self.order.reminded, mark.at))

    def ring(self, at: datetime, verb: str, details: dict[str, Any], messages: Sequence[Draft] = ()) -> None:
        """An alarm was heard: somebody was told."""
        self._check(at)
        subject = Subject("order", self.order.id, self.order.estate_id)
        self._rows.events.append(audit.event_values("system", "系统", verb, subject, details=details, at=at))
        self._tell(messages, at, "system")

    def _lapse(self) -> None:
        self._turn(OfferState.OFFERED, OfferState.LAPSED)

    def _turn(self, before: OfferState, after: OfferState) -> None:
        """Tell of every offer in one state that it came to another."""
        for person, offer in self.order.offers.items():
            if offer.state == before:
                self.order.offers[person] = replace(offer, state=after)

    def _check(self, at: datetime) -> None:
        if at > self._now:
            raise NotYet

    def _step(
        self, actor: Someone, verb: str, at: datetime, to_state: State, messages: Sequence[Draft] = (),
        reason: str = "", details: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        order = self.order
        before = None if verb == "place" else order.state
        order.row.update(state=to_state, version=order.version + 1, updated_at=at)
        subject = Subject("order", order.id, order.estate_id)
        self._rows.events.append(
            audit.event_values(actor.id, actor.name, verb, subject, from_state=before, to_state=to_state, reason=reason,
                               details=details, at=at)
        )  # fmt: skip
        self._tell(messages, at, actor.id)

    def _tell(self, messages: Sequence[Draft], at: datetime, by: str) -> None:
        if self._now - at < TOLD_SINCE:
            self._rows.messages += [
                _message(self.order.estate_id, draft, at, self._now)
                for draft in messages
                if draft.recipient_id in self._cast.inboxes and draft.recipient_id != by
            ]


def _order_row(cast: Cast, rng: Random, wanted: Wanted) -> dict[str, Any]:
    item, who, at = cast.items[wanted.item], wanted.person, wanted.at
    by = {"staff": cast.worker, "family": cast.family.get(who.household_id or "", who)}.get(wanted.placed_as, who)
    code = ""
    while not code or code in cast.codes:
        code = f"{clock.local(at):%y%m%d}-{rng.randrange(10**6):06d}"
    cast.codes.add(code)
    return dict.fromkeys(ORDER_FIELDS) | {
        "id": new_id(), "estate_id": cast.estate_id, "desk_id": own_desk(cast.estate_path), "code": code,
        "state": "", "version": 0, "item_code": wanted.item,
        "item": item, "household_id": who.household_id, "building_id": who.building_id, "household_label": who.label,
        "person_id": who.id, "person_name": who.name,
        "salutation": identity.honorific(who.name, who.sex, who.age_on(clock.local(at).date())), "placed_by": by.id,
        "placed_by_name": by.name, "placed_as": wanted.placed_as, "door_code": f"{rng.randrange(10**4):04d}",
        "placed_at": at, "note": wanted.note, "attention": list(wanted.attention), "preferred_start": wanted.start,
        "preferred_end": wanted.end, "volunteers_needed": wanted.needed, "accepted_count": 0, "urgent": wanted.urgent,
        "helper_sex": wanted.helper_sex,
        "minutes": 0, "comment": "", "reopened": 0, "updated_at": at,
    } | clocks.begun(item, wanted.end, wanted.urgent, at)  # fmt: skip


def hour_entry(
    volunteer_id: str, estate_id: str, start: datetime, end: datetime, minutes: int, content: str, note: str, by: str,
) -> dict[str, Any]:  # fmt: skip
    """Minutes given, recorded when they were over."""
    return {
        "id": new_id(), "volunteer_id": volunteer_id, "estate_id": estate_id, "order_id": None, "starts_at": start,
        "ends_at": end, "minutes": minutes, "content": content, "note": note, "reverses_id": None, "corrects_id": None,
        "recorded_at": end, "recorded_by": by, "recorded_late": is_late(start, end), **Origin().columns(),
    }  # fmt: skip


def _message(estate_id: str, draft: Draft, at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "recipient_id": draft.recipient_id, "estate_id": estate_id, "kind": draft.kind,
        "title": draft.title[:120], "body": draft.body, "link": draft.link, "sms": draft.sms, "urgent": draft.urgent,
        "matter": draft.matter, "created_at": at,
        "read_at": at + timedelta(minutes=20) if now - at > READ_AFTER else None, "state": "sent",
    }  # fmt: skip


def offer_row(entry: dict[str, Any]) -> dict[str, Any]:
    """The columns of an offer as it stands when the stories are over."""
    offer: OfferRow = entry["row"]
    return {"order_id": entry["order_id"], "estate_id": entry["estate_id"]} | {
        name: getattr(offer, name) for name in OFFER_FIELDS
    }
