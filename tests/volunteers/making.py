"""What tests of hours need: entries of volunteers, an estate's rules, threads that act at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from community.grid.models import Person
from community.policies.models import Policy
from core import clock
from core.database import begin_write, db, dialect_name
from core.ids import new_id
from tests.conftest import MOMENT
from tests.factories import World, write
from tests.services.orders.site import Site
from volunteers.hours.models import HourEntry


def moment(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A Shanghai time of 2026."""
    return clock.from_local(datetime(2026, month, day, hour, minute))


def credit(
    world: World, minutes: int = 60, start: datetime | None = None, name: str = "volunteer1", estate: str = "banyan",
    **more: Any,
) -> str:  # fmt: skip
    """An entry of a volunteer, in the present transaction; its id."""
    began = start or MOMENT - timedelta(days=1)
    id_ = new_id()
    row = {
        "id": id_, "volunteer_id": world[name].id, "estate_id": world.estates[estate].id, "starts_at": began,
        "ends_at": began + timedelta(minutes=minutes), "minutes": minutes, "content": "助老购物", "note": "",
        "recorded_at": began + timedelta(minutes=minutes), "recorded_by": "system", "recorded_late": False,
    }  # fmt: skip
    write(HourEntry, **(row | more))
    return id_


def give(app: Flask, world: World, *entries: Mapping[str, Any]) -> list[str]:
    """Entries, committed; their ids."""
    with app.app_context():
        begin_write()
        ids = [credit(world, **entry) for entry in entries]
        db.session.commit()
        return ids


def submit(site: Site, who: str, page: str, /, **values: Any) -> TestResponse:
    """Send a form that stands at the address it posts to."""
    token = site.filled(who, "/me/password", "/me/password")["csrf_token"]
    return site.post(who, page, {"csrf_token": token, **values})


def decide(app: Flask, world: World, topic: str, estate: str = "banyan", **values: Any) -> None:
    """What an estate has decided, committed."""
    with app.app_context():
        begin_write()
        write(Policy, estate_id=world.estates[estate].id, topic=topic, chosen=values, version=1, updated_at=clock.now())
        db.session.commit()


def born(app: Flask, world: World, name: str, day: date) -> None:
    """Give somebody a birth date."""
    with app.app_context():
        begin_write()
        own = update(Person).where(Person.id == world[name].id)
        db.session.execute(own.values(birth_date=day).execution_options(synchronize_session=False))
        db.session.commit()


def tamper(table: str, statement: str, **values: Any) -> None:
    """Change a row of a ledger by hand, as somebody with the database's password could: triggers off, change, on."""
    begin_write()
    connection = db.session.connection()
    if dialect_name() == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(statement), values)
        connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    else:
        kept = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"), {"t": table}
        ).all()
        for name, _ in kept:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), values)
        for _, sql in kept:
            connection.execute(text(sql))
    db.session.commit()


def at_once(app: Flask, acts: list[Callable[[], Any]]) -> list[Any]:
    """Do several things at the same moment, each in a context of its own; what each returned or raised."""
    start, found = threading.Barrier(len(acts)), [None] * len(acts)

    def one(n: int, act: Callable[[], Any]) -> None:
        with app.app_context():
            start.wait()
            try:
                found[n] = act()
            except Exception as error:
                found[n] = error  # type: ignore[call-overload]
                db.session.rollback()

    threads = [threading.Thread(target=one, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
