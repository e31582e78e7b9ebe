"""The volunteers in reach as columns, one entry a volunteer in the order of ids, and hard rules as masks over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from services.dispatch.costs import BUILDING, NEAR, UNIT, month_tenths, past_tenths, rating_tenths
from services.dispatch.facts import Facts, calendar_of, days_of, hours_of, skills_of, split
from services.dispatch.matching import ADULT, HERE, LEAST_AGE
from services.dispatch.reading import FIELDS, FIVE, PACK
from services.dispatch.terms import Need, Scale
from services.dispatch.times import DAY, date_of, free_from, needed, weekday_of

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
NONE = np.empty(0, np.int64)
WEEK = 7
_LINE = 2 * DAY


class Pool:
    """What ``facts`` hold, as columns."""

    def __init__(self, facts: Facts, estate_id: str) -> None:
        self.facts, self.rows = facts, facts.rows
        self.count = len(self.rows)
        columns: Any = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(FIELDS)
        self._column = dict(zip(FIELDS, columns, strict=True))
        self.own = self._mask("estate_id", estate_id)
        self.stays = self._mask("reach", "building")
        self._open = self._mask("standing", "active") & self._truth("is_available")
        self._guarded = self._truth("guardian_consent")
        self._born = np.array([d.year * 10000 + d.month * 100 + d.day if d else 0 for d in self._column["birth_date"]],
                              np.int64)  # fmt: skip
        self._sex = self._whole("sex")
        self._cap, self._offers_today = self._whole("weekly_cap"), self._whole("offers_today")
        self._skills: dict[str, tuple[Mask, Mask]] = {}
        self._read_skills()
        self._read_places()
        self._read_hours()
        self._read_tasks()
        self._read_pairs()
        self._masks: dict[tuple[Any, ...], Mask] = {}

    def _mask(self, field: str, value: Any) -> Mask:
        return np.fromiter((own == value for own in self._column[field]), bool, self.count)

    def _truth(self, field: str) -> Mask:
        return np.fromiter(self._column[field], bool, self.count)

    def _whole(self, field: str) -> Numbers:
        return np.fromiter((int(value or 0) for value in self._column[field]), np.int64, self.count)

    # Reading

    def _read_skills(self) -> None:
        held: dict[str, list[int]] = {}
        checked: dict[str, list[int]] = {}
        for n, text in enumerate(self._column["skills"]):
            for skill, verified in skills_of(text or "").items():
                held.setdefault(skill, []).append(n)
                if verified:
                    checked.setdefault(skill, []).append(n)
        self._skills = {
            skill: (self._marked(people), self._marked(checked.get(skill, ()))) for skill, people in held.items()
        }

    def _marked(self, people: Sequence[int] | Numbers) -> Mask:
        mask = np.zeros(self.count, bool)
        mask[np.asarray(people, np.int64)] = True
        return mask

    def _read_places(self) -> None:
        self._ids = {row.id: n for n, row in enumerate(self.rows)}
        self._homes: dict[str, list[int]] = {}
        self._buildings: dict[tuple[str, int | None, bool], list[int]] = {}
        for n, home in enumerate(self._column["household_id"]):
            if home is not None:
                self._homes.setdefault(home, []).append(n)
        numbers = self._column["building_number"]
        for n, building in enumerate(self._column["building_id"]):
            if building is not None:
                self._buildings.setdefault((building, numbers[n], bool(self.own[n])), []).append(n)
        self._units = self._column["unit_id"]
        self._near: dict[tuple[Any, ...], tuple[Numbers, Numbers]] = {}

    def _read_hours(self) -> None:
        """Weekly hours as rows of person, opening and closing for each weekday, those that touch made one."""
        texts = self._column["hours"]
        self.has_hours = np.fromiter((text is not None for text in texts), bool, self.count)
        whole = ";".join(filter(None, texts))
        packed = np.array(whole.split(";"), np.int64) if whole else NONE
        person = np.repeat(np.arange(self.count), [text.count(";") + 1 if text else 0 for text in texts])
        lane = (person * WEEK + packed // PACK // PACK) * _LINE
        opens, closes = lane + packed // PACK % PACK, lane + packed % PACK
        order = np.argsort(opens, kind="stable")
        opens, closes = opens[order], np.maximum.accumulate(closes[order]) if len(order) else NONE
        fresh = np.ones(len(opens), bool)
        fresh[1:] = opens[1:] > closes[:-1]
        last = np.ones(len(opens), bool)
        last[:-1] = fresh[1:]
        opens, closes = opens[fresh], closes[last]
        days = opens // _LINE
        self._hours = [
            (days[on] // WEEK, opens[on] % _LINE, closes[on] % _LINE)
            for on in (days % WEEK == weekday for weekday in range(WEEK))
        ]

    def _read_tasks(self) -> None:
        now = self.facts.now
        tasks: list[tuple[int, int, int]] = []
        self._weeks: dict[int, Numbers] = {}
        for n, text in enumerate(self._column["tasks"]):
            if text:
                weeks, kept = calendar_of(text, now)
                tasks += [(n, task.start, task.end) for task in kept]
                for week, orders in weeks.items():
                    self._weeks.setdefault(week, np.zeros(self.count, np.int64))[n] = orders
        off = [(n, *span) for n, text in enumerate(self._column["off"]) if text for span in days_of(text)]
        self._tasks, self._off = _columns(tasks), _columns(off)

    def _read_pairs(self) -> None:
        self._served: dict[str, dict[int, int]] = {}
        self._apart: dict[str, list[int]] = {}
        self._here: dict[str, list[int]] = {}
        for n, text in enumerate(self._column["served"]):
            for person in split(text):
                own = self._served.setdefault(person.rstrip(FIVE), {})
                own[n] = own.get(n, 0) + 1
        for n, text in enumerate(self._column["apart"]):
            for person in split(text):
                self._apart.setdefault(person, []).append(n)
        for n, text in enumerate(self._column["here"]):
            for part in split(text):
                order, _, state = part.partition("=")
                if state in HERE:
                    self._here.setdefault(order, []).append(n)

    # Costs

    def standing(self, scale: Scale) -> Numbers:
        """What each costs whatever the order."""
        cost = month_tenths(self._whole("month"), scale.weights)
        cost = cost + rating_tenths(self._whole("stars"), self._whole("ratings"), scale)
        facts = self.facts
        for n, (declines, no_shows) in enumerate(zip(self._column["declines"], self._column["no_shows"], strict=True)):
            if declines or no_shows:
                cost[n] += sum(past_tenths(facts.ages(declines), facts.ages(no_shows), scale.weights))
        return np.asarray(cost, np.int64)

    def taken(self, week: int) -> Numbers:
        """Orders of each in a week."""
        found = self._weeks.get(week)
        return np.zeros(self.count, np.int64) if found is None else found

    def room(self, week: int) -> Numbers:
        """How many orders more each has room for in a week."""
        room: Numbers = np.maximum(self._cap - self.taken(week), 0)
        return room

    def offers_left(self, scale: Scale) -> Numbers:
        """How many offers more each may get today."""
        return scale.offers_a_day - self._offers_today

    def checked(self, skill: str) -> Mask:
        """Whose skill was verified."""
        found = self._skills.get(skill)
        return np.zeros(self.count, bool) if found is None else found[1]

    def near(self, need: Need) -> tuple[Numbers, Numbers]:
        """Who lives in the order's building or the next ones, and on what level."""
        key = need.building_id, need.building_number, need.unit_id
        found = self._near.get(key)
        if found is None:
            found = self._near[key] = self._find_near(need)
        return found

    def _find_near(self, need: Need) -> tuple[Numbers, Numbers]:
        people: list[int] = []
        levels: list[int] = []
        for (building, number, own), found in self._buildings.items():
            if building == need.building_id:
                people += found
                levels += [UNIT if self._units[n] == need.unit_id else BUILDING for n in found]
            elif own and _next(number, need.building_number):
                going = [n for n in found if not self.stays[n]]
                people += going
                levels += [NEAR] * len(going)
        return np.array(people, np.int64), np.array(levels, np.int64)

    def known(self, need: Need) -> tuple[Numbers, Numbers]:
        """Who has served the resident, and how often."""
        found = self._served.get(need.person_id)
        if not found:
            return NONE, NONE
        return np.fromiter(found, np.int64, len(found)), np.fromiter(found.values(), np.int64, len(found))

    # Hard rules

    def gone(self, need: Need) -> list[int]:
        """Whom this one order rules out: the resident's own household, pairs kept apart, whoever was asked already."""
        own = self._ids.get(need.person_id)
        found = [] if own is None else [own]
        found += self._homes.get(need.household_id or "", ())
        found += self._apart.get(need.person_id, ())
        return found + self._here.get(need.order_id, [])

    def fit(self, need: Need, scale: Scale) -> Mask:
        """Whom what the order asks for does not rule out."""
        fit = self._open & self._of_age(need)
        for skill in need.skills:
            held = self._skills.get(skill)
            if held is None:
                return np.zeros(self.count, bool)
            fit = fit & (held[1] if skill in need.verified else held[0])
        if need.helper_sex:
            fit = fit & (self._sex == need.helper_sex)
        if need.training:
            trained = self.facts.trained.get(need.training, set())
            fit = fit & self._marked([self._ids[who] for who in trained if who in self._ids])
        fit = fit & (self.room(need.week) > 0)
        if not need.urgent:
            fit = fit & (self.offers_left(scale) > 0)
        return fit & self._free(need, scale.weights.margin) if need.start is not None else fit

    def _of_age(self, need: Need) -> Mask:
        key = "age", need.day, need.emergency, need.min_age, need.max_age
        if key not in self._masks:
            day = date_of(need.day)
            age = (day.year * 10000 + day.month * 100 + day.day - self._born) // 10000
            minor = age < ADULT
            of_age = (age >= LEAST_AGE) & ~(minor & ~self._guarded)
            if need.emergency:
                of_age &= ~minor
            of_age |= self._born == 0
            if need.min_age is not None:
                of_age &= (age >= need.min_age) & (self._born > 0)
            if need.max_age is not None:
                of_age &= (age <= need.max_age) & (self._born > 0)
            self._masks[key] = of_age
        return self._masks[key]

    def _free(self, need: Need, margin: int) -> Mask:
        start, end = need.start, need.end
        assert start is not None and end is not None
        key = "free", start, end, needed(start, end, need.minutes), margin
        if key not in self._masks:
            self._masks[key] = self._find_free(start, end, need.minutes, margin)
        return self._masks[key]

    def _find_free(self, start: int, end: int, minutes: int, margin: int) -> Mask:
        """Whole columns at once; one by one those who have a task about that time, and all when midnight is inside."""
        midnight, last = start // DAY, (end - 1) // DAY
        free = ~self.has_hours
        if midnight == last:
            person, opens, closes = self._hours[weekday_of(midnight)]
            first, until = start - midnight * DAY, end - midnight * DAY
            long = np.minimum(closes, until) - np.maximum(opens, first) >= needed(start, end, minutes)
            free[person[long]] = True
        (busy, begins, ends), (away, leaves, comes) = self._tasks, self._off
        free[away[(leaves <= last) & (comes >= midnight)]] = False
        about = np.unique(busy[(ends + margin > start) & (begins - margin < end)])
        for n in range(self.count) if midnight != last else about.tolist():
            row = self.rows[n]
            tasks = sorted((task.start, task.end) for task in calendar_of(row.tasks, self.facts.now)[1])
            hours, off = hours_of(row.hours or ""), days_of(row.off)
            free[n] = free_from(start, end, minutes, hours, off, tasks, margin) is not None
        return free


def _next(number: int | None, other: int | None) -> bool:
    return number is not None and other is not None and abs(number - other) <= 1


def _columns(rows: Sequence[tuple[int, int, int]]) -> tuple[Numbers, Numbers, Numbers]:
    if not rows:
        return NONE, NONE, NONE
    first, second, third = np.array(rows, np.int64).T
    return first, second, third
