"""Figures counted again from the raw rows with plain loops: another route than any statement of the product."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from community.grid.models import Building, Estate, Household, Person
from core import clock
from core.database import db
from core.reports import Value
from services.orders.models import Offer, ServiceOrder
from volunteers.hours.models import HourEntry
from volunteers.hours.stars import USUAL
from volunteers.registry.models import Volunteer

LIMIT, AGAIN = timedelta(hours=2), timedelta(days=30)
GONE = ("cancelled", "sent_back")


@dataclass
class Rows:
    """All there is, read once, each with where its estate stands now."""

    orders: Sequence[tuple[ServiceOrder, str]]
    entries: Sequence[tuple[HourEntry, str]]
    items: dict[str, str]
    accepted: dict[str, Any]

    @classmethod
    def read(cls) -> Rows:
        """The rows of the database."""
        orders = [(o, path) for o, path in db.session.execute(_standing(ServiceOrder))]
        entries = [(e, path) for e, path in db.session.execute(_standing(HourEntry))]
        accepted: dict[str, Any] = {}
        rounds = {order.id: order.reopened for order, _ in orders}
        for offer in db.session.scalars(select(Offer).where(Offer.accepted_at.is_not(None))):
            if offer.round == rounds[offer.order_id]:
                accepted[offer.order_id] = min(offer.accepted_at, accepted.get(offer.order_id, offer.accepted_at))
        return cls(orders, entries, {order.id: order.item_code for order, _ in orders}, accepted)

    def orders_of(self, path: str, first: date, last: date) -> dict[str, list[ServiceOrder]]:
        """Orders placed in a period below a path, by every key of every cut, as {cut=key}."""
        found: dict[str, list[ServiceOrder]] = defaultdict(list)
        for order, stands in self.orders:
            day = clock.local(order.placed_at).date()
            if stands.startswith(path) and first <= day <= last:
                for key in _keys(path, stands, order.estate_id, day, order.item_code):
                    found[key].append(order)
        return found

    def entries_of(self, path: str, first: date, last: date) -> dict[str, list[HourEntry]]:
        """Entries of hours by the day of service, in the same way."""
        found: dict[str, list[HourEntry]] = defaultdict(list)
        for entry, stands in self.entries:
            day = clock.local(entry.starts_at).date()
            if stands.startswith(path) and first <= day <= last:
                item = self.items[entry.order_id] if entry.order_id else "other"
                for key in _keys(path, stands, entry.estate_id, day, item):
                    found[key].append(entry)
        return found

    def figures(self, path: str, first: date, last: date, cut: str = "total") -> dict[str, dict[str, Value]]:
        """Every measure of orders, durations, hours and active people, by key of a cut."""
        orders, entries = self.orders_of(path, first, last), self.entries_of(path, first, last)
        keys = sorted(key for key in {*orders, *entries} if key.startswith(cut + "="))
        return {key.partition("=")[2]: self._figures(orders.get(key, []), entries.get(key, [])) for key in keys}

    def _figures(self, orders: Sequence[ServiceOrder], entries: Sequence[HourEntry]) -> dict[str, Value]:
        found = {f"orders.{name}": value for name, value in self._orders(orders).items()}
        found |= {f"orders.{name}": value for name, value in self._durations(orders).items()}
        theirs = {e.order_id for e in entries}
        served = [o for o, _ in self.orders if o.id in theirs]
        return found | {
            "hours.minutes": Value(sum(e.minutes for e in entries)),
            "hours.services": Value(sum(1 if e.minutes > 0 else -1 for e in entries)),
            "volunteers.active": Value(len({e.volunteer_id for e in entries})),
            "residents.served": Value(len({o.person_id for o in served})),
            "households.served": Value(len({o.household_id for o in served if o.household_id})),
        }

    def _orders(self, orders: Sequence[ServiceOrder]) -> dict[str, Value]:
        now = clock.now()
        done = [o for o in orders if o.completed_at is not None]
        heard = [o for o in orders if o.dispatched_at or (now - o.placed_at > LIMIT and o.state not in GONE)]
        answers = [o.satisfied if o.satisfied is not None else o.stars for o in orders]
        answers = [a for a in answers if a is not None]
        states = [o.state for o in orders]
        return {
            "placed": Value(len(orders)),
            "dispatched": Value(sum(o.dispatched_at is not None for o in orders)),
            "accepted": Value(sum(o.accepted_count > 0 or o.completed_at is not None for o in orders)),
            "completed": Value(len(done)),
            "closed": Value(states.count("closed")),
            "cancelled": Value(states.count("cancelled")),
            "sent_back": Value(states.count("sent_back")),
            "unreachable": Value(sum(o.solved is not None and o.satisfied is None and o.stars is None for o in orders)),
            "reopened": Value(sum(o.reopened for o in orders)),
            "repeated": Value(sum(self._is_again(o) for o in orders)),
            "on_time": Value.of_rate(
                sum(o.completed_at is not None and o.completed_at <= o.due_at and o.missed_at is None for o in done),
                sum(o.completed_at is not None or (o.due_at < now and o.state not in GONE) for o in orders),
            ),
            "response": Value.of_rate(
                sum(o.dispatched_at is not None and o.dispatched_at - o.placed_at <= LIMIT for o in orders), len(heard)
            ),
            "resolution": Value.of_rate(
                sum(o.solved is True for o in orders), sum(o.solved is not None for o in orders)
            ),
            "satisfaction": Value.of_rate(sum(a >= 4 for a in answers), len(answers)),
        }

    def _is_again(self, order: ServiceOrder) -> bool:
        return any(
            o.household_id == order.household_id
            and o.item_code == order.item_code
            and order.placed_at - AGAIN <= o.placed_at < order.placed_at
            for o, _ in self.orders
        )

    def _durations(self, orders: Sequence[ServiceOrder]) -> dict[str, Value]:
        ends = {
            "to_dispatch": {o.id: o.dispatched_at for o in orders},
            "to_accept": self.accepted,
            "to_complete": {o.id: o.completed_at for o in orders},
        }
        found = {}
        for step, at in ends.items():
            waits = sorted((end - o.placed_at).total_seconds() / 60 for o in orders if (end := at.get(o.id)))
            for suffix, share in (("", 0.5), ("_90", 0.9)):
                found[step + suffix] = Value(waits[math.ceil(share * len(waits)) - 1] if waits else None)
        return found


def _standing(model: Any) -> Any:
    return select(model, Estate.path).join(Estate, Estate.id == model.estate_id)


def _keys(path: str, stands: str, estate_id: str, day: date, item: str) -> Iterable[str]:
    week = day - timedelta(days=day.weekday())
    child = stands.removeprefix(path).partition("/")[0]
    return ("total=", f"unit={child}", f"estate={estate_id}", f"month={day:%Y-%m}", f"week={week.isoformat()}",
            f"day={day.isoformat()}", f"item={item}")  # fmt: skip


def of_people(path: str, first: date, last: date) -> dict[str, int]:
    """The register and the roll."""
    found: dict[str, int] = defaultdict(int)
    stands = {e.id: e.path for e in db.session.scalars(select(Estate))}
    inside = {id_ for id_, at in stands.items() if at.startswith(path)}
    for v in db.session.scalars(select(Volunteer)):
        if v.estate_id in inside:
            found["volunteers.registered"] += v.joined_on <= last and (v.left_on is None or v.left_on > last)
            found["volunteers.joined"] += first <= v.joined_on <= last
            found["volunteers.left"] += v.left_on is not None and first <= v.left_on <= last
            given = db.session.scalars(select(HourEntry.minutes).where(HourEntry.volunteer_id == v.person_id))
            is_in = v.left_on is None or v.left_on > clock.today()
            found["volunteers.starred"] += is_in and USUAL.level(sum(given)) > 0
    for p in db.session.scalars(select(Person)):
        if p.household_id and p.estate_id in inside:
            here = p.moved_out_on is None or p.moved_out_on > last
            found["grid.residents"] += here and clock.local(p.created_at).date() <= last
    for name, model in (("households", Household), ("buildings", Building)):
        found[f"grid.{name}"] = sum(id_ in inside for id_ in db.session.scalars(select(model.estate_id)))
    return found


def same(name: str, drawn: Value | None, right: Value | None) -> bool:
    """Whether a drawn figure is the right one: a duration to five per cent; nothing counted and nothing drawn are both
    nothing."""
    got, want = drawn or Value(), right or Value()
    if name.startswith("orders.to_"):
        if got.amount is None or want.amount is None:
            return got.amount is want.amount
        return bool(got.amount == pytest.approx(want.amount, rel=0.05, abs=0.1))
    pairs = ((got.amount, want.amount), (got.numerator, want.numerator), (got.denominator, want.denominator))
    return all((a or 0) == (b or 0) for a, b in pairs)
