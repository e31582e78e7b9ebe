"""What matching knows of an estate's volunteers and orders at one moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import orjson

from community.policies.queries import read
from core import clock
from core.database import fast
from core.identity import PARTY_CODES
from services.dispatch.reading import ASKED, DONE, FIVE, FOR_ONE, FOR_WAITING, ORDER, PACK, SHIFT, TOPIC, VOLUNTEER
from services.dispatch.rules import MATCHING, Weights
from services.dispatch.terms import Need, Offering, Scale, Task
from services.dispatch.times import Hours, Span, day_of, joined, kept, minute_of, week_of
from services.orders.aggregate import Order
from services.orders.rules import OFFERS
from volunteers.hours import stars
from volunteers.rota.models import LONGEST

Trained = Callable[[Collection[str]], Mapping[str, set[str]]]
TRAINED: list[Trained] = []
"""Who has a valid training, by training code, for the codes asked about; the capability that keeps trainings puts its
answer here."""

YEAR = timedelta(days=365)
EMERGENCY = ("emergency", "应急")


class Asked(NamedTuple):
    """What matching needs of an order as it stands in the database. ``places``: how many volunteers it still wants."""

    id: str
    estate_id: str
    version: int
    person_id: str
    household_id: str | None
    item: Mapping[str, Any]
    preferred_start: datetime | None
    preferred_end: datetime | None
    urgent: bool
    helper_sex: int
    due_at: datetime
    places: int


def asked_of(order: Order) -> Asked:
    """An order that was read whole, as matching reads it."""
    return Asked(
        order.id, order.estate_id, order.version, order.person_id, order.household_id, order.item,
        order.preferred_start, order.preferred_end, order.urgent, order.helper_sex, order.due_at,
        order.volunteers_needed - order.accepted_count,
    )  # fmt: skip


@dataclass
class Facts:
    """Volunteers in reach of an estate, by id, and where its orders are wanted."""

    now: datetime
    rows: Sequence[Any]
    homes: Mapping[str, Any]
    chosen: Mapping[str, Mapping[str, Any]]
    trained: Mapping[str, set[str]] = field(default_factory=dict)

    @cached_property
    def weights(self) -> Weights:
        """As the estate has decided."""
        return Weights.of(read(MATCHING, self.chosen.get(MATCHING.name, {})))

    @cached_property
    def offers_a_day(self) -> int:
        """As the estate has decided."""
        return int(read(OFFERS, self.chosen.get(OFFERS.name, {}))["offers_a_day"])

    @cached_property
    def mean_stars(self) -> float:
        """The mean of all ratings of volunteers in reach within a year; 5 when there is none."""
        stars, ratings = sum(row.stars or 0 for row in self.rows), sum(row.ratings or 0 for row in self.rows)
        return stars / ratings if ratings else 5.0

    def scale(self, weights: Weights | None = None) -> Scale:
        """What to measure with: the estate's own weights, or others to try."""
        week = week_of(day_of(clock.local(self.now).date()))
        return Scale(weights or self.weights, self.offers_a_day, self.mean_stars, week)

    def need(self, order: Asked) -> Need:
        """An order as matching sees it."""
        return need_of(order, self.now, self.homes.get(order.id))

    def offering(self, row: Any, need: Need) -> Offering:
        """A volunteer as matching sees them with regard to one order."""
        served = [part for part in split(row.served) if part.startswith(need.person_id)]
        five = any(part.endswith(FIVE) for part in served)
        here = [part.partition("=")[2] for part in split(row.here) if part.startswith(need.order_id + "=")]
        weeks, tasks = calendar_of(row.tasks, self.now)
        return Offering(
            row.id, row.name, row.estate_id, row.estate_name, row.political_status in PARTY_CODES, row.sex,
            row.birth_date, bool(row.guardian_consent), row.standing, bool(row.is_available),
            row.household_id, row.building_id, row.building_name or "", row.building_number, row.unit_id, row.reach,
            skills_of(row.skills or ""), hours_of(row.hours or ""), days_of(row.off), tasks, row.weekly_cap, weeks,
            row.offers_today or 0, int(row.month or 0), int(row.total or 0), self.ages(row.declines),
            self.ages(row.no_shows), row.stars or 0, row.ratings or 0, len(served), five,
            need.person_id in split(row.apart), here[0] if here else None,
            bool(need.training) and row.id in self.trained.get(need.training, ()), level_of(row),
        )  # fmt: skip

    def offerings(self, need: Need) -> list[Offering]:
        """All of them."""
        return [self.offering(row, need) for row in self.rows]

    def ages(self, text: str | None) -> list[float]:
        """How many days ago the moments of a list lie."""
        return [max(0.0, (self.now - moment(part)).total_seconds() / 86400) for part in split(text)]


def level_of(row: Any) -> int:
    """The star of a volunteer, by what their estate asks for."""
    rules = orjson.loads(row.star_rules) if isinstance(row.star_rules, str) else row.star_rules
    return stars.of(rules, row.star_rating).level(int(row.total or 0))


def need_of(order: Asked, now: datetime, home: Any = None) -> Need:
    """An order as matching sees it; ``home``: where it is wanted, when the way matters."""
    item, start, end = order.item, order.preferred_start, order.preferred_end
    timed = start is not None and end is not None
    day = max(clock.local(start or now).date(), clock.local(now).date())
    return Need(
        order.id, order.person_id, order.household_id, order.estate_id,
        home.building_id if home else None, home.building_number if home else None, home.unit_id if home else None,
        day_of(day), tuple(item["skills"]), frozenset(item.get("verified") or ()), item.get("training") or "",
        item.get("min_age"), item.get("max_age"), order.helper_sex,
        item.get("code") in EMERGENCY or item.get("category") in EMERGENCY, order.urgent,
        minute_of(start) if timed and start else None, minute_of(end) if timed and end else None,
        int(item["usual_minutes"]),
    )  # fmt: skip


def load_for(order: Asked, desk_path: str = "") -> Facts:
    """What matching one order needs, in one statement. ``desk_path``: the desk elsewhere that it was transferred to,
    whose volunteers are in reach, too."""
    return _load(FOR_ONE, {"order": order.id, "desk": desk_path}, order.estate_id, [order])


def load_waiting(estate_id: str, orders: Sequence[Asked]) -> Facts:
    """What matching the waiting orders of an estate needs, in one statement."""
    return _load(FOR_WAITING, {"desk": ""}, estate_id, orders)


def _load(statement: Any, values: dict[str, Any], estate_id: str, orders: Sequence[Asked]) -> Facts:
    now = clock.now()
    today = clock.local(now).date()
    first = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    values |= {
        "estate": estate_id, "now": now, "today": today, "day": clock.day_bounds(today)[0], "since": now - YEAR,
        "month": clock.day_bounds(first)[0], "monday": clock.day_bounds(monday)[0],
        "shifts_from": now - timedelta(minutes=LONGEST),
    }  # fmt: skip
    rows = fast().execute(statement, values).all()
    kinds: dict[str, list[Any]] = {VOLUNTEER: [], ORDER: [], TOPIC: []}
    for row in rows:
        kinds[row[0]].append(row)
    people = sorted(kinds[VOLUNTEER], key=lambda row: row.id)
    homes = {row.id: row for row in kinds[ORDER]}
    chosen = {row.id: orjson.loads(row.name) for row in kinds[TOPIC]}
    return Facts(now, people, homes, chosen, trained_for(order.item for order in orders))


def trained_for(items: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Who has the trainings that these items ask for, by training; asks only when one does."""
    codes = sorted({str(item["training"]) for item in items if item.get("training")})
    found: dict[str, set[str]] = {}
    for answer in TRAINED if codes else ():
        for code, people in answer(codes).items():
            found.setdefault(code, set()).update(people)
    return found


# Unpacking


def split(text: str | None) -> list[str]:
    """The parts of a list packed into a text."""
    return text.split(";") if text else []


def moment(text: str) -> datetime:
    """A moment as the databases write it; SQLite leaves the zone out."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@lru_cache(maxsize=20_000)
def skills_of(text: str) -> Mapping[str, bool]:
    """Skills and whether each was verified. Many volunteers offer the same, so that a text is read once."""
    return {part.rstrip("!"): part.endswith("!") for part in split(text)}


@lru_cache(maxsize=20_000)
def hours_of(text: str) -> Hours:
    """Weekly hours, those of a day that touch made one."""
    days: dict[int, list[Span]] = {}
    for part in split(text):
        weekday, opens, closes = int(part) // PACK // PACK, int(part) // PACK % PACK, int(part) % PACK
        days.setdefault(weekday, []).append((opens, closes))
    return tuple((day, *span) for day, spans in sorted(days.items()) for span in joined(spans))


def days_of(text: str | None) -> list[Span]:
    """Days off, as numbers of their first and last days."""
    parts = [part.partition("|") for part in split(text)]
    return [(day_of(date.fromisoformat(first)), day_of(date.fromisoformat(last))) for first, _, last in parts]


def calendar_of(text: str | None, now: datetime) -> tuple[dict[int, int], list[Task]]:
    """Orders held and offered by week, and the times that they and shifts keep."""
    weeks: dict[int, int] = {}
    tasks: list[Task] = []
    for part in split(text):
        start, end, accepted = (moment(field) if field else None for field in part[1:].split("|"))
        if part[0] == SHIFT:
            if start and end:
                tasks.append(Task(minute_of(start), minute_of(end), shift=True))
            continue
        week = week_of(day_of(clock.local(start or accepted or now).date()))
        weeks[week] = weeks.get(week, 0) + 1
        span = kept(minute_of(start) if start else None, minute_of(end) if end else None)
        if span is not None and part[0] != DONE:
            tasks.append(Task(*span, part[0] == ASKED))
    return weeks, sorted(tasks)
