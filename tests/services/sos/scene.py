"""A home in need: its neighbours, relatives and helpers, and steps without pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select, update

from community.accounts.queries import phone_key
from community.grid.models import CONTACT_COLUMN, Building, HouseholdContact, Person, Proxy
from community.organisations.models import OrganisationKind
from core import clock
from core.access import Role
from core.audit import Event
from core.database import begin_write, db
from core.ids import new_id
from core.outbox import Message
from core.sealing import sealer
from services.sos import jobs, queries, workflow
from services.sos.aggregate import Call
from services.sos.models import EmergencyNotice
from services.sos.workflow import Wish
from tests.conftest import MOMENT
from tests.factories import Body, Someone, World, appoint, organisation, person, write
from tests.services.orders.site import Site
from volunteers.registry.models import Volunteer

ADULT = date(1980, 5, 1)
STRANGER_PHONE = "13900001111"


class Scene(Site):
    """The town, with the resident's home in need."""

    def __init__(self, app: Flask, world: World, at: Callable[[datetime], None]) -> None:
        super().__init__(app, world)
        self._at = at
        self.group: Body | None = None

    # What there is

    def give_group(self) -> Body:
        """A party group that leads the building of the resident, with a steward and a unit steward of its own."""
        banyan = self.world.estates["banyan"]
        with self.app.app_context():
            begin_write()
            self.group = organisation(OrganisationKind.PARTY_GROUP, "1栋党小组", banyan.branch)
            db.session.execute(
                update(Building).where(Building.id == banyan.building_id).values(party_group_id=self.group.id)
            )
            for key, name, role in (
                ("own_steward", "何栋长", Role.BUILDING_STEWARD), ("unit_steward", "伍单元", Role.UNIT_STEWARD),
            ):  # fmt: skip
                self.world.people[key] = person(name)
                appoint(self.world[key], role, self.group)
            other = organisation(OrganisationKind.PARTY_GROUP, "2栋党小组", banyan.branch)
            self.world.people["other_steward"] = person("另栋长")
            appoint(self.world["other_steward"], Role.BUILDING_STEWARD, other)
            db.session.commit()
        return self.group

    def contact(self, relation: str, who: Someone | None = None, *, linked: bool = True) -> str:
        """A contact of the resident's home: somebody known here, or a stranger."""
        phone, contact_id = who.phone if who else STRANGER_PHONE, new_id()
        with self.app.app_context():
            begin_write()
            write(
                HouseholdContact, id=contact_id, estate_id=self.world.estates["banyan"].id, position=0,
                household_id=self.world["resident"].household_id, name=who.name if who else "沈外人",
                relation=relation, phone_sealed=sealer().seal(phone, CONTACT_COLUMN), login_key=phone_key(phone),
                person_id=who.id if who and linked else None, agreed_at=clock.now(), stated_by="x", version=1,
                updated_at=clock.now(),
            )  # fmt: skip
            db.session.commit()
        return contact_id

    def proxy(self, name: str, relation: str = "女儿") -> None:
        """Somebody whom the resident named to order for the home."""
        home, who = self.world["resident"].household_id, self.world["resident"].id
        with self.app.app_context():
            begin_write()
            write(Proxy, household_id=home, helper_id=self.id(name), person_id=who, relation=relation,
                  named_at=clock.now())  # fmt: skip
            db.session.commit()

    def on_call(self, *names: str, born: date | None = ADULT) -> None:
        """Volunteers who may be called, of that day of birth."""
        people = [self.id(name) for name in names]
        with self.app.app_context():
            begin_write()
            db.session.execute(update(Volunteer).where(Volunteer.person_id.in_(people)).values(is_on_call=True))
            db.session.execute(update(Person).where(Person.id.in_(people)).values(birth_date=born))
            db.session.commit()

    # What happens

    def raised(self, name: str = "resident", **wish: Any) -> str:
        """A new call."""
        return str(self.do(lambda viewer: workflow.raise_call(viewer, Wish(**wish))[0].id, name))

    def later(self, seconds: float) -> None:
        """The clock stands so many seconds after the call was raised."""
        self._at(MOMENT + timedelta(seconds=seconds))

    def tick(self, seconds: float) -> str:
        """The job runs then."""
        self.later(seconds)
        with self.app.app_context():
            return jobs.escalate_emergencies()

    # What one finds

    def call(self, call_id: str, name: str = "secretary") -> Call:
        """The call as somebody reads it."""
        with self.app.app_context():
            return queries.get_call(self.world[name].viewer(), call_id)

    def told(self, call_id: str, wave: int | None = None) -> list[str]:
        """The titles and names told, in alphabetical order, of one wave or of all."""
        wanted = select(EmergencyNotice.title, EmergencyNotice.name).where(EmergencyNotice.call_id == call_id)
        if wave is not None:
            wanted = wanted.where(EmergencyNotice.wave == wave)
        with self.app.app_context():
            return sorted(f"{title} {name}" for title, name in db.session.execute(wanted))

    def messages(self, name: str, kind: str = "") -> list[str]:
        """Titles in somebody's inbox, oldest first."""
        wanted = select(Message.title).where(Message.recipient_id == self.id(name))
        if kind:
            wanted = wanted.where(Message.kind == kind)
        with self.app.app_context():
            return list(db.session.scalars(wanted.order_by(Message.created_at, Message.id)))

    def events(self, call_id: str) -> list[str]:
        """The verbs of its history."""
        wanted = select(Event.verb).where(Event.subject_kind == "emergency", Event.subject_id == call_id)
        with self.app.app_context():
            return list(db.session.scalars(wanted.order_by(Event.at, Event.number)))
