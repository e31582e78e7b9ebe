"""Figures of people: each is what plain loops give, its list adds up to it, and its units to the whole."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from community.grid.models import Estate, Person
from core import clock, reports
from core.database import begin_write, db, engines, fast, one_moment, remembered, write_intent
from core.reports import Question, Value
from services.orders.models import ServiceOrder
from services.reports import measures, roster
from services.reports.activity import SUBJECTS
from services.reports.asked import Asked, whole_period
from services.reports.measures import before
from services.reports.queries import Unit
from services.reports.workflow import list_estates, roll_hours, roll_orders
from tests.factories import Place, World, browser, volunteer
from tests.guards.test_budgets import counted
from tests.services.reports.recount import of_people
from tests.services.reports.test_figures import roll
from tests.services.reports.test_papers import free  # noqa: F401
from tests.services.reports.test_queries import live, lived  # noqa: F401
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
STATEMENTS = 34


@pytest.fixture
def mixed(app: Flask, lived: World) -> World:  # noqa: F811
    """The town after its weeks, with people who came, left and moved away on various days."""
    with app.app_context():
        _come_and_go(list(lived.estates.values()))
    return lived


def _come_and_go(places: list[Place]) -> None:
    rng = random.Random(7)
    for n in range(24):
        begin_write()
        who = volunteer(f"新人{n}", rng.choice(places))
        joined = FIRST + timedelta(days=rng.randrange(-60, 60))
        values = {"joined_on": joined, "left_on": joined + timedelta(days=rng.randrange(40)) if n % 3 == 0 else None}
        db.session.execute(update(Volunteer).where(Volunteer.person_id == who.id).values(**values))
        if n % 4 == 0:
            gone = FIRST + timedelta(days=rng.randrange(-5, 40))
            db.session.execute(update(Person).where(Person.id == who.id).values(moved_out_on=gone))
        db.session.commit()


def measures_of_people() -> list[str]:
    return [name for name, measure in reports.measures().items() if measure.group in roster.GROUPS]


def pages(question: Question, name: str) -> Iterator[Any]:
    """All rows behind a figure, some at a time."""
    cursor: str | None = None
    while True:
        page = reports.behind(question, name, cursor, 3)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def test_the_register_and_the_roll_are_counted_as_they_stand(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        for first, last in ((FIRST, LAST), (date(2026, 10, 10), date(2026, 11, 4)), (LAST, LAST)):
            right = of_people(path, first, last)
            drawn = reports.draw(Question(path, first, last), list(right))[""]
            assert {name: drawn.get(name, Value(0)).amount for name in right} == right


def test_every_list_of_people_adds_up_to_its_figure_and_units_to_the_whole(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        asked = Question(path, FIRST, LAST)
        drawn = reports.draw(asked, measures_of_people())[""]
        for name, value in drawn.items():
            measure = reports.measures()[name]
            rows = list(pages(asked, name))
            top = sum(row.minutes if measure.kind == "sum" else row.counts for row in rows)
            if measure.kind == "rate":
                assert (top, len(rows)) == (value.numerator, value.denominator), name
            elif name not in ("teams.served",):
                assert top == (value.amount or 0), name
            if "unit" in measure.cuts:
                units = reports.draw(Question(path, FIRST, LAST, "unit"), [name])
                parts = [unit[name] for unit in units.values()]
                if measure.kind == "rate" and name != "volunteers.retained":
                    assert sum(part.denominator or 0 for part in parts) == (value.denominator or 0), name
                elif measure.kind != "rate" and name != "volunteers.active":
                    assert sum(part.amount or 0 for part in parts) == (value.amount or 0), name


def test_months_of_flows_add_up_and_stocks_are_those_at_their_end(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        first, last = date(2026, 10, 1), date(2026, 12, 15)
        names = ["volunteers.joined", "volunteers.registered"]
        months = reports.draw(Question(path, first, last, "month"), names)
        whole = reports.draw(Question(path, first, last), names)[""]
        assert sum(month["volunteers.joined"].amount or 0 for month in months.values()) == whole[names[0]].amount
        assert months["2026-12"]["volunteers.registered"] == whole["volunteers.registered"]
        assert months["2026-11"][names[1]].amount == of_people(path, FIRST, LAST)[names[1]]


def test_who_was_active_before_and_is_again(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        for first, last in ((FIRST, LAST), (date(2026, 11, 9), date(2026, 11, 22))):
            asked = Question(path, first, last)
            earlier = before(asked)
            served: dict[bool, set[str]] = defaultdict(set)
            rows = select(HourEntry, Estate.path).join(Estate, Estate.id == HourEntry.estate_id)
            for entry, stands in db.session.execute(rows):
                day = clock.local(entry.starts_at).date()
                for is_now, span in ((True, asked), (False, earlier)):
                    if span.first <= day <= span.last and stands.startswith(path):
                        served[is_now].add(entry.volunteer_id)
            value = reports.draw(asked, ["volunteers.retained"])[""]["volunteers.retained"]
            assert (value.numerator, value.denominator) == (len(served[True] & served[False]), len(served[False]))
        assert (before(Question(path, FIRST, LAST)).first, earlier.first) == (date(2026, 10, 1), date(2026, 10, 26))


def test_what_was_not_kept_of_a_past_day_is_nothing(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        asked = Question(path, FIRST, LAST, as_of=date(2026, 11, 10))
        drawn = reports.draw(asked, ["volunteers.registered", "orders.placed"])[""]
        assert drawn["volunteers.registered"].amount is None
        assert drawn["orders.placed"].amount is not None


def test_the_page_costs_no_more_than_it_must_and_its_paper_says_the_same(free: Flask, mixed: World) -> None:  # noqa: F811
    client = browser(free, mixed["staff"])
    with counted() as seen:
        page = client.get("/reports/people", query_string={"period": "month", "on": "2026-11-15"})
    assert page.status_code == 200
    assert len(seen) <= STATEMENTS, "\n".join(seen)
    with free.app_context():
        body = mixed.bodies["community"]
        drawn = roster.draw(Asked(Unit(body.id, body.name, body.path), whole_period("month", FIRST)))
        registered = next(line for line in drawn.lines if line.measure.name == "volunteers.registered")
    text = page.get_data(as_text=True)
    assert f"{int(registered.now.amount or 0)}人</a>" in text if registered.now else False
    form = {"period": "month", "on": "2026-11-15", "kind": "people", "format": "csv"}
    paper = client.post("/reports/export", data=form).get_data(as_text=True)
    assert f"登记志愿者,人,{int(registered.now.amount or 0)}," in paper if registered.now else False


@pytest.mark.parametrize("name", ["volunteers.active", "volunteers.registered", "volunteers.retained"])
def test_a_list_of_volunteers_leads_to_each_of_them(name: str, app: Flask, mixed: World) -> None:
    client = browser(app, mixed["secretary"])
    query = {"period": "month", "on": "2026-11-15", "measure": name}
    found = re.findall(r'href="(/volunteers/[^"]+)"', client.get("/reports/behind", query_string=query).text)
    assert found and all(client.get(address).status_code == 200 for address in found)
    masked = browser(app, mixed["street_staff"]).get("/reports/behind", query_string=query).text
    assert "/volunteers/" not in masked.partition("<main")[2] and "陈*" in masked


def test_inside_one_moment_nothing_moves(app: Flask, world: World) -> None:
    asked = [0]

    def ask() -> int:
        asked[0] += 1
        return len(fast().execute(select(ServiceOrder.id)).all())

    def rename(name: str) -> None:
        with engines().main.begin() as other:
            other.execute(update(Estate).where(Estate.id == world.estates["banyan"].id).values(name=name))

    with app.app_context():
        name = select(Estate.name).where(Estate.id == world.estates["banyan"].id)
        with one_moment():
            old = fast().execute(name).scalar()
            with write_intent():
                rename("改名园")
            assert fast().execute(name).scalar() == old
            assert remembered("orders", ask) == remembered("orders", ask)
            with one_moment():
                assert fast().execute(name).scalar() == old
        assert fast().execute(name).scalar() == "改名园"
        assert asked == [1]
        remembered("orders", ask)
        remembered("orders", ask)
        assert asked == [3]


def test_the_list_of_served_households_says_when_each_was_last(app: Flask, mixed: World) -> None:
    path = mixed.bodies["community"].path
    with app.app_context():
        for last in (date(2026, 11, 10), clock.today()):
            asked = Question(path, FIRST, last)
            listed = reports.behind(asked, "households.served", None, 500).items
            entries = db.session.execute(
                select(ServiceOrder.household_id, HourEntry.starts_at)
                .join(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
                .join(Estate, Estate.id == HourEntry.estate_id)
                .where(Estate.path.startswith(path))
            ).all()
            days: dict[str, list[date]] = {}
            for household, starts_at in entries:
                days.setdefault(household, []).append(clock.local(starts_at).date())
            right = {who: max(own) for who, own in days.items() if any(FIRST <= day <= last for day in own)}
            assert {row.row_key: row.last_served for row in listed} == right
            assert right and all(row.household_label and row.estate_name for row in listed)


@pytest.mark.parametrize("few", [False, True])
def test_lists_of_people_name_whom_the_ledger_names(
    few: bool, app: Flask, mixed: World, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "_few", lambda *_asked: few)
    paths = [mixed.bodies["community"].path, next(iter(mixed.estates.values())).branch.path]
    spans = [(FIRST, LAST), (FIRST, date(2026, 11, 10)), (date(2026, 11, 9), date(2026, 11, 9)),
             (date(2026, 9, 1), clock.today())]  # fmt: skip
    with app.app_context():
        for rolled in ("not rolled", "some rolled", "all rolled"):
            if rolled == "some rolled":
                row = list_estates()[0]
                roll_orders(row.id, row.path)
                roll_hours(row.id, row.path)
            elif rolled == "all rolled":
                at(clock.now() + timedelta(minutes=5))
                roll()
            for name, who in measures.SUBJECT_OF.items():
                for path, (first, last), item in product(paths, spans, ("", "errands")):
                    asked = Question(path, first, last, only={"item": item} if item else {})
                    start, end = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
                    entries = (
                        select(SUBJECTS[who])
                        .distinct()
                        .select_from(HourEntry)
                        .join(Estate, Estate.id == HourEntry.estate_id)
                        .outerjoin(ServiceOrder, ServiceOrder.id == HourEntry.order_id)
                        .where(Estate.path.startswith(path), HourEntry.starts_at >= start, HourEntry.starts_at < end)
                    )
                    if item:
                        entries = entries.where(ServiceOrder.item_code == item)
                    right = sorted(one for one in db.session.scalars(entries) if one)
                    assert [row[0] for row in pages(asked, name)] == right, (name, rolled, asked)
