"""Teams of the demo, a corps over two estates, and how people come to be volunteers: applications, consents, skills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import insert, select

from community.grid.importing import in_chunks, table_of
from community.grid.models import Estate, Person
from community.organisations.models import Organisation
from core import clock
from core.access import Post, Role, Viewer
from core.database import db
from services.demo.people import Parts, residents_of
from services.demo.places import Places
from services.demo.stories import Someone
from volunteers.applications import queries as applications
from volunteers.applications import workflow as applying
from volunteers.applications.models import State, VolunteerApplication
from volunteers.applications.workflow import Wish
from volunteers.consents import workflow as consents
from volunteers.consents.texts import NEEDED
from volunteers.consents.workflow import Consenting
from volunteers.registry import workflow as registry
from volunteers.registry.availability import PARTS_OF_DAY, Window
from volunteers.registry.models import Standing, Volunteer
from volunteers.registry.queries import get_card
from volunteers.registry.workflow import Evidence, Offer
from volunteers.teams import queries, workflow
from volunteers.teams.importing import kind_of
from volunteers.teams.models import Member, Team, TeamMembership

FEMALE = 2
CORPS = "荷塘巾帼志愿总队"
DETACHMENTS = ("榕树花园巾帼支队", "水泥厂巾帼支队")
LEAGUE = "榕树花园党团妇服务队"


def staff(who: Someone, role: Role, body: Organisation) -> Viewer:
    """Somebody of the staff as they act."""
    return Viewer(who.id, who.id, who.name, (Post(role, body.id, body.path, body.name),))


def secretary_of(parts: Parts, number: int, estate: Estate) -> Viewer:
    """The secretary of an estate as they act."""
    return staff(parts[number], Role.SECRETARY, db.session.get_one(Organisation, estate.branch_id))


def form_teams(places: Places, parts: Parts) -> None:
    """Everybody whom the register has in a team joins it; then a party, league and women's team, and a corps."""
    for number, estate in ((21, places.estate), (22, places.neighbour), (23, places.distant)):
        _join_named(secretary_of(parts, number, estate), estate)
    secretary = secretary_of(parts, 21, places.estate)
    settle_minors(places, parts)
    league = _found(secretary, places.estate, LEAGUE, "plw", "一家有事大家帮",
                    "党员、团员、巾帼一起，每周六清扫楼道、看望老人", date(2024, 3, 8))  # fmt: skip
    people = [db.session.get_one(Volunteer, parts[n].id) for n in range(11, 17)]
    people += _volunteers(places.estate)[20:32]
    for n, one in enumerate({one.person_id: one for one in people}.values()):
        _add(secretary, league, one, ("leader", "deputy", "deputy")[n] if n < 3 else "member")
    _form_corps(places, parts)


def settle_minors(places: Places, parts: Parts) -> None:
    """Those under 18 whom the roll named: their mothers have signed, so they are registered."""
    secretary = secretary_of(parts, 21, places.estate)
    waiting = select(VolunteerApplication).where(VolunteerApplication.state == State.SUBMITTED)
    for one in db.session.scalars(waiting.order_by(VolunteerApplication.person_id)).all():
        known = applications.known_of(one.person_id)
        assert known is not None
        offer = Offer(one.skills, [Window(*window) for window in one.windows], 2, "estate", ["children", "culture"])
        guardian = Consenting("家长", "母亲", "19900008888", "paper")
        applying.enter(secretary, known, Wish(offer, NEEDED, "paper", guardian=guardian))


def _form_corps(places: Places, parts: Parts) -> None:
    both = []
    for number, estate, name in zip((21, 22), (places.estate, places.neighbour), DETACHMENTS, strict=True):
        secretary = secretary_of(parts, number, estate)
        team = _found(secretary, estate, name, "detachment", "", "", date(2025, 3, 8))
        for n, one in enumerate(_volunteers(estate, FEMALE)[:14]):
            _add(secretary, team, one, "leader" if n == 0 else "member")
        both.append(team)
    lady = staff(parts[51], Role.SUBDISTRICT_STAFF, places.subdistrict)
    said = {"kind": "corps", "name": CORPS, "slogan": "巾帼不让须眉", "founded_on": date(2025, 3, 8),
            "description": "两个小区的巾帼支队，人手互相支援，重大活动一起出力"}  # fmt: skip
    corps = workflow.found(lady, said, both)
    _add(lady, corps, _volunteers(places.estate, FEMALE)[0], "leader")


def _found(viewer: Viewer, estate: Estate, name: str, kind: str, slogan: str, text: str, on: date) -> str:
    said = {"kind": kind, "name": name, "organisation_id": estate.branch_id, "slogan": slogan, "description": text,
            "founded_on": min(on, clock.today())}  # fmt: skip
    return workflow.found(viewer, said)


def _add(viewer: Viewer, team_id: str, one: Volunteer, role: str) -> None:
    workflow.add(viewer, queries.get_team(viewer, team_id), one, role)


def _volunteers(estate: Estate, sex: int | None = None) -> Sequence[Volunteer]:
    """The serving volunteers of an estate in a fixed order."""
    wanted = select(Volunteer).join(Person, Person.id == Volunteer.person_id)
    wanted = wanted.where(Volunteer.estate_id == estate.id, Volunteer.standing == Standing.ACTIVE)
    if sex is not None:
        wanted = wanted.where(Person.sex == sex)
    return db.session.scalars(wanted.order_by(Person.pinyin, Person.name, Person.birth_date)).all()


def _join_named(viewer: Viewer, estate: Estate) -> None:
    """Memberships of those whom the register has in a team by name only."""
    inside = select(TeamMembership.person_id).where(TeamMembership.estate_id == estate.id)
    loose = select(Volunteer.person_id, Volunteer.team).where(Volunteer.estate_id == estate.id, Volunteer.team != "")
    named = db.session.execute(loose.where(Volunteer.person_id.not_in(inside)).order_by(Volunteer.team)).all()
    there = select(Team.name, Team.id).where(Team.estate_id == estate.id)
    teams = dict(db.session.execute(there).all())
    rows = []
    for person_id, name in named:
        if name not in teams:
            teams[name] = workflow.found_by_roll(viewer, estate, name, kind_of(name))
        rows.append(workflow.new_member(estate.id, teams[name], person_id, "staff") | {"state": Member.MEMBER})
    for some in in_chunks(rows):
        db.session.execute(insert(table_of(TeamMembership)), list(some))


def give_consents(places: Places, parts: Parts) -> None:
    """The six volunteers with accounts have signed; one has a certificate that soon runs out."""
    secretary = secretary_of(parts, 21, places.estate)
    for number in range(11, 17):
        consents.give(secretary, parts[number].id, places.estate.id, NEEDED, "paper")
    card = get_card(secretary, parts[12].id)
    evidence = Evidence("电工证原件", "T430202198701010012", clock.today() + timedelta(days=21))
    registry.verify(secretary, card, "plumbing_electrical", evidence)
    registry.verify(secretary, card, "small_repairs", Evidence("当面试做"))


def apply_now(places: Places, parts: Parts) -> None:
    """One application waits, one was returned, and one volunteer has left."""
    estate, secretary = places.estate, secretary_of(parts, 21, places.estate)
    saturday = [Window(5, *PARTS_OF_DAY["上午"]), Window(5, *PARTS_OF_DAY["下午"])]
    offer = Offer(["shopping", "listening", "gardening"], saturday, 3, "estate", ["elders", "environment"])
    _apply(parts[2], Wish(offer, [*NEEDED, "publishing"]))
    young = next(who for who in residents_of(estate, adults=False) if who.age_on(clock.today()) in (15, 16, 17))
    guardian = Consenting("家长", "母亲", "19900009999", "")
    returned = _apply(
        young, Wish(Offer(["tutoring", "culture"], saturday, 1, "building", ["children"]), NEEDED, guardian=guardian)
    )
    applying.return_(secretary, applications.get_filed(secretary, returned), "监护人电话没人接，请核对号码")
    gone = _volunteers(estate)[-1]
    registry.leave(secretary, gone, "随子女搬到外地", secretary.name)


def _apply(who: Someone, wish: Wish) -> str:
    known = applications.known_of(who.id)
    assert known is not None
    return applying.apply(Viewer(who.id, who.id, who.name), known, wish)
