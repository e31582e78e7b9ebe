"""Two emergency calls in the demo's past, one handled and one false alarm, and what the next one will find: contacts of
the resident's home and volunteers who may be called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update

from community.accounts.queries import phone_key
from community.grid.models import CONTACT_COLUMN, Estate, HouseholdContact
from core import audit, clock, identity
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.sealing import sealer
from services.demo.people import PHONE, Parts
from services.demo.stories import Cast, Rows, Someone
from services.sos.aggregate import CALL_FIELDS
from services.sos.models import Coming, EmergencyCall, EmergencyNotice, EmergencyResponse, Kind, State
from volunteers.registry.models import Volunteer

ON_CALL = (11, 12, 14)
Told = tuple[Someone, Kind, str]


class Emergency:
    """One call, told step by step. Call itself, notices and responses are written when it has ended."""

    def __init__(self, cast: Cast, rows: Rows, who: Someone, at: datetime, note: str, told: Sequence[Told]) -> None:
        age = who.age_on(clock.local(at).date())
        self._rows, self._at, self._titles = rows, at, {one.id: (kind, title) for one, kind, title in told}
        self.row: dict[str, Any] = dict.fromkeys(CALL_FIELDS) | {
            "id": new_id(), "estate_id": cast.estate_id, "state": State.RAISED, "version": 0,
            "household_id": who.household_id, "building_id": who.building_id, "household_label": who.label,
            "person_id": who.id, "person_name": who.name, "salutation": identity.honorific(who.name, who.sex, age),
            "raised_by": who.id, "raised_by_name": who.name, "raised_as": "self", "raised_at": at,
            "slip_until": at + timedelta(seconds=60), "place": "home", "place_note": "", "note": note, "level": 0,
            "wave": 0, "lead_name": "", "outcome": "", "after_care": "", "updated_at": at,
        }  # fmt: skip
        self._responses: dict[str, dict[str, Any]] = {}
        self._notices = [
            {"id": new_id(), "call_id": self.row["id"], "estate_id": cast.estate_id, "wave": 0, "kind": kind,
             "title": title, "name": one.name, "person_id": one.id, "contact_id": None, "told_at": at}
            for one, kind, title in told
        ]  # fmt: skip
        self.step(who, "raise", 0, State.RAISED, details={"as": "self", "told": len(told)})

    def step(
        self, who: Someone, verb: str, seconds: int, state: State, reason: str = "",
        details: dict[str, Any] | None = None, **values: Any,
    ) -> datetime:  # fmt: skip
        """A step so many seconds after the call was raised; when that was."""
        at = self._at + timedelta(seconds=seconds)
        before = None if verb == "raise" else self.row["state"]
        self.row.update(state=state, version=self.row["version"] + 1, updated_at=at, **values)
        subject = Subject("emergency", self.row["id"], self.row["estate_id"])
        self._rows.events.append(
            audit.event_values(who.id, who.name, verb, subject, from_state=before, to_state=state, reason=reason,
                               details=details, at=at)
        )  # fmt: skip
        return at

    def answered(self, who: Someone, seconds: int, state: Coming) -> None:
        """Somebody has seen it, is on the way, or is there."""
        at = self._at + timedelta(seconds=seconds)
        kind, title = self._titles[who.id]
        own = self._responses.setdefault(
            who.id,
            {"call_id": self.row["id"], "person_id": who.id, "estate_id": self.row["estate_id"], "kind": kind,
             "title": title, "name": who.name, "shares": True, "answered_at": at, "on_way_at": None,
             "arrived_at": None, "left_at": None},
        )  # fmt: skip
        own["state"] = state
        verb = {Coming.SEEN: "answer", Coming.ON_WAY: "on_way", Coming.ARRIVED: "arrive"}[state]
        if state in (Coming.ON_WAY, Coming.ARRIVED):
            own[f"{state}_at"] = at
        lead = {"lead_id": self.row["lead_id"] or who.id, "lead_name": self.row["lead_name"] or who.name}
        there = state == Coming.ARRIVED or self.row["state"] == State.ON_SITE
        times = {"answered_at": self.row["answered_at"] or at, "on_site_at": self.row["on_site_at"]}
        if state == Coming.ARRIVED:
            times["on_site_at"] = self.row["on_site_at"] or at
        reached = State.ON_SITE if there else State.ANSWERED
        self.step(who, verb, seconds, reached, "", {"title": title}, **lead, **times)

    def ended(self, who: Someone, verb: str, seconds: int, state: State, outcome: str) -> None:
        """It is over."""
        at = self._at + timedelta(seconds=seconds)
        self.step(who, verb, seconds, state, outcome, outcome=outcome, ended_at=at)

    def write(self) -> None:
        """Write it in the present transaction; its events go the way of all others."""
        db.session.execute(insert(EmergencyCall), [self.row])
        db.session.execute(insert(EmergencyNotice), self._notices)
        db.session.execute(insert(EmergencyResponse), list(self._responses.values()))


def tell(cast: Cast, parts: Parts, rows: Rows) -> None:
    """Both calls; events are left in ``rows``."""
    near = [(parts[n], Kind.VOLUNTEER, "志愿者") for n in ON_CALL]
    told: list[Told] = [(parts[31], Kind.STAFF, "网格员"), *near]
    now = clock.now()
    night = clock.local(now - timedelta(days=20)).replace(hour=21, minute=14, second=5)
    handled = Emergency(cast, rows, parts[2], night, "头晕得站不住", told)
    handled.answered(parts[31], 48, Coming.SEEN)
    handled.answered(parts[11], 70, Coming.ON_WAY)
    handled.answered(parts[11], 330, Coming.ARRIVED)
    handled.step(parts[11], "remark", 420, State.ON_SITE, "血压170，已打120，要人下楼接车")
    handled.answered(parts[31], 800, Coming.ARRIVED)
    handled.ended(parts[31], "close", 2900, State.CLOSED, "120送市二医院，女儿接到电话后陪同")
    after = "住院三天已回家，降压药分好装盒，每周上门量一次血压"
    at = night + timedelta(days=4)
    handled.step(parts[21], "after_care", 4 * 86400, State.CLOSED, after, after_care=after, after_care_at=at)
    handled.write()
    morning = clock.local(now - timedelta(days=6)).replace(hour=8, minute=5, second=40)
    slip = Emergency(cast, rows, parts[1], morning, "", told)
    slip.answered(parts[31], 35, Coming.SEEN)
    slip.ended(parts[1], "false_alarm", 95, State.FALSE_ALARM, "按错了")
    slip.write()


def prepare(estate: Estate, parts: Parts) -> None:
    """Volunteers on call, and two contacts of the home of the first resident: one known here and one outside."""
    people = [parts[n].id for n in ON_CALL]
    db.session.execute(update(Volunteer).where(Volunteer.person_id.in_(people)).values(is_on_call=True))
    who, neighbour, at = parts[1], parts[2], clock.now()
    contacts = [("女儿", who.name[:1] + "晓梅", PHONE.format(71), None),
                ("邻居", neighbour.name, PHONE.format(2), neighbour.id)]  # fmt: skip
    db.session.execute(
        insert(HouseholdContact),
        [
            {"id": new_id(), "estate_id": estate.id, "household_id": who.household_id, "position": n, "name": name,
             "relation": relation, "phone_sealed": sealer().seal(phone, CONTACT_COLUMN), "login_key": phone_key(phone),
             "person_id": person, "agreed_at": at, "stated_by": who.id, "version": 1, "updated_at": at}
            for n, (relation, name, phone, person) in enumerate(contacts)
        ],
    )  # fmt: skip
