"""Loading the demo: made-up places, people and eleven months of orders, once and all in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from sqlalchemy import select

from community.accounts.models import Account
from community.accounts.queries import phone_key
from community.grid.models import Estate
from core import audit, clock
from core.access import Viewer, system_viewer
from core.database import begin_write, db
from services.demo import clock_stories, emergencies, history, ledger, publish, standing, writing
from services.demo.duty import Gate
from services.demo.papers import set_papers
from services.demo.people import PHONE, Casting, Parts, cast_parts, items_of, name_family, residents_of, volunteers_of
from services.demo.places import Places, Rolls, read_rolls, settle
from services.demo.present import Stage
from services.demo.stories import Cast, Rows, Someone
from services.demo.teams import apply_now, form_teams, give_consents
from volunteers.certificates import workflow as certificates

SEED = 430202
BEGAN_BEFORE = timedelta(days=history.DAYS + 12)
ELDER_SHARE = 4
"""How many times as often an elder of 65 or more asks for help as anybody else."""


def is_loaded() -> bool:
    """Whether the demo is in the database."""
    return db.session.scalar(select(Account.id).where(Account.phone_key == phone_key(PHONE.format(91)))) is not None


def load() -> bool:
    """Load the demo unless it is there; whether it was loaded."""
    if is_loaded():
        return False
    rolls, rng, actor = read_rolls(), Random(SEED), system_viewer("系统初始化")
    begin_write()
    if is_loaded():
        return False
    places, parts, families = _eleven_months_ago(actor, rolls, rng)
    audit.seal_finished_days()
    _tell(places, parts, families, rng)
    others = [who for who in volunteers_of(places.estate) if who.id not in parts.ids()]
    Gate(places.estate, parts[21], [parts[n] for n in range(11, 17)], others[:18]).set()
    give_consents(places, parts)
    apply_now(places, parts)
    set_papers(places.estate, parts[21], "党员先锋队", [parts[n] for n in range(11, 17)])
    db.session.commit()
    publish.publish(places.estate, parts[21].id)
    certificates.carry_on()
    return True


def _eleven_months_ago(actor: Viewer, rolls: Rolls, rng: Random) -> tuple[Places, Parts, dict[str, Someone]]:
    """Settle the estates under a clock set back, so that everybody was there when the orders began."""
    clock.set_now(clock.now() - BEGAN_BEFORE)
    try:
        places = settle(actor, rolls, rng)
        parts = cast_parts(Casting(actor), places, rng)
        families = name_family(residents_of(places.estate), rng, 18)
        emergencies.prepare(places.estate, parts)
        db.session.flush()
        form_teams(places, parts)
        return places, parts, families
    finally:
        clock.set_now(None)


def _tell(places: Places, parts: Parts, families: dict[str, Someone], rng: Random) -> None:
    worker = parts[31]
    home = cast_of(places.estate, parts[21], worker, rng, 240, families, parts.ids())
    regulars = [parts[n] for n in range(11, 17)] + list(home.volunteers[:10])
    rows = Rows()
    stage = Stage(home, parts, rows, rng)
    stage.set()
    emergencies.tell(home, parts, rows)
    history.gather(home, rows, rng, regulars)
    series = standing.Series(home, parts, rows, rng)
    series.tell()
    history.tell(home, rows, rng, 1000)
    history.mend(home, rows, rng, 6)
    clock_stories.tell(stage, parts)
    clock_stories.set_alarms(home, rows, clock.now())
    ledger.keep(home, rows, parts)
    writing.write(rows)
    series.write()
    for estate, number, count in ((places.neighbour, 22, 120), (places.distant, 23, 30)):
        cast = cast_of(estate, parts[number], parts[number], rng, 60, {}, parts.ids())
        rows = Rows()
        history.tell(cast, rows, rng, count)
        clock_stories.set_alarms(cast, rows, clock.now())
        writing.write(rows)


def cast_of(
    estate: Estate, secretary: Someone, worker: Someone, rng: Random, circle: int, families: dict[str, Someone],
    inboxes: frozenset[str],
) -> Cast:  # fmt: skip
    """An estate's cast; ``circle`` is how many of its residents ever order anything."""
    people = residents_of(estate)
    return Cast(
        estate.id, estate.name, estate.path, secretary, worker, _circle(people, rng, circle), volunteers_of(estate),
        items_of(estate), families, inboxes,
    )  # fmt: skip


def _circle(people: Sequence[Someone], rng: Random, count: int) -> list[Someone]:
    today = clock.today()
    weights = [ELDER_SHARE if (who.age_on(today) or 0) >= 65 else 1 for who in people]
    return rng.choices(people, weights, k=count)
