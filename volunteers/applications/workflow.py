"""Applying to become a volunteer: the state table, and the verbs.

Somebody asks on the phone, or staff write it down for them (approved at once), or a team's roll brings it in. The
branch approves, returns it with what is missing, or refuses with a reason. With the approval what the application
brought goes into the person's record, and the volunteer gets a number and the post.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from community.grid.importing import in_chunks, table_of
from community.grid.models import ID_COLUMN, Estate, Person
from community.grid.workflow import people
from core import clock
from core.access import NotFound, Viewer
from core.audit import Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.sealing import sealer
from core.workflow import MESSAGES, Change, Stale, Step, Workflow
from volunteers.applications import messages as say
from volunteers.applications import queries
from volunteers.applications.checks import checks_of, double_check, stops
from volunteers.applications.models import (
    GUARDIAN_COLUMN,
    LIVE,
    NUMBER_COLUMN,
    PHONE_COLUMN,
    State,
    VolunteerApplication,
)
from volunteers.applications.queries import Filed, Known
from volunteers.consents import workflow as consents
from volunteers.consents.texts import VERSION
from volunteers.consents.workflow import Consenting
from volunteers.registry import leaders
from volunteers.registry import workflow as registry
from volunteers.registry.availability import Window
from volunteers.registry.categories import NOT_FOR_MINORS
from volunteers.registry.models import Volunteer
from volunteers.registry.workflow import Offer, Refused

S = State
SAID = (
    "note", "skills", "windows", "weekly_cap", "reach", "categories", "consents", "consents_version", "consents_how",
    "national_no", "id_sealed", "id_key", "phone_sealed", "guardian_name", "guardian_relation",
    "guardian_phone_sealed", "guardian_how", "companion_id",
)  # fmt: skip
DECIDED = ("decided_at", "decided_by_name", "note")
SECRETS = ("id_sealed", "phone_sealed", "guardian_phone_sealed")
MADE = tuple(c.name for c in VolunteerApplication.__table__.columns if c.name not in ("id", "state", "version"))
_ONE = frozenset[str | None]
APPLICATIONS = Workflow(
    "volunteer_application",
    VolunteerApplication.__table__,  # type: ignore[arg-type]
    (
        Step("apply", "申请", _ONE({None}), frozenset({S.SUBMITTED}), "volunteers:apply", writes=(MESSAGES,)),
        Step("enter_application", "登记", _ONE({None}), frozenset({S.APPROVED}), "volunteers:edit", writes=(MESSAGES,)),
        Step("apply_again", "补齐再交", _ONE({S.RETURNED}), frozenset({S.SUBMITTED}), "volunteers:apply",
             sets=(*SAID, "applied_at"), writes=(MESSAGES,)),
        Step("complete_application", "代为补齐", _ONE({S.SUBMITTED, S.RETURNED}), frozenset({S.SUBMITTED}),
             "volunteers:edit", sets=SAID),
        Step("approve_application", "批准", _ONE({S.SUBMITTED}), frozenset({S.APPROVED}), "volunteers:edit",
             sets=(*DECIDED, *SECRETS, "guardian_how", "categories"), writes=(MESSAGES,)),
        Step("return_application", "退回补充", _ONE({S.SUBMITTED}), frozenset({S.RETURNED}), "volunteers:edit", True,
             sets=DECIDED, writes=(MESSAGES,)),
        Step("refuse_application", "不批准", _ONE({S.SUBMITTED, S.RETURNED}), frozenset({S.REFUSED}),
             "volunteers:edit", True, sets=(*DECIDED, *SECRETS), writes=(MESSAGES,)),
        Step("withdraw_application", "撤回申请", _ONE({S.SUBMITTED, S.RETURNED}), frozenset({S.WITHDRAWN}),
             "volunteers:apply", sets=SECRETS),
    ),
    made=MADE,
)  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What an application says. Numbers are given only when the record lacks them."""

    offer: Offer
    consents: Sequence[str] = ()
    consents_how: str = "online"
    national_no: str = ""
    id_number: str = ""
    phone: str = ""
    guardian: Consenting | None = None


def apply(viewer: Viewer, known: Known, wish: Wish) -> str:
    """Ask for oneself; returns the application's id. Caller commits. Raises ``Refused``."""
    _check_free(known)
    row = _row(viewer, known, wish, "self")
    told = say.applied(leaders.list_leaders(known.estate.id), row["id"], known.person.name, False)
    _make(viewer, row, "apply", S.SUBMITTED, told)
    return str(row["id"])


def apply_again(viewer: Viewer, found: VolunteerApplication, known: Known, wish: Wish, version: int) -> None:
    """Ask again with what was missing. Caller commits. Raises ``Stale``."""
    if found.version != version:
        raise Stale("volunteer_application")
    row = _said(wish) | {"applied_at": clock.now()}
    told = say.applied(leaders.list_leaders(known.estate.id), found.id, known.person.name, True)
    _step(viewer, found, "apply_again", S.SUBMITTED, row, told=told)


def withdraw(viewer: Viewer, found: VolunteerApplication) -> None:
    """Take one's own application back; the numbers that it brought go. Caller commits."""
    if found.person_id != viewer.person_id:
        raise NotFound
    _step(viewer, found, "withdraw_application", S.WITHDRAWN, dict.fromkeys(SECRETS))


def enter(viewer: Viewer, known: Known, wish: Wish) -> Volunteer:
    """Register somebody of the roll at once: an application that staff write, or complete, and approve. Caller commits.

    Raises ``Refused`` for whoever cannot be registered.
    """
    waiting = queries.find_live(known.person.id)
    if waiting is not None:
        _step(viewer, waiting, "complete_application", S.SUBMITTED, _said(wish))
        return approve(viewer, queries.filed(waiting, known), waiting.version)
    _check_free(known)
    double = double_check(queries.find_double(known.person.id, known.estate.id, _key(known, wish)))
    if double.verdict == "stop":
        raise Refused(double.text)
    row = _row(viewer, known, wish, "staff") | {"decided_at": clock.now(), "decided_by_name": viewer.name}
    volunteer = _take_in(viewer, known, wish)
    _make(
        viewer,
        row | dict.fromkeys(SECRETS),
        "enter_application",
        S.APPROVED,
        say.approved(known.person.id, volunteer.number),
    )
    return volunteer


def _key(known: Known, wish: Wish) -> str | None:
    return sealer().index(wish.id_number, ID_COLUMN) if wish.id_number else known.person.id_key


def approve(viewer: Viewer, filed: Filed, version: int, guardian_how: str = "") -> Volunteer:
    """Register the applicant. Caller commits. Raises ``Refused`` with what stands against it, and ``Stale``.

    ``guardian_how``: how the branch made sure of a guardian's consent.
    """
    found = filed.application
    if found.version != version:
        raise Stale("volunteer_application")
    APPLICATIONS.step("approve_application", found.state)
    against = stops(checks_of(filed))
    if against:
        raise Refused("；".join(against))
    how = guardian_how or found.guardian_how
    minor = filed.age is not None and filed.age < registry.GUARDIAN_AGE
    if minor and not how:
        raise Refused("未满18岁，请先选怎样核实的监护人同意")
    wish = _wish_of(found, how, minor)
    row = dict.fromkeys(SECRETS) | {
        "decided_at": clock.now(), "decided_by_name": viewer.name, "note": "", "guardian_how": how if minor else "",
        "categories": list(wish.offer.categories),
    }  # fmt: skip
    volunteer = _take_in(viewer, filed.known, wish, found)
    told = say.approved(found.person_id, volunteer.number)
    _step(viewer, found, "approve_application", S.APPROVED, row, told=told, details={"number": volunteer.number})
    return volunteer


def return_(viewer: Viewer, filed: Filed, missing: str) -> None:
    """Give it back with what is missing. Caller commits. Raises ``ReasonMissing``."""
    _decide(viewer, filed, "return_application", S.RETURNED, missing, {})


def refuse(viewer: Viewer, filed: Filed, reason: str) -> None:
    """Do not register the applicant; the numbers that it brought go. Caller commits. Raises ``ReasonMissing``."""
    _decide(viewer, filed, "refuse_application", S.REFUSED, reason, dict.fromkeys(SECRETS))


def _decide(viewer: Viewer, filed: Filed, verb: str, target: State, reason: str, more: dict[str, Any]) -> None:
    found = filed.application
    row = {"decided_at": clock.now(), "decided_by_name": viewer.name, "note": reason} | more
    tell = say.returned if target == S.RETURNED else say.refused
    _step(viewer, found, verb, target, row, reason=reason, told=tell(found.person_id, reason))


# What an application holds


def _check_free(known: Known) -> None:
    """Raises ``Refused`` for somebody who is on the register, has an application that waits, or has moved away."""
    if known.person.moved_out_on is not None:
        raise Refused("这个人已经登记为搬走")
    volunteer = queries.find_volunteer(known.person.id)
    if volunteer is not None and volunteer.standing in queries.SERVING:
        raise Refused("这个人已经是志愿者")
    if queries.find_live(known.person.id) is not None:
        raise Refused("已经有一份申请在办，不用再交")


def _said(wish: Wish) -> dict[str, Any]:
    seal, guardian = sealer(), wish.guardian
    return {
        "note": "", "skills": list(wish.offer.skills), "windows": [list(window) for window in wish.offer.windows],
        "weekly_cap": wish.offer.weekly_cap, "reach": wish.offer.reach, "categories": list(wish.offer.categories),
        "consents": list(wish.consents), "consents_version": VERSION, "consents_how": wish.consents_how,
        "national_no": wish.national_no,
        "id_sealed": seal.seal(wish.id_number, NUMBER_COLUMN) if wish.id_number else None,
        "id_key": seal.index(wish.id_number, ID_COLUMN) if wish.id_number else None,
        "phone_sealed": seal.seal(wish.phone, PHONE_COLUMN) if wish.phone else None,
        "guardian_name": guardian.name if guardian else "",
        "guardian_relation": guardian.relation if guardian else "",
        "guardian_phone_sealed": seal.seal(guardian.phone, GUARDIAN_COLUMN) if guardian else None,
        "guardian_how": guardian.how if guardian else "",
        "companion_id": guardian.companion_id if guardian else None,
    }  # fmt: skip


def _row(viewer: Viewer, known: Known, wish: Wish, via: str) -> dict[str, Any]:
    now = clock.now()
    return _said(wish) | {
        "id": new_id(), "estate_id": known.estate.id, "person_id": known.person.id, "version": 1, "via": via,
        "applied_by": viewer.person_id, "applied_by_name": viewer.name, "applied_at": now, "decided_at": None,
        "decided_by_name": "", "updated_at": now,
    }  # fmt: skip


def _wish_of(found: VolunteerApplication, how: str, minor: bool) -> Wish:
    seal = sealer()
    categories = [code for code in found.categories if not (minor and code in NOT_FOR_MINORS)]
    windows = [Window(*window) for window in found.windows]
    offer = Offer(found.skills, windows, found.weekly_cap, found.reach, categories)
    guardian = None
    if minor and found.guardian_phone_sealed:
        phone = seal.open(found.guardian_phone_sealed, GUARDIAN_COLUMN)
        guardian = Consenting(found.guardian_name, found.guardian_relation, phone, how, found.companion_id)
    return Wish(
        offer, found.consents, found.consents_how, found.national_no,
        seal.open(found.id_sealed, NUMBER_COLUMN) if found.id_sealed else "",
        seal.open(found.phone_sealed, PHONE_COLUMN) if found.phone_sealed else "", guardian,
    )  # fmt: skip


# Writing


def _make(viewer: Viewer, row: dict[str, Any], verb: str, target: State, told: Sequence[Draft]) -> None:
    subject = Subject("volunteer_application", row["id"], row["estate_id"])
    change = Change(verb, subject, None, target, viewer.person_id, viewer.name, details={"via": row["via"]},
                    messages=told)  # fmt: skip
    APPLICATIONS.apply(db.session.connection(), change, row)


def _step(
    viewer: Viewer, found: VolunteerApplication, verb: str, target: State, values: Mapping[str, Any], *,
    reason: str = "", told: Sequence[Draft] = (), details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("volunteer_application", found.id, found.estate_id)
    change = Change(verb, subject, found.state, target, viewer.person_id, viewer.name, reason, details or {}, told)
    row = {**values, "id": found.id, "version": found.version, "updated_at": clock.now()}
    APPLICATIONS.apply(db.session.connection(), change, row)
    db.session.expire(found)


def _take_in(viewer: Viewer, known: Known, wish: Wish, found: VolunteerApplication | None = None) -> Volunteer:
    """Bring what the application says into the record, and the person onto the register."""
    person, estate = known.person, known.estate
    _complete(viewer, person, wish)
    guardian = wish.guardian
    companion = bool(guardian and guardian.companion_id)
    registry.check_age(person.birth_date, guardian is not None, companion)
    at = found.applied_at if found is not None else None
    if guardian is not None:
        consents.name_guardian(viewer, person.id, estate.id, guardian, at)
    before = db.session.get(Volunteer, person.id)
    if before is None:
        volunteer = registry.register(
            viewer, person, estate, wish.offer, guardian=guardian is not None, companion=companion,
            national_no=wish.national_no,
        )  # fmt: skip
    else:
        registry.come_back(viewer, before, "重新申请，支部批准")
        registry.renew(viewer, before, wish.offer)
        volunteer = before
    consents.give(viewer, person.id, estate.id, wish.consents, wish.consents_how, at)
    return volunteer


def _complete(viewer: Viewer, person: Person, wish: Wish) -> None:
    """The numbers that the record lacks. Raises ``Refused`` for one that the estate has given to somebody else."""
    values: dict[str, Any] = {"name": person.name}
    if wish.id_number and person.id_key is None:
        values["id_number"] = wish.id_number
    if wish.phone:
        values["phones"] = [wish.phone]
    if len(values) == 1:
        return
    try:
        people.edit(viewer, person, person.version, values)
    except ValueError as problem:
        raise Refused(str(problem)) from problem
    db.session.refresh(person)


# A team's roll


def take_roll(viewer: Viewer, estate: Estate, offers: Mapping[str, Offer]) -> None:
    """Applications, approved with the roll, of people whom a roll has just put on the register. Caller commits.

    What a roll says is no consent: volunteers are asked for theirs when they sign in.
    """
    now = clock.now()
    rows = [
        _said(Wish(offer, consents_how="")) | {
            "id": new_id(), "person_id": person_id, "estate_id": estate.id, "state": S.APPROVED, "version": 1,
            "via": "roll", "applied_by": viewer.person_id, "applied_by_name": viewer.name, "applied_at": now,
            "decided_at": now, "decided_by_name": viewer.name, "updated_at": now, "consents_version": "",
        }
        for person_id, offer in offers.items()
    ]  # fmt: skip
    for some in in_chunks(rows):
        db.session.execute(insert(table_of(VolunteerApplication)), list(some))


def ask_by_roll(viewer: Viewer, estate: Estate, offers: Mapping[str, Offer]) -> None:
    """Applications of people under 18 whom a roll names: they wait for their guardians' consent. Caller commits."""
    waiting = set(
        db.session.scalars(
            select(VolunteerApplication.person_id).where(
                VolunteerApplication.person_id.in_(list(offers)), VolunteerApplication.state.in_(LIVE)
            )
        )
    )
    for person_id, offer in offers.items():
        if person_id in waiting:
            continue
        known = queries.known_of(person_id)
        assert known is not None
        row = _row(viewer, known, Wish(offer, consents_how=""), "roll") | {"consents_version": ""}
        _make(viewer, row, "apply", S.SUBMITTED, [])
