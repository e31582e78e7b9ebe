"""A standing order as one thing in memory: who may see it, who may do what, when its visits fall."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from core import clock, identity
from core.access import Viewer
from services.standing.models import HelperState, StandingOrder, StandingState
from services.standing.plan import Terms, clock_words
from services.standing.recurrence import Pattern

FIELDS = tuple(column.name for column in StandingOrder.__table__.columns)
ROLES = {"steady": "固定志愿者", "standin": "替补"}
HELD = (HelperState.NAMED, HelperState.ASKED, HelperState.AGREED)


@dataclass(frozen=True)
class Helper:
    """A volunteer named for a series: ``role`` is steady or standin."""

    role: str
    volunteer_id: str
    name: str
    state: HelperState


def terms_of(row: Any) -> Terms:
    """The terms in a row of the table."""
    return Terms(
        Pattern.of(row["pattern"]), row["starts_on"], row["until"], row["start_minute"], row["end_minute"],
        row["holidays"], row["pause_from"], row["pause_until"],
    )  # fmt: skip


def fingerprint(row: Mapping[str, Any], on: date) -> str:
    """What a visit of a series on a day would be made from, in short: another one means it has to be made anew."""
    terms = [on.isoformat(), row["start_minute"], row["end_minute"], row["item_code"], row["note"], row["attention"]]
    return hashlib.sha256(orjson.dumps(terms)).hexdigest()[:16]


@dataclass
class Series:
    """A standing order as read: ``row`` holds its columns, the rest is how the person lives now.

    ``is_gone``: they have moved out of the estate, or died.
    """

    row: dict[str, Any]
    estate_path: str
    estate_name: str
    person_name: str
    sex: int
    birth_date: date | None
    is_gone: bool
    household_id: str | None
    household_label: str
    building_id: str | None
    node_path: str
    is_proxy: bool
    leaders: tuple[str, ...]
    called_off: frozenset[date]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def terms(self) -> Terms:
        """When its visits fall."""
        return terms_of(self.row)

    @property
    def salutation(self) -> str:
        """沈阿姨."""
        age = identity.age_on(self.birth_date, clock.today()) if self.birth_date else None
        return identity.honorific(self.person_name, self.sex, age)

    @property
    def told(self) -> str:
        """每周二上午."""
        return self.terms.told()

    @property
    def clock_words(self) -> str:
        """8:30–10:30."""
        return clock_words(self.row["start_minute"], self.row["end_minute"])

    @property
    def helpers(self) -> list[Helper]:
        """The volunteers named, the steady one first, those who declined or left too."""
        found = []
        for role in ROLES:
            if self.row[role + "_id"]:
                state = HelperState(self.row[role + "_state"])
                found.append(Helper(role, self.row[role + "_id"], self.row[role + "_name"], state))
        return found

    def agreed(self) -> list[Helper]:
        """Those who come, in the order in which they are asked."""
        return [helper for helper in self.helpers if helper.state == HelperState.AGREED]

    def helper(self, person_id: str, states: Collection[HelperState] = HELD) -> Helper | None:
        """Who the person is to the series, while in one of these states."""
        return next((h for h in self.helpers if h.volunteer_id == person_id and h.state in states), None)

    def told_people(self) -> list[str]:
        """The resident and whoever set it up."""
        return list(dict.fromkeys([self.row["person_id"], self.row["placed_by"]]))

    def is_ours(self, viewer: Viewer) -> bool:
        """Whether the viewer is the resident, lives with them, or is family named to order for them."""
        at_home = viewer.household_id is not None and viewer.household_id == self.household_id
        return viewer.person_id == self.row["person_id"] or at_home or self.is_proxy

    def visible_to(self, viewer: Viewer) -> bool:
        """Whether the viewer may know of it at all."""
        near = self.is_ours(viewer) or viewer.person_id == self.row["placed_by"]
        helps = self.helper(viewer.person_id) is not None
        return near or helps or self.reads(viewer) or viewer.may_at("orders:place_for", self.node_path)

    def reads(self, viewer: Viewer) -> bool:
        """Whether the viewer reads it as staff."""
        return viewer.may_at("standing:read", self.estate_path)

    def leads(self, viewer: Viewer) -> bool:
        """Whether the viewer decides for the branch."""
        return viewer.may_at("standing:approve", self.estate_path)

    def may(self, verb: str, viewer: Viewer) -> bool:
        """Whether the viewer is one who may use this verb, whatever the state."""
        match verb:
            case "approve_series" | "turn_down_series":
                return self.leads(viewer)
            case "agree_series":
                return self.helper(viewer.person_id, (HelperState.ASKED,)) is not None
            case "leave_series":
                return self.helper(viewer.person_id, (HelperState.ASKED, HelperState.AGREED)) is not None
            case "lose_helper":
                return viewer.person_id == "system"
        for_them = viewer.may_at("orders:place_for", self.node_path)
        return self.is_ours(viewer) or for_them or self.leads(viewer) or viewer.person_id == "system"

    @property
    def is_open(self) -> bool:
        """Not ended."""
        return bool(self.row["state"] != StandingState.ENDED)
