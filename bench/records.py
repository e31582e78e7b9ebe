"""Records in numbers: a subdistrict of a hundred estates with orders and hours over three years, made by the database.

``make`` fills an empty, migrated database with set-based SQL alone, ten million orders as well as six hundred, and
``bench.sums`` counts them into the sums, so that no sweep has to run for a day; a test proves that nothing differs. All
of it lies before the mark but for a small tail. Numbers are drawn by multiplying modulo a prime, the same each time.
Left out is what no report reads: offers and events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Index, insert, text

from bench import duties, sums
from bench.sql import PRIME, draw, fill, given, moment, numbers, run, stamp, without_triggers
from community.accounts.models import Account, SignIn
from community.grid.models import Building, Estate, Household, Person, Unit
from community.organisations.models import Appointment, Organisation
from core import clock
from core.database import begin_write, db, dialect_name
from core.ids import new_id
from services.orders.models import ServiceOrder
from services.reports import times
from services.reports.models import OrderCount
from volunteers.hours.models import HourEntry
from volunteers.registry.models import Volunteer
from volunteers.teams.models import Team, TeamMembership

DAYS, QUIET = 1095, 10
ESTATES, COMMUNITIES, PEOPLE, TEAM = 100, 10, 200, 20
ITEMS = ("elder_shopping", "errands", "plumbing")
LENGTHS = 97
STREET, DISTRICT = "s", "d"
PATH = f"{DISTRICT}/{STREET}/"


@dataclass(frozen=True)
class Size:
    """How much of everything; ``people`` live, order and help in each estate."""

    records: int
    estates: int = ESTATES
    communities: int = COMMUNITIES
    people: int = PEOPLE
    fresh: int = 200
    days_on_duty: int = DAYS


def seconds(length: int) -> tuple[int, int]:
    """How long the ``length``-th kind of order takes to its dispatch and to its end: five minutes to two days."""
    first = int(300 * 1.04**length)
    return first, first * 13


def make(app: Flask, size: Size) -> str:
    """Fill the database; returns a token for the API of somebody who may read the subdistrict's figures."""
    with app.app_context():
        now = clock.now()
        begin_write()
        token = _places(size, now)
        run("CREATE TEMP TABLE bench_length (k INTEGER, a INTEGER PRIMARY KEY, b INTEGER, a_bucket INTEGER, "
            "b_bucket INTEGER)")  # fmt: skip
        for k in range(LENGTHS):
            a, b = seconds(k)
            buckets = [times.bucket(now, now + timedelta(seconds=s)) for s in (a, b)]
            run(f"INSERT INTO bench_length VALUES ({k}, {a}, {b}, {buckets[0]}, {buckets[1]})")
        with _without_indexes():
            _orders(size, now)
            _hours()
            sums.count_orders(now)
        sums.fill(now)
        sums.fill_months()
        run("DROP TABLE bench_length")
        db.session.commit()
        _fresh(size, now)
        db.session.commit()
        duties.make(size.days_on_duty, now)
    return token


def _places(size: Size, now: datetime) -> str:
    rows: dict[Any, list[dict[str, Any]]] = {}

    def add(model: Any, **values: Any) -> None:
        rows.setdefault(model, []).append(values)

    def body(id_: str, kind: str, name: str, parent: str | None, path: str) -> None:
        add(Organisation, id=id_, kind=kind, name=name, parent_id=parent, path=path, code="")

    body(DISTRICT, "district", "区", None, f"{DISTRICT}/")
    body(STREET, "subdistrict", "街道", DISTRICT, PATH)
    for n in range(size.communities):
        body(f"c{n}", "community", f"社区{n}", STREET, f"{PATH}c{n}/")
    for e in range(size.estates):
        community = f"c{e % size.communities}"
        path = f"{PATH}{community}/b{e}/"
        body(f"b{e}", "branch", f"支部{e}", community, path)
        add(Estate, id=f"e{e}", name=f"小区{e}", branch_id=f"b{e}", path=path, duty_phone="", created_at=now)
        add(Building, id=f"g{e}", estate_id=f"e{e}", name="1栋", number=1, kind="building")
        add(Unit, id=f"u{e}", estate_id=f"e{e}", building_id=f"g{e}", number=1)
        add(Team, id=f"t{e}", kind="vanguard", name=f"队伍{e}", state="open", version=1, organisation_id=f"b{e}",
            estate_id=f"e{e}", path=path, slogan="", description="", founded_on=date(2023, 1, 1), created_at=now,
            updated_at=now)  # fmt: skip
        for p in range(size.people):
            who = f"{e}-{p}"
            add(Household, id="m" + who, estate_id=f"e{e}", building_id=f"g{e}", unit_id=f"u{e}", door=str(p), floor=1,
                label=f"1栋1单元{p}")  # fmt: skip
            add(Person, id="p" + who, estate_id=f"e{e}", household_id="m" + who, name="李明", care=[], created_at=now,
                updated_at=now)  # fmt: skip
            add(Volunteer, person_id="p" + who, estate_id=f"e{e}", number=f"v{who}", joined_on=date(2023, 1, 1),
                updated_at=now)  # fmt: skip
            if p < TEAM:
                add(TeamMembership, id=f"t{who}", estate_id=f"e{e}", team_id=f"t{e}", person_id="p" + who,
                    state="member", version=1, role="member", via="asked", wish="", reason="", updated_at=now,
                    joined_at=now - timedelta(days=DAYS + 1))  # fmt: skip
    token = _reader(add, now)
    for model, found in rows.items():
        db.session.execute(insert(model), found)
    return token


def _reader(add: Any, now: datetime) -> str:
    """Staff of the subdistrict, signed in to the API and, with ``web`` before the token, to the pages."""
    token, post = (
        new_id(),
        {"id": new_id(), "person_id": "p0-0", "organisation_id": STREET, "role": "subdistrict_staff"},
    )
    add(Account, id=token, person_id="p0-0", phone_sealed="-", phone_key=token, password_hash="-", created_at=now,
        issued_by="p0-0")  # fmt: skip
    for kind, word in (("api", token), ("web", f"web{token}")):
        add(SignIn, id=new_id(), digest=hashlib.sha256(word.encode()).hexdigest(), account_id=token, kind=kind,
            created_at=now, expires_at=now + timedelta(days=1))  # fmt: skip
    add(Appointment, starts_on=date(2023, 1, 1), created_at=now, created_by="p0-0", **post)
    return token


_ORDER = {
    "id": "'o' || n", "estate_id": "'e' || e", "desk_id": "'b' || e", "code": "n", "state": "state", "version": "1",
    "item_code": "item", "item": """'{"name":"服务"}'""", "household_id": "'m' || e || '-' || p",
    "household_label": "'1栋'", "person_id": "'p' || e || '-' || p", "person_name": "'李明'", "salutation": "'李'",
    "placed_by": "'p' || e || '-' || p", "placed_by_name": "''", "placed_as": "'self'", "door_code": "'1234'",
    "placed_at": "placed_at", "note": "''", "attention": "'[]'", "volunteers_needed": "1",
    "accepted_count": "CASE WHEN state = 'closed' THEN 1 ELSE 0 END", "urgent": "FALSE", "helper_sex": "0",
    "due_at": "due_at", "dispatched_at": "CASE WHEN state = 'closed' THEN dispatched END",
    "completed_at": "CASE WHEN state = 'closed' THEN completed END",
    "closed_at": "CASE WHEN state = 'closed' THEN completed END", "minutes": "0",
    "stars": "CASE WHEN state = 'closed' AND r % 5 < 3 THEN 1 + r % 5 + r % 2 END", "comment": "''",
    "solved": "CASE WHEN state = 'closed' AND r % 7 = 0 THEN r % 9 < 8 END",
    "satisfied": "CASE WHEN state = 'closed' AND r % 14 = 0 THEN 2 + r % 4 END",
    "reopened": "CASE WHEN r % 50 = 0 THEN 1 ELSE 0 END", "clock": "'{}'", "reminded": "0", "escalated": "0",
    "updated_at": "CASE WHEN state = 'closed' THEN completed ELSE dispatched END",
}  # fmt: skip
_STATE = "CASE WHEN {r} % 100 < 4 THEN 'cancelled' WHEN {r} % 100 < 6 THEN 'sent_back' ELSE 'closed' END"


def _orders(size: Size, now: datetime) -> None:
    """Orders placed evenly over the years, closed or dropped all of them; the days before today are quiet."""
    span = (DAYS - QUIET) * 86_400_000
    item = "CASE n % 3 " + " ".join(f"WHEN {n} THEN '{code}'" for n, code in enumerate(ITEMS)) + " END"
    length = f"(({draw(1)} % {size.estates}) * 13 + CAST(n AS BIGINT) * 36 / {size.records} * 7 + n % 3) % {LENGTHS}"
    placed = moment(given("start"), f"CAST(n AS BIGINT) * {span} / {size.records}")
    run(
        f"INSERT INTO service_order ({', '.join(_ORDER)}) SELECT {', '.join(_ORDER.values())} FROM ("
        f"SELECT n, e, p, r, item, state, placed_at, {moment('placed_at', '86400000')} AS due_at, "
        f"{moment('placed_at', 'a * 1000')} AS dispatched, {moment('placed_at', 'b * 1000')} AS completed FROM ("
        f"SELECT n, {draw(1)} % {size.estates} AS e, {draw(2)} % {size.people} AS p, {draw(3)} AS r, {item} AS item, "
        f"{_STATE.format(r=draw(4))} AS state, {length} AS k, {placed} AS placed_at FROM {numbers(size.records)}) AS x "
        "JOIN bench_length AS l ON l.k = x.k) AS y",
        start=stamp(now - timedelta(days=DAYS)),
    )


def _hours() -> None:
    """An entry for each order that was done, recorded when it ended, by a neighbour of the same estate."""
    n = "CAST(substr(id, 2) AS INTEGER)"
    start = moment("completed_at", f"-({n} % 100 + 20) * 60000")
    helper = f"'p' || substr(estate_id, 2) || '-' || (({n} * CAST(31337 AS BIGINT)) % {PRIME} % {{people}})"
    people = db.session.execute(text("SELECT count(*) FROM person WHERE estate_id = 'e0'")).scalar_one()
    columns = {
        "id": "'h' || substr(id, 2)", "volunteer_id": helper.format(people=people), "estate_id": "estate_id",
        "order_id": "id", "starts_at": start, "ends_at": "completed_at", "minutes": f"{n} % 100 + 20",
        "content": "'服务'", "note": "''", "recorded_at": "completed_at", "recorded_by": "person_id",
        "recorded_late": "FALSE",
    }  # fmt: skip
    fill("hour_entry", columns, "service_order WHERE completed_at IS NOT NULL")


KEPT_INDEX = "ix_service_order_household"
"""What ``counting.vector`` looks for earlier orders in."""


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Rows come in without the triggers of the ledger, and indexes are made when all of them are there."""
    indexes: list[Index] = [
        index for model in (ServiceOrder, HourEntry, OrderCount) for index in model.__table__.indexes  # type: ignore
        if index.name != KEPT_INDEX
    ]  # fmt: skip
    connection = db.session.connection()
    for index in indexes:
        index.drop(connection)
    with without_triggers("hour_entry"):
        if dialect_name() == "postgresql":
            for setting in ("work_mem = '1GB'", "maintenance_work_mem = '2GB'"):
                run(f"SET LOCAL {setting}")
        yield
    for index in indexes:
        index.create(connection)


def _fresh(size: Size, now: datetime) -> None:
    """A tail behind the mark: orders that were just placed, and others just done with their hours."""
    begin_write()
    orders, hours = [], []
    at = now - timedelta(seconds=30)
    for n in range(size.fresh):
        e, done = n % size.estates, n % 2 == 1
        who = f"{e}-{n % size.people}"
        row = {
            "id": f"f{n}", "estate_id": f"e{e}", "desk_id": f"b{e}", "code": f"f{n}", "version": 1,
            "state": "closed" if done else "placed", "item_code": ITEMS[n % 3], "item": {"name": "服务"},
            "household_id": "m" + who, "household_label": "1栋", "person_id": "p" + who, "person_name": "李明",
            "salutation": "李", "placed_by": "p" + who, "placed_by_name": "", "placed_as": "self", "door_code": "1234",
            "placed_at": at - timedelta(hours=5), "note": "", "attention": [], "volunteers_needed": 1,
            "accepted_count": int(done), "urgent": False, "due_at": at + timedelta(days=1), "updated_at": at,
            "dispatched_at": at - timedelta(hours=4) if done else None, "completed_at": at if done else None,
        }  # fmt: skip
        orders.append(row)
        if done:
            hours.append({"id": f"f{n}", "volunteer_id": "p" + who, "estate_id": f"e{e}", "order_id": f"f{n}",
                          "starts_at": at - timedelta(minutes=40), "ends_at": at, "minutes": 40, "content": "服务",
                          "recorded_at": at, "recorded_by": "p" + who})  # fmt: skip
    for model, rows in ((ServiceOrder, orders), (HourEntry, hours)):
        if rows:
            db.session.execute(insert(model), rows)
