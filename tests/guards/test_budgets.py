"""How many statements a step and a list may cost, whatever the size of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, insert, select

from core import calendar, clock
from core.database import begin_write, db
from core.ids import new_id
from core.outbox import Delivery, Message
from services.orders import workflow
from services.orders.workflow import Wish
from services.sos import workflow as emergencies
from services.standing import workflow as standing
from services.standing.recurrence import Pattern
from services.standing.workflow import Agreement
from tests.factories import Caller, World, browser, caller, person, volunteer
from volunteers.registry.models import Volunteer
from volunteers.teams import workflow as teams
from volunteers.teams.models import TeamMembership

STEP, LIST, PAGE = 3, 2, 6
OWN = {"orders.desk": 5, "calendar.desk": 5}
"""Pages that are open all day; the calendar with the table of days, which a process reads first of all."""
SIZES = (10, 300)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent to any database inside."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def cost(ask: Callable[[], Any]) -> int:
    """The statements of a request that succeeds."""
    with counted() as seen:
        answer = ask()
    assert answer.status_code in (200, 201), (answer.request.path, answer.status_code)
    return len(seen)


# Steps of an order


def test_each_step_costs_three_statements_at_most(app: Flask, world: World, at: Callable[[datetime], None]) -> None:
    """With sign-in and an idempotency key."""
    with app.app_context():
        # Read once in a process, then looked at once a minute: no step pays for it.
        calendar.is_working_day(clock.today())
    programs = {name: caller(app, world[name]) for name in ("resident", "secretary", "volunteer1", "volunteer2")}
    spent: dict[str, int] = {}

    def step(name: str, order: str, verb: str, **body: Any) -> None:
        program: Caller = programs[name]
        path = f"/orders/{order}/{verb}" if order else "/orders"
        costs = cost(lambda: program.post(path, body, new_id()))
        spent[verb] = max(costs, spent.get(verb, 0))

    def offered() -> str:
        order: str = programs["resident"].post("/orders", {"service_item": "elder_shopping"}).json["id"]
        step("secretary", order, "dispatch", volunteers=[world["volunteer1"].id, world["volunteer2"].id])
        return order

    step("resident", "", "place", service_item="elder_shopping")
    first = offered()
    step("secretary", first, "dispatch", open=True)
    step("volunteer2", first, "decline", reason="没空")
    step("volunteer1", first, "accept")
    step("volunteer1", first, "withdraw", reason="有事")
    step("secretary", first, "dispatch", volunteers=[world["volunteer1"].id])
    step("volunteer1", first, "accept")
    step("secretary", first, "no_show", volunteer=world["volunteer1"].id, reason="没有到")
    step("secretary", first, "send_back", reason="请补充")
    step("resident", first, "resubmit", note="补充")
    step("resident", first, "cancel", reason="不用了")
    second = offered()
    step("volunteer1", second, "accept")
    step("volunteer1", second, "check_in")
    step("secretary", second, "reassign", reason="换人")
    step("secretary", second, "dispatch", volunteers=[world["volunteer1"].id])
    step("volunteer1", second, "accept")
    step("volunteer1", second, "check_in")
    step("volunteer1", second, "complete", minutes=1, note="")
    step("resident", second, "rate", stars=1)
    step("secretary", second, "call_back", solved=False, note="再派")
    third = programs["resident"].post("/orders", {"service_item": "elder_shopping"}).json["id"]
    step("secretary", third, "dispatch", volunteers=[world["volunteer1"].id])
    step("secretary", third, "undo")
    step("secretary", third, "dispatch", volunteers=[world["volunteer2"].id])
    step("volunteer2", third, "accept")
    step("volunteer2", third, "check_in")
    step("secretary", third, "complete_for", volunteer=world["volunteer2"].id, minutes=1, reason="忘了点完成")
    fourth = programs["resident"].post("/orders", {"service_item": "legal"}).json["id"]
    step("secretary", fourth, "pause", reason="等居民")
    step("resident", fourth, "resume", note="好了")
    step("secretary", fourth, "extend", reason="等配件", minutes=1440)
    step("secretary", fourth, "extend", reason="还没到", minutes=1440)
    at(clock.now() + timedelta(days=60))
    step("secretary", fourth, "take_up", note="这就去")
    # Handing over also looks up the desks that an order can go to; recounting is a job's.
    assert set(spent) == set(workflow.ORDERS.steps) - {"expire", "transfer", "recount"}
    assert {verb: costs for verb, costs in spent.items() if costs > STEP} == {}


# Lists


def fill(app: Flask, world: World, size: int) -> None:
    """So many orders, people, volunteers, accounts, events and messages more in the estate."""
    with app.app_context():
        resident, banyan = world["resident"].viewer(), world.estates["banyan"]
        order = workflow.place(resident, Wish("elder_shopping", volunteers_needed=2))
        volunteers = [world[f"volunteer{n}"].id for n in (1, 2)]
        workflow.dispatch(world["secretary"].viewer(), order.id, volunteers=volunteers)
        for _ in range(size):
            workflow.place(resident, Wish("elder_shopping"))
        series(world, size // 4)
        begin_write()
        for n in range(size // 2):
            person(f"居民{n}", banyan, banyan_home(world))
            volunteer(f"义工{n}", banyan, skills=("shopping",), home=banyan_home(world))
        now = clock.now()
        letters = [new_id() for _ in range(size)]
        message = {"recipient_id": resident.person_id, "estate_id": banyan.id, "kind": "x", "title": "x",
                   "created_at": now, "state": "sent"}  # fmt: skip
        db.session.execute(insert(Message), [message | {"id": id_} for id_ in letters])
        delivery = {"estate_id": banyan.id, "channel": "email", "target": resident.person_id, "gateway": "email",
                    "state": "dead", "attempts": 6, "created_at": now, "next_try_at": now}  # fmt: skip
        db.session.execute(insert(Delivery), [delivery | {"id": id_, "message_id": id_} for id_ in letters])
        db.session.commit()


def series(world: World, count: int) -> None:
    """So many series of the estate, each with its visit made."""
    pattern, today = Pattern("week", weekdays=(1,)), clock.today()
    for _ in range(count):
        agreement = Agreement("errands", world["neighbour"].id, pattern, today, 510, 630)
        standing.advance(str(standing.set_up(world["secretary"].viewer(), agreement).id))


def team_of_all(app: Flask, world: World) -> str:
    """A team with every volunteer of the estate in it; its id."""
    with app.app_context():
        begin_write()
        said = {"kind": "squad", "name": "大队伍", "organisation_id": world.estates["banyan"].branch.id,
                "founded_on": clock.today()}  # fmt: skip
        team = teams.found(world["secretary"].viewer(), said)
        here = select(Volunteer.person_id).where(Volunteer.estate_id == world.estates["banyan"].id)
        since = teams.today_began()
        db.session.execute(insert(TeamMembership), [
            {"id": new_id(), "estate_id": world.estates["banyan"].id, "team_id": team, "person_id": person_id,
             "state": "member", "version": 1, "role": "member", "via": "roll", "wish": "", "joined_at": since,
             "reason": "", "updated_at": since}
            for person_id in db.session.scalars(here).all()
        ])  # fmt: skip
        db.session.commit()
        return team


def banyan_home(world: World) -> str:
    return world["neighbour"].household_id or ""


CALLS = {
    "/orders": "secretary", "/orders?mine=true": "resident", "/orders?state=placed&limit=200": "staff",
    "/service-items": "resident",
    "/orders?mine=1": "volunteer1", "/volunteers": "secretary",
    "/households": "grid_worker", "/households?q=居民": "secretary", "/me": "resident",
}  # fmt: skip
PAGES = {
    "orders.desk": ("secretary", "/desk"),
    "orders.mine": ("resident", "/orders/mine"),
    "standing.mine": ("resident", "/standing"),
    "standing.desk": ("secretary", "/desk/standing"),
    "calendar.mine": ("volunteer1", "/calendar"),
    "calendar.desk": ("secretary", "/desk/calendar"),
    "orders.services": ("resident", "/services"),
    "orders.tasks": ("volunteer1", "/tasks"),
    "hours.mine": ("volunteer1", "/hours"),
    "hours.index": ("secretary", "/hours/desk"),
    "hours.late_records": ("secretary", "/hours/desk/late"),
    "hours.record_hours": ("secretary", "/hours/desk/record"),
    "disputes.queue": ("secretary", "/hours/desk/disputes"),
    "disputes.mine": ("volunteer1", "/disputes"),
    "notices.index": ("secretary", "/hours/desk/notices"),
    "honours.roll": ("resident", "/honours"),
    "timebank.index": ("secretary", "/hours/desk/timebank"),
    "timebank.mine": ("volunteer1", "/timebank"),
    "accounts.accounts": ("secretary", "/accounts"),
    "system.audit": ("secretary", "/audit"),
    "system.outbox": ("secretary", "/outbox"),
    "system.jobs": ("admin", "/jobs"),
    "inbox.index": ("resident", "/inbox"),
    "channels.mine": ("volunteer1", "/me/messages"),
    "robots.index": ("secretary", "/robots"),
    "people.search": ("secretary", "/people?q=居民"),
    "registry.volunteers": ("secretary", "/volunteers"),
    "registry.archive": ("secretary", "/volunteers/archive"),
    "applications.index": ("secretary", "/volunteers/applications"),
    "teams.index": ("secretary", "/teams"),
    "teams.mine": ("volunteer1", "/teams/mine"),
    "teams.show": ("secretary", "/teams/{team}"),
    "catalogue.items": ("secretary", "/items?estate={estate}"),
    "grid.estates": ("staff", "/estates"),
    "grid.estate": ("secretary", "/estates/{estate}"),
    "grid.building": ("secretary", "/buildings/{building}"),
    "grid.household": ("secretary", "/households/{household}"),
    "organisations.posts": ("staff", "/posts"),
    "sos.calls": ("secretary", "/emergency"),
    "contacts.mine": ("resident", "/me/contacts"),
    "workdays.show": ("secretary", "/workdays"),
}


@pytest.mark.parametrize("size", SIZES)
def test_lists_of_the_api_cost_two(size: int, app: Flask, world: World) -> None:
    fill(app, world, size)
    costs = {}
    for path, name in CALLS.items():
        program = caller(app, world[name])
        costs[path] = cost(lambda program=program, path=path: program.get(path))
    order = caller(app, world["secretary"]).get("/orders", state="dispatched").json["items"][0]["id"]
    for path in (f"/orders/{order}", f"/orders/{order}/events"):
        costs[path] = cost(lambda path=path: caller(app, world["secretary"]).get(path))
    assert {path: number for path, number in costs.items() if number > LIST} == {}
    # A list and the sum over all of its pages.
    assert cost(lambda: caller(app, world["volunteer1"]).get("/volunteers/me/hours")) <= LIST


@pytest.mark.parametrize("size", SIZES)
def test_pages_with_lists_cost_six(size: int, app: Flask, world: World) -> None:
    fill(app, world, size)
    places = {"estate": world.estates["banyan"].id, "building": world.estates["banyan"].building_id,
              "household": banyan_home(world), "team": team_of_all(app, world)}  # fmt: skip
    costs = {}
    for endpoint, (name, address) in PAGES.items():
        client = browser(app, world[name])
        costs[endpoint] = cost(lambda client=client, address=address: client.get(address.format(**places)))
    assert {endpoint: number for endpoint, number in costs.items() if number > OWN.get(endpoint, PAGE)} == {}


@pytest.mark.parametrize("answers", [0, 3])
def test_an_open_emergency_adds_one_statement_however_many_come(answers: int, app: Flask, world: World) -> None:
    fill(app, world, SIZES[0])
    helpers = ("grid_worker", "steward", "deputy")[:answers]
    with app.app_context():
        call, _ = emergencies.raise_call(world["resident"].viewer(), emergencies.Wish())
        for name in helpers:
            emergencies.on_way(world[name].viewer(), call.id)
    desk, days = (browser(app, world["secretary"]) for _ in range(2))
    assert "strip__line" in desk.get("/desk").text
    assert cost(lambda: desk.get("/desk")) <= OWN["orders.desk"] + 1
    assert cost(lambda: days.get("/desk/calendar")) <= OWN["calendar.desk"]


def test_candidates_and_plans_do_not_cost_more_with_more_orders(app: Flask, world: World) -> None:
    spent = []
    for size in (5, 40):
        fill(app, world, size)
        program = caller(app, world["secretary"])
        order = program.get("/orders", state="placed").json["items"][0]["id"]
        spent.append(
            (
                cost(lambda program=program, order=order: program.get(f"/orders/{order}/candidates", excluded="true")),
                cost(
                    lambda program=program: program.post(
                        "/dispatch-plans", {"estate": world.estates["banyan"].id}, new_id()
                    )
                ),
            )
        )
    assert spent[0] == spent[1]
    assert spent[0][0] <= STEP
    assert spent[0][1] <= PAGE


def test_every_list_that_is_counted_is_a_page_of_the_product(app: Flask) -> None:
    assert set(PAGES) <= {rule.endpoint for rule in app.url_map.iter_rules()}
