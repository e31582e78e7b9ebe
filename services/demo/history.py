"""Months of made-up orders: who asked for what, who came, how it went. The same seed tells the same story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from core import audit, calendar, clock
from core.audit import Subject
from core.ids import new_id
from services.demo import words
from services.demo.stories import Cast, NotYet, Rows, Someone, Story, Wanted, hour_entry
from services.orders.models import State

DAYS = 334
WEIGHTS = {
    "elder_shopping": 20, "blood_pressure": 13, "small_repair": 8, "plumbing": 11, "clinic_company": 8, "cleaning": 9,
    "listening": 6, "haircut": 4, "tutoring": 4, "errands": 10, "tech_help": 9, "legal": 2, "mediation": 2,
    "emergency": 1, "policy_question": 3, "other": 4,
}  # fmt: skip
HOUR_WEIGHTS = (2, 8, 12, 11, 6, 3, 4, 8, 9, 7, 4, 3, 3, 2)
FIRST_HOUR, LAST_HOUR = 7, 21


def moment_on(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A Shanghai time as UTC."""
    return clock.from_local(datetime.combine(day, time(hour, minute, second)))


def by_day(moment: datetime, rng: Random) -> datetime:
    """The moment itself between 8:00 and 20:00, else in the next morning."""
    local = clock.local(moment)
    if 8 <= local.hour < 20:
        return moment
    day = local.date() + timedelta(days=local.hour >= 20)
    return moment_on(day, 8, rng.randrange(5, 59), rng.randrange(60))


def tell(cast: Cast, rows: Rows, rng: Random, count: int, *, days: int = DAYS) -> None:
    """``count`` orders over the last ``days`` days, as far as their stories have come by now."""
    for placed in _moments(rng, count, days):
        try:
            _one(cast, rows, rng, placed)
        except NotYet:
            continue


def _moments(rng: Random, count: int, days: int) -> list[datetime]:
    """When orders are placed: more and more over the months, fewer on days off, few at night."""
    today, now = clock.today(), clock.now()
    dates = [today - timedelta(days=n) for n in range(days, -1, -1)]
    weights = [(0.5 + n / days) * (1.0 if calendar.is_working_day(day) else 0.6) for n, day in enumerate(dates)]
    found = []
    for day in rng.choices(dates, weights, k=count):
        hour = rng.choices(range(FIRST_HOUR, LAST_HOUR), HOUR_WEIGHTS)[0]
        found.append(moment_on(day, hour, rng.randrange(60), rng.randrange(60)))
    return sorted(moment for moment in found if moment < now)


def _one(cast: Cast, rows: Rows, rng: Random, placed: datetime) -> None:
    wanted = _wish(cast, rng, placed)
    story = Story(cast, rows, rng, wanted)
    if rng.random() < 0.03:
        story.cancel(placed + timedelta(minutes=rng.randrange(4, 90)), rng.choice(words.CANCELS))
        return
    ready = by_day(placed + timedelta(minutes=min(rng.lognormvariate(3.2, 1.1), 1500)), rng)
    if rng.random() < 0.025:
        story.send_back(ready, rng.choice(words.SEND_BACKS))
        if rng.random() < 0.3:
            return
        ready = by_day(ready + timedelta(minutes=rng.randrange(30, 600)), rng)
        story.resubmit(ready, wanted.note + "。已补充")
        ready += timedelta(minutes=rng.randrange(10, 120))
    if serve(story, cast, rng, ready):
        _aftermath(story, cast, rng)
    elif story.order.state == State.PLACED:
        story.send_back(by_day(story.order.updated_at + timedelta(hours=2), rng), words.NOBODY)


def _wish(cast: Cast, rng: Random, placed: datetime) -> Wanted:
    codes = [code for code in WEIGHTS if code in cast.items]
    code = rng.choices(codes, [WEIGHTS[c] for c in codes])[0]
    who = rng.choice(cast.residents)
    while code == "haircut" and (who.age_on(clock.local(placed).date()) or 0) < 60:
        who = rng.choice(cast.residents)
    family = who.household_id in cast.family
    ways = ("self", "staff", "family") if family else ("self", "staff")
    placed_as = rng.choices(ways, (5, 3, 6) if family else (7, 3))[0]
    start = end = None
    if rng.random() < 0.4 and code not in ("emergency", "policy_question"):
        day = clock.local(placed).date() + timedelta(days=rng.choice((1, 1, 1, 2, 2, 3, 4)))
        hour = rng.choice((9, 10, 14, 15, 16, 19))
        start, end = moment_on(day, hour), moment_on(day, hour + 2)
    return Wanted(
        who, code, rng.choice(words.WISHES[code]), placed, placed_as, start, end, urgent=code == "emergency",
        needed=2 if code == "cleaning" and rng.random() < 0.3 else 1,
        attention=tuple(rng.sample(words.ATTENTION, 1)) if rng.random() < 0.15 else (),
    )  # fmt: skip


def helpers_for(cast: Cast, story: Story, rng: Random, count: int) -> list[Someone]:
    """Volunteers who can do it, live elsewhere, and were not asked in this round."""
    order = story.order
    needs = set(order.item["skills"])
    fit = [
        who for who in cast.volunteers
        if needs <= who.skills and who.household_id != order.household_id and who.id not in order.offers
        and who.id != order.person_id
    ]  # fmt: skip
    return rng.sample(fit, min(count, len(fit)))


def serve(story: Story, cast: Cast, rng: Random, ready: datetime) -> bool:
    """From the queue to the end of the service; False when nobody can be found."""
    needed = story.order.volunteers_needed
    for _ in range(4):
        is_open = needed == 1 and rng.random() < 0.2
        asked = helpers_for(cast, story, rng, rng.randrange(3, 7) if is_open else needed)
        if len(asked) < needed:
            return False
        story.dispatch(asked, ready, is_open=is_open)
        luck = rng.random()
        answered = ready + timedelta(minutes=rng.randrange(2, 100))
        if luck < 0.07 and not is_open and needed == 1:
            story.decline(asked[0], answered, rng.choice(words.DECLINES))
        elif luck < 0.09:
            answered = story.expire()
        elif luck < 0.11 and needed == 1:
            story.accept(asked[0], answered)
            answered += timedelta(minutes=rng.randrange(20, 100))
            story.leave(asked[0], answered, rng.choice(words.WITHDRAWALS))
        else:
            for who in asked[:needed]:
                story.accept(who, answered)
                answered += timedelta(minutes=rng.randrange(1, 20))
            return _visit(story, cast, rng, asked[:needed], answered)
        ready = by_day(answered + timedelta(minutes=rng.randrange(5, 120)), rng)
    return False


def _visit(story: Story, cast: Cast, rng: Random, team: Sequence[Someone], accepted: datetime) -> bool:
    order = story.order
    minutes = max(10, round(order.item["usual_minutes"] * rng.uniform(0.55, 1.45) / 5) * 5)
    quick = accepted + timedelta(minutes=rng.randrange(15, 400))
    start = by_day(max(quick, order.preferred_start) if order.preferred_start else quick, rng)
    if rng.random() < 0.05:
        start = by_day(start + timedelta(days=rng.randrange(1, 3)), rng)
    if rng.random() < 0.015:
        story.cancel(accepted + timedelta(minutes=3), rng.choice(words.CANCELS))
        return False
    while not all(cast.keep_free(who.id, start, minutes + 10) for who in team):
        start = by_day(start + timedelta(minutes=95), rng)
    for n, who in enumerate(team):
        story.check_in(who, start + timedelta(minutes=n))
    for n, who in enumerate(team):
        story.complete(who, start + timedelta(minutes=minutes + 2 + n), minutes, rng.choice(words.DONE))
    return True


def _aftermath(story: Story, cast: Cast, rng: Random) -> None:
    done = story.order.completed_at
    if rng.random() < 0.16:
        back = _office_hour(done + timedelta(days=3, hours=rng.randrange(1, 60)), rng)
        story.call_back(back, True, rng.choice((5, 5, 4, 4, 3, None)), rng.choice(words.CALL_BACKS))
        return
    stars = rng.choices((5, 4, 3, 2, 1), (70, 19, 6, 3, 1))[0]
    rated = by_day(done + timedelta(minutes=rng.lognormvariate(4.5, 1.2)), rng)
    story.rate(rated, stars, rng.choice(words.PRAISE[stars]))
    if stars > 2:
        return
    back = _office_hour(rated + timedelta(hours=rng.randrange(3, 70)), rng)
    if rng.random() < 0.75:
        story.call_back(back, True, rng.choice((4, 3, 3)), rng.choice(words.CALL_BACKS))
        return
    story.call_back(back, False, 2, rng.choice(words.UNSOLVED))
    if serve(story, cast, rng, by_day(back + timedelta(minutes=rng.randrange(20, 300)), rng)):
        story.rate(by_day(story.order.completed_at + timedelta(hours=3), rng), 4, "这次弄好了")


def _office_hour(moment: datetime, rng: Random) -> datetime:
    day = clock.local(moment).date()
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    return max(moment, moment_on(day, rng.choice((9, 10, 11, 15, 16)), rng.randrange(60), rng.randrange(60)))


def gather(cast: Cast, rows: Rows, rng: Random, regulars: Sequence[Someone]) -> None:
    """Saturdays on which regulars work together, outside any order: most of a volunteer's hours come from these."""
    day, today = clock.today() - timedelta(days=DAYS), clock.today()
    while day < today:
        if day.weekday() == 5:
            name, minutes = rng.choice(words.GATHERINGS), rng.choice((120, 150, 180))
            start = moment_on(day, 8, 30)
            for n, who in enumerate(regulars):
                if rng.random() < 0.95 - 0.05 * n and cast.keep_free(who.id, start, minutes):
                    end = start + timedelta(minutes=minutes)
                    entry = hour_entry(who.id, cast.estate_id, start, end, minutes, name, "", cast.secretary.id)
                    rows.hours.append(entry | cast.origin(cast.estate_name, "activity"))
        day += timedelta(days=1)


def mend(cast: Cast, rows: Rows, rng: Random, count: int) -> None:
    """Correct a few entries: each reversed and written anew, with its reason."""
    first = datetime(2000, 1, 1, tzinfo=UTC)
    old = [entry for entry in rows.hours if entry["minutes"] >= 45 and entry["order_id"] and entry["ends_at"] > first]
    for entry in rng.sample(old, min(count, len(old))):
        at, reason = entry["ends_at"] + timedelta(hours=20), rng.choice(words.CORRECTIONS)
        if at > clock.now():
            continue
        fresh = {"note": reason, "recorded_at": at, "recorded_by": cast.secretary.id, "recorded_late": False}
        minutes = entry["minutes"] - rng.choice((10, 15, 20))
        rows.hours.append(entry | fresh | {"id": new_id(), "minutes": -entry["minutes"], "reverses_id": entry["id"]})
        rows.hours.append(entry | fresh | {"id": new_id(), "minutes": minutes, "corrects_id": entry["id"]})
        details = {"from": entry["minutes"], "to": minutes, "volunteer": entry["volunteer_id"]}
        subject = Subject("hour_entry", entry["id"], cast.estate_id)
        rows.events.append(
            audit.event_values(cast.secretary.id, cast.secretary.name, "correct_hours", subject, reason=reason,
                               details=details, at=at)
        )  # fmt: skip
