"""What is agreed: setting a series up, changing it, and naming the volunteers who come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import g
from sqlalchemy.exc import IntegrityError

from community.policies.queries import of
from core import clock
from core.access import Viewer
from core.idempotency import Pending
from core.ids import new_id
from core.outbox import Draft
from services.orders.place_queries import Placing, find_placed
from services.orders.workflow import Refused, Wish, entitled
from services.standing import messages as say
from services.standing import people, queries
from services.standing.aggregate import FIELDS, ROLES, Series, terms_of
from services.standing.models import HelperState, StandingState
from services.standing.plan import upcoming
from services.standing.recurrence import Pattern, days, last_of
from services.standing.rules import STANDING as RULES
from services.standing.workflow.settling import Settled, settle
from services.standing.workflow.steps import Answer, apply, held

SOONEST_WITHIN = timedelta(days=400)
LATEST_START = timedelta(days=366)
LONGEST = timedelta(days=366 * 5)


@dataclass(frozen=True)
class Agreement:
    """What a form asks for. ``times`` outweighs ``until``; without either the series goes on until it is ended."""

    item_code: str
    person_id: str
    pattern: Pattern
    starts_on: date
    start_minute: int
    end_minute: int
    until: date | None = None
    times: int | None = None
    holidays: str = "skip"
    note: str = ""
    attention: Sequence[str] = ()
    steady_id: str | None = None
    standin_id: str | None = None

    def row(self) -> dict[str, Any]:
        """The columns that it decides."""
        return {
            "item_code": self.item_code, "note": self.note, "attention": list(self.attention),
            "pattern": self.pattern.data(), "starts_on": self.starts_on, "until": self.last_day, "times": self.times,
            "start_minute": self.start_minute, "end_minute": self.end_minute, "holidays": self.holidays,
        }  # fmt: skip

    @property
    def last_day(self) -> date | None:
        """The last day, found by counting when a number of times was asked for."""
        return last_of(self.pattern, self.starts_on, self.times) if self.times else self.until


def check(agreement: Agreement, before: Series | None = None, days_ahead: int = 7) -> None:
    """Raises ``Refused`` for days that do not go: in the past, the end before the start, never, or all skipped."""
    _check_start(agreement, before, days_ahead)
    until = agreement.last_day
    if agreement.times and until is None:
        raise Refused("times", "这么多次要排到十二年以后，请减少次数，或改为一直做下去")
    if until is not None and until < agreement.starts_on:
        raise Refused("until", "结束那天要在开始那天之后，请改结束日期")
    if until is not None and until > agreement.starts_on + LONGEST:
        raise Refused("times" if agreement.times else "until", "最多排五年，请把结束日期改早一点，或改为一直做下去")
    first = max(agreement.starts_on, clock.today())
    last = min(until or date.max, first + SOONEST_WITHIN)
    if not days(agreement.pattern, agreement.starts_on, first, last):
        ends = "到结束那天为止" if until is not None and until <= last else "一年里"
        raise Refused("every", f"照这样定（{agreement.pattern.told()}），{ends}一次也轮不到，请改日子或结束日期")
    pause = {"pause_from": None, "pause_until": None}
    coming = upcoming(terms_of(agreement.row() | pause), 60, first)
    if coming and all(occurrence.skipped for occurrence in coming):
        raise Refused("holidays", f"这些日子都轮空（{coming[0].skipped}），请改日子，或改“遇到放假”怎么办")


def _check_start(agreement: Agreement, before: Series | None, days_ahead: int) -> None:
    today, start = clock.today(), agreement.starts_on
    if before is not None and start == before.starts_on:
        return
    if start < today:
        raise Refused("starts_on", "开始日期要在今天或以后")
    started = before is not None and before.starts_on <= today
    if started and start > today + timedelta(days=days_ahead + 1):
        raise Refused("starts_on", f"已经开始的定期服务，新安排最晚从{days_ahead + 1}天后开始；要停一阵请用“暂停”")
    if start > today + LATEST_START:
        raise Refused("starts_on", "开始日期最远到一年以后")


def _named(
    viewer: Viewer, found: Placing, agreement: Agreement, before: Series | None, asks: bool
) -> tuple[dict[str, Any], list[str]]:
    """The columns of the volunteers named, and the roles of those who have to be asked now (``asks``) or later."""
    wanted = {"steady": agreement.steady_id or None, "standin": agreement.standin_id or None}
    row: dict[str, Any] = {f"{role}_{part}": None if part == "id" else "" for role in ROLES for part in
                           ("id", "name", "state")}  # fmt: skip
    if not any(wanted.values()):
        return row, []
    if wanted["steady"] == wanted["standin"]:
        raise Refused("standin", "固定志愿者和替补要是两个人")
    known = {choice.person_id: choice.name for choice in people.list_choices(viewer, found)}
    held_before = {h.role: h for h in before.helpers} if before is not None else {}
    new = []
    for role, person_id in wanted.items():
        if person_id is None:
            continue
        old = held_before.get(role)
        if old is not None and old.volunteer_id == person_id and old.state in ("named", "asked", "agreed"):
            row |= {f"{role}_id": person_id, f"{role}_name": old.name, f"{role}_state": old.state}
            continue
        if person_id not in known:
            raise Refused(role, "这位志愿者现在不能请，请另选一位")
        state = HelperState.ASKED if asks else HelperState.NAMED
        row |= {f"{role}_id": person_id, f"{role}_name": known[person_id], f"{role}_state": state}
        new.append(role)
    return row, new


def set_up(viewer: Viewer, agreement: Agreement, answer: Answer | None = None) -> Series:
    """Set up a series for oneself, one's home, a family that named one, or as staff for a household in reach.

    What a resident asks for waits for the branch, when the estate wants it so. Raises ``Refused`` and ``Forbidden``.
    """
    found, placed_as = entitled(viewer, Wish(agreement.item_code, person_id=agreement.person_id))
    rules = of(RULES, found.estate_id).values
    check(agreement)
    if placed_as != "staff" and queries.count_open(found.household_id) >= rules["per_home"]:
        raise Refused("person", f"您家已有{rules['per_home']}个定期服务，请先结束一个，或请支部代定")
    waits = placed_as != "staff" and rules["approve"]
    helpers, asked = _named(viewer, found, agreement, None, not waits)
    now, today, item = clock.now(), clock.today(), found.item or {}
    row = dict.fromkeys(FIELDS) | agreement.row() | helpers | {
        "id": new_id(), "estate_id": found.estate_id, "state": "", "version": 1, "person_id": found.person_id,
        "item_name": item["name"], "settle_from": today, "due_on": today, "placed_by": viewer.person_id,
        "placed_by_name": viewer.name, "placed_as": placed_as, "created_at": now, "updated_at": now,
    }  # fmt: skip
    series = queries.fresh(row, found)
    state = StandingState.PROPOSED if waits else StandingState.ACTIVE

    def tell(series: Series) -> list[Draft]:
        named = [helper for helper in series.helpers if helper.role in asked]
        return say.proposed(series, series.leaders) if waits else say.asked(series, named)

    details = {"told": series.told, "item": series.item_name, "as": placed_as}
    apply(viewer, "set_up_series", series, state, tell=tell, details=details, answer=answer)
    return series


def set_up_once(viewer: Viewer, agreement: Agreement, token: str) -> str:
    """The id of the series of this form, set up when it was not yet. Raises what ``set_up`` raises."""
    key = f"series:{token}"
    before = find_placed(viewer, key)
    if before is not None:
        return before
    g.idempotency = Pending(viewer.account_id, key, hashlib.sha256(key.encode()).hexdigest())
    try:
        return str(set_up(viewer, agreement, lambda series: str(series.id)).id)
    except IntegrityError:
        # The same form, sent twice at the same moment: the other one was first.
        first = find_placed(viewer, key)
        if first is None:
            raise
        return first


def change(viewer: Viewer, standing_id: str, agreement: Agreement, version: int) -> tuple[Series, Settled]:
    """Another arrangement from now on. Orders that nobody has taken follow it, those taken stay as they are.

    Whoever had agreed to come at another time is asked anew. Raises ``Refused``, ``Forbidden``, ``Stale``.
    """
    with held(viewer, standing_id, version) as series:
        found, placed_as = entitled(viewer, Wish(agreement.item_code, person_id=series.person_id))
        rules = of(RULES, series.estate_id).values
        check(agreement, series, rules["days_ahead"])
        new = agreement.row()
        moved = any(new[name] != series.row[name] for name in WHEN)
        more = moved or new["item_code"] != series.item_code or new["until"] != series.until
        waits = more and placed_as != "staff" and rules["approve"]
        state = StandingState.PROPOSED if waits or series.state == StandingState.PROPOSED else series.state
        helpers, asked = _named(viewer, found, agreement, series, state != StandingState.PROPOSED)
        gone = [h for h in series.helpers if h.state in ("asked", "agreed") and h.volunteer_id not in helpers.values()]
        if moved:
            asked += _ask_again(helpers, state)
        started = series.starts_on <= clock.today()
        settle_from = new["starts_on"] if started and new["starts_on"] != series.starts_on else clock.today()
        before, was = series.told, series.row["state"]
        details = {"told": [before, terms_of(series.row | new).told()], "state": [was, state]}
        changes = new | helpers | {"item_name": (found.item or {})["name"], "due_on": clock.today(),
                                   "settle_from": max(settle_from, series.settle_from)}  # fmt: skip
        series.row.update(changes)
        settled = settle(series, "定期服务改了日子，这一次重新安排")
        kept = [visit.held_on for visit in settled.kept]

        def tell(series: Series) -> list[Draft]:
            again = [helper for helper in series.helpers if helper.role in asked]
            told = say.changed(series, viewer.name, kept) + say.released(series, gone, "支部或居民另请了人")
            asked_now = say.asked(series, again, moved) if state != StandingState.PROPOSED else []
            return told + asked_now + (say.proposed(series, series.leaders) if waits else [])

        apply(viewer, "change_series", series, state, changes, tell=tell, details=details)
    return series, settled


WHEN = ("pattern", "start_minute", "end_minute")


def _ask_again(helpers: dict[str, Any], state: str) -> list[str]:
    """Nobody is bound to days to which they did not agree."""
    roles = [role for role in ROLES if helpers[f"{role}_state"] == HelperState.AGREED]
    for role in roles:
        asks = state != StandingState.PROPOSED
        helpers[f"{role}_state"] = HelperState.ASKED if asks else HelperState.NAMED
    return roles


def approve(
    viewer: Viewer, standing_id: str, steady_id: str | None, standin_id: str | None, version: int | None
) -> Series:
    """The branch agrees, and may name who comes. Raises ``Refused``, ``Stale``."""
    with held(viewer, standing_id, version, orders=False) as series:
        found, _ = entitled(viewer, Wish(series.item_code, person_id=series.person_id))
        helpers, _ = _named(viewer, found, _as_agreed(series, steady_id, standin_id), series, True)
        for role in ROLES:
            if helpers[f"{role}_state"] == HelperState.NAMED:
                helpers[f"{role}_state"] = HelperState.ASKED
        before = {helper.volunteer_id for helper in series.helpers if helper.state != HelperState.NAMED}

        def tell(series: Series) -> list[Draft]:
            new = [h for h in series.helpers if h.state == HelperState.ASKED and h.volunteer_id not in before]
            return say.approved(series) + say.asked(series, new)

        pauses = series.pause_from is not None and (series.pause_until or date.max) >= clock.today()
        state = StandingState.PAUSED if pauses else StandingState.ACTIVE
        apply(viewer, "approve_series", series, state, helpers | {"due_on": clock.today()}, tell=tell)
    return series


def _as_agreed(series: Series, steady_id: str | None, standin_id: str | None) -> Agreement:
    row = series.row
    return Agreement(
        row["item_code"], row["person_id"], Pattern.of(row["pattern"]), row["starts_on"], row["start_minute"],
        row["end_minute"], row["until"], row["times"], row["holidays"], row["note"], row["attention"], steady_id,
        standin_id,
    )  # fmt: skip


def turn_down(viewer: Viewer, standing_id: str, reason: str, version: int | None) -> Series:
    """The branch does not agree, with a reason; what an earlier arrangement made and nobody took is withdrawn."""
    with held(viewer, standing_id, version) as series:
        series.row["ended_at"] = clock.now()
        apply(viewer, "turn_down_series", series, StandingState.ENDED, reason=reason,
              tell=lambda s: say.turned_down(s, reason))  # fmt: skip
        settle(series, f"支部没有同意：{reason}")
    return series
