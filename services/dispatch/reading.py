"""The one statement that reads what matching knows, whatever the number of orders and volunteers.

Each row is a volunteer in reach with everything about them, lists packed into texts; behind these come a row for each
order concerned (where it is wanted) and one for each topic that the estate has decided. ``facts`` unpacks them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CTE,
    CompoundSelect,
    Date,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from community.grid.models import Building, Estate, Household, Person
from community.organisations.models import Organisation
from community.policies.models import Policy
from core.database import UtcDateTime
from services.dispatch.models import PairExclusion
from services.dispatch.rules import MATCHING
from services.orders.evidence import average_rating
from services.orders.models import OPEN, Offer, OfferState, ServiceOrder, State
from services.orders.rules import OFFERS
from volunteers.hours import stars
from volunteers.hours import sums as rolled
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer, VolunteerDayOff, VolunteerSkill, VolunteerWindow
from volunteers.rota.models import COMING, Shift, ShiftPlace, ShiftState
from volunteers.rota.models import State as PlaceState

HELD = (OfferState.ACCEPTED, OfferState.CHECKED_IN, OfferState.COMPLETED)
VOLUNTEER, ORDER, TOPIC = "v", "o", "t"
PACK, FIVE = 2048, "*"
ASKED, PROMISED, DONE, SHIFT = "?", "!", ".", "#"
"""How a task in a volunteer's calendar stands: an order offered and not answered, accepted, done; a shift of a rota."""
_ESTATE, _TODAY = bindparam("estate", type_=String()), bindparam("today", type_=Date())
_DESK = bindparam("desk", type_=String())
_NOW, _DAY = bindparam("now", type_=UtcDateTime()), bindparam("day", type_=UtcDateTime())
_MONDAY, _MONTH = bindparam("monday", type_=UtcDateTime()), bindparam("month", type_=UtcDateTime())
_SINCE = bindparam("since", type_=UtcDateTime())
_SHIFTS_FROM = bindparam("shifts_from", type_=UtcDateTime())


# SQLite finds the small index of open orders, by deadline, only where its condition and a deadline are written out.
WAITING = (
    ServiceOrder.state.in_([literal_column(f"'{state}'") for state in OPEN])
    & (ServiceOrder.state == State.PLACED)
    & ServiceOrder.paused_at.is_(None)
    & (ServiceOrder.due_at > datetime(2000, 1, 1, tzinfo=UTC))
)


def _text(column: Any) -> Any:
    return cast(column, String())


def _listed(part: Any, label: str) -> Any:
    return func.aggregate_strings(part, ";").label(label)


def _helpers() -> CTE:
    """Volunteers in reach of an estate: its own, those of its community who go to neighbouring estates, and those below
    the desk that the order was transferred to, if it was."""
    own, other, pool = aliased(Estate), aliased(Estate), aliased(Estate)
    body, twin = aliased(Organisation), aliased(Organisation)
    siblings = (
        select(other.id)
        .join(twin, twin.id == other.branch_id)
        .join(body, body.parent_id == twin.parent_id)
        .join(own, own.branch_id == body.id)
        .where(own.id == _ESTATE)
    )
    handed = select(pool.id).where(_DESK != "", pool.path.startswith(_DESK))
    near = or_(Volunteer.estate_id == _ESTATE, Volunteer.reach == "community", Volunteer.estate_id.in_(handed))
    estates = union_all(select(_ESTATE.label("id")), siblings, handed)
    here = Volunteer.standing.not_in(("left", "erased"))
    return select(Volunteer.person_id).where(Volunteer.estate_id.in_(estates), near, here).cte("helpers")


def _offers(helpers: CTE) -> Any:
    """What a year's offers tell of each volunteer. Only orders that keep a time or have stars are looked up."""
    rated = aliased(ServiceOrder)
    moment = func.coalesce(ServiceOrder.preferred_start, Offer.accepted_at)
    asked = (Offer.state == OfferState.OFFERED) & (Offer.expires_at > _NOW) & ~Offer.is_open_call
    done = (Offer.state == OfferState.COMPLETED) & (Offer.completed_at >= _MONDAY)
    keeps = asked | done | Offer.state.in_((OfferState.ACCEPTED, OfferState.CHECKED_IN))
    mark = case((asked, ASKED), (done, DONE), else_=PROMISED)
    start, end = _text(ServiceOrder.preferred_start), _text(ServiceOrder.preferred_end)
    task = mark + func.coalesce(start, "") + "|" + func.coalesce(end, "")
    task = task + "|" + func.coalesce(_text(Offer.accepted_at), "")
    at, served = _text(Offer.offered_at), case((Offer.state == OfferState.COMPLETED, Offer.order_id))
    return (
        select(
            helpers.c.person_id,
            _listed(case((asked | (moment >= _MONDAY), task)), "tasks"),
            func.sum(case(((Offer.offered_at >= _DAY) & ~Offer.is_open_call, 1), else_=0)).label("offers_today"),
            _listed(case((Offer.state == OfferState.DECLINED, at)), "declines"),
            _listed(case((Offer.state == OfferState.NO_SHOW, at)), "no_shows"),
            func.sum(rated.stars).label("stars"),
            func.count(rated.stars).label("ratings"),
        )
        .join_from(helpers, Offer, (Offer.volunteer_id == helpers.c.person_id) & (Offer.offered_at >= _SINCE))
        .outerjoin(ServiceOrder, ServiceOrder.id == case((keeps, Offer.order_id)))
        # "More than no star" lets SQLite find the small index of rated orders.
        .outerjoin(rated, (rated.id == served) & (rated.stars > 0))
        .group_by(helpers.c.person_id)
        .subquery("offers")
    )


def _shifts() -> Any:
    """Shifts of rotas that each volunteer has taken and not served yet, as tasks; the longest lasts a day."""
    task = literal_column(f"'{SHIFT}'") + _text(Shift.starts_at) + "|" + _text(Shift.ends_at) + "|"
    return (
        select(ShiftPlace.person_id, _listed(task, "tasks"))
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .where(Shift.starts_at > _SHIFTS_FROM, Shift.ends_at > _NOW, Shift.state == ShiftState.PLANNED)
        .where(ShiftPlace.state.in_((*COMING, PlaceState.PRESENT)))
        .group_by(ShiftPlace.person_id)
        .subquery("shifts")
    )


def _calendar(offers: Any, shifts: Any) -> Any:
    both = offers.c.tasks + ";" + shifts.c.tasks
    return func.coalesce(both, offers.c.tasks, shifts.c.tasks).label("tasks")


def _served(concerned: CTE) -> Any:
    """Whom of the residents concerned each volunteer has served within a year; five stars leave a mark."""
    people, rated = select(concerned.c.person_id).distinct().subquery(), aliased(ServiceOrder)
    pair = people.c.person_id + case((rated.id.is_not(None), FIVE), else_="")
    return (
        select(Offer.volunteer_id.label("person_id"), _listed(pair, "served"))
        .select_from(people)
        .join(ServiceOrder, (ServiceOrder.person_id == people.c.person_id) & (ServiceOrder.placed_at >= _SINCE))
        .join(Offer, (Offer.order_id == ServiceOrder.id) & (Offer.state == OfferState.COMPLETED))
        .outerjoin(rated, (rated.id == ServiceOrder.id) & (rated.stars == 5))
        .group_by(Offer.volunteer_id)
        .subquery("served")
    )


def _here(concerned: CTE) -> Any:
    """What became of the orders concerned with each volunteer, in their present round."""
    state = Offer.order_id + "=" + Offer.state
    found = select(Offer.volunteer_id.label("person_id"), _listed(state, "here"))
    found = found.where(Offer.order_id.in_(select(concerned.c.id)))
    found = found.join(concerned, (concerned.c.id == Offer.order_id) & (concerned.c.reopened == Offer.round))
    return found.group_by(Offer.volunteer_id).subquery("here")


def _own(label: str, part: Any, key: Any, *where: Any) -> Any:
    """One value of the volunteer in question."""
    return select(part).where(key == Volunteer.person_id, *where).correlate(Volunteer).scalar_subquery().label(label)


def _lists(concerned: CTE, whole: bool) -> list[Any]:
    expired = VolunteerSkill.expires_on < _TODAY
    checked = case((VolunteerSkill.verified_on.is_(None), ""), (expired, ""), else_="!")
    packed = (VolunteerWindow.weekday * PACK + VolunteerWindow.start_minute) * PACK + VolunteerWindow.end_minute
    span = _text(VolunteerDayOff.first_day) + "|" + _text(VolunteerDayOff.last_day)
    wished = PairExclusion.person_id.in_(select(concerned.c.person_id))
    minutes = func.sum(HourEntry.minutes)
    return [
        _own("skills", func.aggregate_strings(VolunteerSkill.skill + checked, ";"), VolunteerSkill.person_id),
        _own("hours", func.aggregate_strings(_text(packed), ";"), VolunteerWindow.person_id),
        _own("off", func.aggregate_strings(span, ";"), VolunteerDayOff.person_id, VolunteerDayOff.last_day >= _TODAY),
        _own("month", minutes, HourEntry.volunteer_id, HourEntry.starts_at >= _MONTH),
        *_stars(whole),
        _own("apart", func.aggregate_strings(PairExclusion.person_id, ";"), PairExclusion.volunteer_id,
             PairExclusion.lifted_at.is_(None), wished),
    ]  # fmt: skip


def _stars(whole: bool) -> list[Any]:
    """All minutes ever given and what the estate asks for a star, when stars are shown."""
    names = ("total", "star_rules", "star_rating")
    if not whole:
        return [null().label(name) for name in names]
    asked = stars.columns(Volunteer.estate_id, Volunteer.person_id, average_rating)
    return [rolled.total(Volunteer.person_id).label("total"), *asked]


def _statement(concerned: CTE, whole: bool) -> CompoundSelect[Any]:
    """Everything at once. ``whole``: with all minutes ever given, for the stars beside a name."""
    helpers, home, lives = _helpers(), aliased(Household), aliased(Estate)
    offers, served, here, shifts = _offers(helpers), _served(concerned), _here(concerned), _shifts()
    columns: list[Any] = [
        literal_column(f"'{VOLUNTEER}'").label("kind"), Volunteer.person_id.label("id"), Person.name,
        func.coalesce(home.estate_id, Volunteer.estate_id).label("estate_id"), lives.name.label("estate_name"),
        Person.political_status, Person.sex, Person.birth_date, Volunteer.guardian_consent, Volunteer.standing,
        Volunteer.is_available, Person.household_id, home.building_id, Building.name.label("building_name"),
        Building.number.label("building_number"), home.unit_id, Volunteer.reach, Volunteer.weekly_cap,
        _calendar(offers, shifts), offers.c.offers_today, offers.c.declines, offers.c.no_shows, offers.c.stars,
        offers.c.ratings, served.c.served, here.c.here, *_lists(concerned, whole),
    ]  # fmt: skip
    people = select(*columns)
    joins = people.select_from(helpers).join(Volunteer, Volunteer.person_id == helpers.c.person_id)
    joins = joins.join(Person, Person.id == Volunteer.person_id).outerjoin(home, home.id == Person.household_id)
    joins = joins.outerjoin(Building, Building.id == home.building_id)
    joins = joins.join(lives, lives.id == func.coalesce(home.estate_id, Volunteer.estate_id))
    for part in (offers, served, here, shifts):
        joins = joins.outerjoin(part, part.c.person_id == helpers.c.person_id)
    return union_all(joins, _padded(_homes(concerned), people), _padded(_topics(), people))


def _homes(concerned: CTE) -> Select[Any]:
    home = aliased(Household)
    columns: dict[str, Any] = {
        "kind": literal_column(f"'{ORDER}'"), "id": concerned.c.id, "building_id": home.building_id,
        "building_number": Building.number, "unit_id": home.unit_id,
    }  # fmt: skip
    found = select(*[column.label(name) for name, column in columns.items()]).select_from(concerned)
    found = found.outerjoin(home, home.id == concerned.c.household_id)
    return found.outerjoin(Building, Building.id == home.building_id)


def _topics() -> Select[Any]:
    kind: Any = literal_column(f"'{TOPIC}'")
    found = select(kind.label("kind"), Policy.topic.label("id"), type_coerce(Policy.chosen, Text).label("name"))
    return found.where(Policy.estate_id == _ESTATE, Policy.topic.in_([MATCHING.name, OFFERS.name]))


def _padded(part: Select[Any], like: Select[Any]) -> Select[Any]:
    """The same columns as ``like`` has, empty where ``part`` has none."""
    own: Any = part.selected_columns
    names: list[Any] = [column.key for column in like.selected_columns]
    return part.with_only_columns(*[own[name] if name in own else null().label(name) for name in names])


def _concerned(where: Any) -> CTE:
    columns = (ServiceOrder.id, ServiceOrder.person_id, ServiceOrder.household_id, ServiceOrder.reopened)
    return select(*columns).where(where).cte("concerned")


FOR_ONE = _statement(_concerned(ServiceOrder.id == bindparam("order")), True)
FOR_WAITING = _statement(_concerned((ServiceOrder.estate_id == _ESTATE) & WAITING), False)
FIELDS = tuple(column.key for column in FOR_ONE.selected_columns)
"""The columns of a row, in order."""
