"""An emergency call with those who answered, as one thing in memory: who may see it and who may do what.

Every change of a response moves the call's version, so what was read here is what the step is applied to or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from core import clock
from core.access import ROLE_NAMES, Viewer
from core.identity import surname
from services.sos.models import OPEN, Coming, EmergencyCall, Kind

UNIT = "\x1f"


@dataclass
class Response:
    """Somebody who answered; its fields are the columns of the table."""

    person_id: str
    kind: str
    title: str
    name: str
    state: str
    shares: bool
    answered_at: datetime
    on_way_at: datetime | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Has not said that they cannot come."""
        return self.state != Coming.LEFT

    @property
    def takes_it(self) -> bool:
        """Is seeing to it. Relatives may be far away: of them only who is on the way counts."""
        return self.is_active and not (self.kind == Kind.FAMILY and self.state == Coming.SEEN)

    @property
    def called(self) -> str:
        """As the caller may know them: by name when they agreed, else 网格员王某."""
        return self.title + (self.name if self.shares else surname(self.name) + "某")


RESPONSE_FIELDS = tuple(f.name for f in fields(Response))
CALL_FIELDS = tuple(column.name for column in EmergencyCall.__table__.columns)


@dataclass
class Call:
    """A call as read. ``row`` holds its columns; ``told_as`` and ``told_title`` say as what the viewer was told."""

    row: dict[str, Any]
    estate_path: str
    estate_name: str
    duty_phone: str
    node: str
    told_as: str = ""
    told_title: str = ""
    responses: dict[str, Response] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]]) -> Call:
        """From rows of (call columns…, estate path, name, duty phone, node, how told, response columns…)."""
        width = len(CALL_FIELDS)
        path, name, phone, node, told = rows[0][width : width + 5]
        told_as, _, title = (told or "").partition(UNIT)
        call = cls(dict(zip(CALL_FIELDS, rows[0][:width], strict=True)), path, name, phone or "", node, told_as, title)
        for row in rows:
            if row[width + 5] is not None:
                call.responses[row[width + 5]] = Response(*row[width + 5 :])
        return call

    @property
    def is_open(self) -> bool:
        """Has not ended."""
        return self.row["state"] in OPEN

    @property
    def callers(self) -> list[str]:
        """Those who are told how it goes: who is in need, and who pressed for them from home or from afar."""
        pressed = None if self.row["raised_as"] == "staff" else self.row["raised_by"]
        return [person for person in dict.fromkeys([self.row["person_id"], pressed]) if person]

    def answered(self) -> list[Response]:
        """Everybody who answered, the lead first, then in the order in which they did."""
        lead = self.row["lead_id"]
        return sorted(self.responses.values(), key=lambda r: (not r.is_active, r.person_id != lead, r.answered_at))

    def coming(self) -> list[Response]:
        """Those who see to it, the lead first."""
        return [response for response in self.answered() if response.takes_it]

    def is_ours(self, viewer: Viewer) -> bool:
        """Whether the viewer is in need, lives there, or pressed for their family."""
        at_home = viewer.household_id is not None and viewer.household_id == self.row["household_id"]
        return at_home or viewer.person_id in self.callers

    def visible_to(self, viewer: Viewer) -> bool:
        """Whether the viewer may know of this call at all."""
        return self.is_ours(viewer) or bool(self.told_as) or viewer.may_at("emergency:read", self.node)

    def may_respond(self, viewer: Viewer) -> bool:
        """Whether the viewer may answer: told of it, or staff of the place, and not who is in need."""
        reaches = bool(self.told_as) or viewer.may_at("emergency:read", self.node)
        return reaches and viewer.person_id not in self.callers

    def standing_of(self, viewer: Viewer) -> tuple[str, str]:
        """As what the viewer answers: kind and title."""
        if self.told_as:
            return self.told_as, self.told_title
        held = [post.role for post in viewer.posts if post.path and self.node.startswith(post.path)]
        return Kind.STAFF, next((ROLE_NAMES[role] for role in reversed(viewer.roles) if role in held), "工作人员")

    def may(self, verb: str, viewer: Viewer) -> bool:
        """Whether the viewer is one who may use this verb on this call, whatever its state."""
        own = self.responses.get(viewer.person_id)
        helps = own is not None and own.is_active
        leads = viewer.may_at("emergency:read", self.node)
        match verb:
            case "answer" | "on_way" | "arrive":
                return self.may_respond(viewer)
            case "stand_down":
                return own is not None
            case "close":
                return leads or helps
            case "false_alarm":
                return self.is_ours(viewer) or leads or helps
            case "call_off":
                return self.is_ours(viewer)
            case "remark":
                return self.is_ours(viewer) or self.may_respond(viewer)
            case "after_care":
                return viewer.may_at("emergency:after_care", self.node)
            case "escalate":
                return viewer.person_id == "system"
        return False

    def fits(self, verb: str, viewer: Viewer) -> bool:
        """Whether the responses and the time, beyond the state, allow the verb to this viewer now."""
        own = self.responses.get(viewer.person_id)
        state = own.state if own is not None else Coming.LEFT
        match verb:
            case "answer":
                return state == Coming.LEFT
            case "on_way":
                return state in (Coming.LEFT, Coming.SEEN)
            case "arrive":
                return state != Coming.ARRIVED
            case "stand_down":
                return state in (Coming.SEEN, Coming.ON_WAY)
            case "call_off":
                return bool(self.row["slip_until"] >= clock.now())
            case "escalate":
                due = self.row["next_wave_at"]
                return due is not None and due <= clock.now()
        return True


def call_view(call: Call, allowed: Sequence[str], viewer: Viewer) -> dict[str, Any]:
    """A call as the API shows it to this viewer: to the caller those who come by the names they agreed to."""
    row = call.row
    leads = viewer.may_at("emergency:read", call.node)
    responders = [
        {
            "name": r.title + r.name if leads else r.called, "state": r.state, "is_lead": r.person_id == row["lead_id"],
            "answered_at": r.answered_at, "on_way_at": r.on_way_at, "arrived_at": r.arrived_at,
        }
        for r in call.answered()
    ]  # fmt: skip
    return {
        "id": row["id"],
        "state": row["state"],
        "household": {"id": row["household_id"], "label": row["household_label"]},
        "called": row["salutation"],
        "raised_as": row["raised_as"],
        "raised_at": row["raised_at"],
        "place": row["place"],
        "place_note": row["place_note"],
        "note": row["note"],
        "latitude": row["latitude"] if call.may_respond(viewer) else None,
        "longitude": row["longitude"] if call.may_respond(viewer) else None,
        "level": row["level"],
        "wave": row["wave"],
        "next_wave_at": row["next_wave_at"],
        "answered_at": row["answered_at"],
        "on_site_at": row["on_site_at"],
        "ended_at": row["ended_at"],
        "outcome": row["outcome"],
        "responders": responders,
        "version": row["version"],
        "allowed_actions": list(allowed),
    }
