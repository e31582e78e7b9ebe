"""Placing an order: who may for whom, what may be wished, and when it falls due."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g
from sqlalchemy.exc import IntegrityError

from community.policies import queries as policies
from core import clock, identity
from core.access import Forbidden, Viewer
from core.database import retryable
from core.idempotency import Pending
from core.ids import digits, new_id
from services.orders import clocks, place_queries
from services.orders.aggregate import Order, own_desk
from services.orders.clock_rules import CLOCKS
from services.orders.models import State
from services.orders.place_queries import Placing
from services.orders.workflow.steps import Answer, Outcome, make

ELDER_AGE = 60


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Origin:
    """The standing order that an order comes from, and who once set that up: whose rights were looked at then."""

    standing_id: str
    placed_by: str
    placed_by_name: str
    placed_as: str


@dataclass(frozen=True)
class Wish:
    """What a resident asks for."""

    item_code: str
    note: str = ""
    person_id: str | None = None
    household_id: str | None = None
    preferred_start: datetime | None = None
    preferred_end: datetime | None = None
    volunteers_needed: int | None = None
    urgent: bool = False
    attention: Sequence[str] = ()
    origin: Origin | None = None
    helper_sex: int = 0


def place(viewer: Viewer, wish: Wish, answer: Answer | None = None) -> Order:
    """Place an order for oneself, or for a household in reach (代点单, recorded as such).

    Raises ``Refused`` for what cannot be ordered, ``Forbidden`` when the viewer may not order for that household.
    """
    found, placed_as = entitled(viewer, wish)
    check_window(wish.preferred_start, wish.preferred_end)
    for attempt in range(5):
        order = _new_order(viewer, found, wish, placed_as)
        try:
            with retryable():
                make(viewer, order, Outcome(State.PLACED, details={"as": placed_as}), answer)
        except IntegrityError as error:
            if "service_order" not in str(error.orig) or attempt == 4:
                raise
            continue
        return order
    raise AssertionError("unreachable")


def entitled(viewer: Viewer, wish: Wish) -> tuple[Placing, str]:
    """Whom a wish is for, and as whom the viewer asks: self, family or staff. Raises ``Refused`` and ``Forbidden``."""
    found = place_queries.find_placing(viewer, wish.item_code, wish.person_id, wish.household_id)
    if found is None or found.moved_out_on is not None:
        field = "person" if wish.person_id else "household" if wish.household_id else "person"
        raise Refused(field, "没有找到这位居民，请从名册里选")
    by_series = wish.origin is not None and viewer.person_id == "system"
    placed_as = wish.origin.placed_as if wish.origin and by_series else _placed_as(viewer, found)
    _check_wish(found, wish, placed_as)
    return found, placed_as


def _placed_as(viewer: Viewer, found: Placing) -> str:
    if found.person_id == viewer.person_id or (viewer.household_id and viewer.household_id == found.household_id):
        return "self"
    if found.helper_id is not None:
        return "family"
    if viewer.may_at("orders:place_for", found.node_path):
        return "staff"
    visible = viewer.may_at("orders:read", found.estate_path)
    if visible:
        raise Forbidden("您现在的身份不能代这户点单")
    raise Refused("person", "没有找到这位居民，请从名册里选")


def _check_wish(found: Placing, wish: Wish, placed_as: str) -> None:
    item = found.item
    if item is None:
        raise Refused("service_item", "小区的服务清单里没有这一项，请重新选")
    if found.household_id is None and placed_as == "self":
        raise Refused("person", "您还没有登记住址，请联系网格员")
    if item["who_may_order"] == "staff" and placed_as != "staff":
        raise Refused("service_item", f"“{item['name']}”由网格员代为点单，请联系网格员")
    born = found.birth_date
    if item["who_may_order"] == "elders" and (born is None or identity.age_on(born, clock.today()) < ELDER_AGE):
        raise Refused("service_item", f"“{item['name']}”只给{ELDER_AGE}岁以上老人，请选其他服务")
    if wish.helper_sex and not item["personal_care"]:
        raise Refused("helper_sex", f"“{item['name']}”不是贴身照护，不用选志愿者是男是女")


def check_window(start: datetime | None, end: datetime | None) -> None:
    """A wished time must lie ahead, within 90 days, and be a day at most. Raises ``Refused``."""
    if start is None and end is None:
        return
    if start is None or end is None:
        raise Refused("preferred_start" if start is None else "preferred_end", "希望的时间要有开始和结束")
    if end <= start:
        raise Refused("preferred_end", "结束时间要晚于开始时间")
    if end <= clock.now():
        raise Refused("preferred_start", "希望的时间已经过去，请另选时间")
    if start > clock.now() + timedelta(days=90):
        raise Refused("preferred_start", "最多提前90天点单")
    if end - start > timedelta(days=1):
        raise Refused("preferred_end", "时间段最长一天，请选具体一点")


def _new_order(viewer: Viewer, found: Placing, wish: Wish, placed_as: str) -> Order:
    now = clock.now()
    item = found.item or {}
    age = identity.age_on(found.birth_date, clock.today()) if found.birth_date else None
    by = wish.origin or Origin("", viewer.person_id, viewer.name, placed_as)
    row = dict.fromkeys(
        ("dispatched_at", "completed_at", "closed_at", "stars", "rated_at", "call_back_due", "solved", "satisfied")
    ) | {
        "id": new_id(), "estate_id": found.estate_id, "desk_id": own_desk(found.estate_path),
        "code": f"{clock.today():%y%m%d}-{digits(6)}",
        "item_code": item["code"], "item": item, "household_id": found.household_id, "building_id": found.building_id,
        "household_label": found.label or "", "person_id": found.person_id, "person_name": found.name,
        "salutation": identity.honorific(found.name, found.sex, age), "placed_by": by.placed_by,
        "placed_by_name": by.placed_by_name, "placed_as": placed_as, "standing_id": by.standing_id or None,
        "door_code": digits(4), "placed_at": now, "note": wish.note, "attention": list(wish.attention),
        "preferred_start": wish.preferred_start, "preferred_end": wish.preferred_end,
        "volunteers_needed": wish.volunteers_needed or item["volunteers_needed"],
        "accepted_count": 0, "urgent": wish.urgent, "helper_sex": wish.helper_sex, "minutes": 0, "comment": "",
        "reopened": 0, "updated_at": now,
    }  # fmt: skip
    sessions = clocks.sessions_of(policies.read(CLOCKS, found.rules))
    row |= clocks.begun(item, wish.preferred_end, wish.urgent, now, sessions)
    return Order({**row, "state": State.PLACED, "version": 1}, found.estate_path)


def place_once(viewer: Viewer, wish: Wish, token: str) -> str:
    """The id of the order of this form, placed when it was not yet: one to a ``token`` and account within 24 hours.

    Raises what ``place`` raises.
    """
    key = f"form:{token}"
    before = place_queries.find_placed(viewer, key)
    if before is not None:
        return before
    g.idempotency = Pending(viewer.account_id, key, hashlib.sha256(key.encode()).hexdigest())
    try:
        placed: str = place(viewer, wish, lambda order, _allowed: str(order.row["id"])).row["id"]
    except IntegrityError:
        # The same form, sent twice at the same moment: the other one was first.
        first = place_queries.find_placed(viewer, key)
        if first is None:
            raise
        return first
    return placed
