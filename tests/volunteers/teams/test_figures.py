"""What teams have done, against plain loops over the ledger: sums of months, days at the edges, and who came late."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from community.grid.models import Estate
from core import clock
from core.database import begin_write, db
from core.ids import new_id
from tests.factories import World
from tests.volunteers.teams.making import corps
from volunteers.hours import rollups
from volunteers.hours.models import HourEntry
from volunteers.teams.figures import Figures, figures_of, list_given
from volunteers.teams.models import Member, TeamMembership

PEOPLE = ("volunteer1", "volunteer2", "volunteer3", "volunteer4", "far_volunteer")
DAYS = 700


def moment(day: date, hour: int = 0) -> datetime:
    return clock.from_local(datetime(day.year, day.month, day.day, hour))


def fill(rng: random.Random, world: World, teams: tuple[str, str]) -> None:
    """Memberships that begin and end on any day, some of one person in both, and entries, some of them reversed."""
    first = clock.today() - timedelta(days=DAYS)
    begin_write()
    for team in teams:
        for name in PEOPLE:
            joined = first + timedelta(days=rng.choice([-9, 0, 20, 70, 300]))
            left = rng.choice([None, None, joined + timedelta(days=rng.randrange(1, 400))])
            db.session.add(TeamMembership(
                id=new_id(), estate_id=world[name].estate_id, team_id=team, person_id=world[name].id, version=1,
                state=Member.LEFT if left else Member.MEMBER, role="member", via="staff", wish="", reason="",
                joined_at=moment(joined), left_at=moment(left) if left else None, updated_at=clock.now(),
            ))  # fmt: skip
    estates = [world.estates[key].id for key in ("banyan", "swan")]
    for _ in range(240):
        start = moment(first + timedelta(days=rng.randrange(DAYS)), rng.randrange(8, 20))
        given = {
            "volunteer_id": world[rng.choice(PEOPLE)].id, "estate_id": rng.choice(estates), "content": "服务",
            "starts_at": start, "ends_at": start + timedelta(hours=1), "recorded_at": start + timedelta(hours=2),
            "recorded_by": world["secretary"].id,
        }  # fmt: skip
        id_, minutes = new_id(), rng.randrange(10, 60)
        db.session.add(HourEntry(id=id_, minutes=minutes, **given))
        if rng.random() < 0.2:
            db.session.flush()
            db.session.add(HourEntry(id=new_id(), minutes=-minutes, reverses_id=id_, **given))
    db.session.commit()


def by_loops(parts: tuple[str, ...], start: datetime, end: datetime, path: str) -> tuple[Figures, list[str]]:
    """The figures of some teams together, and the entries behind them."""
    members = db.session.scalars(select(TeamMembership).where(TeamMembership.team_id.in_(parts))).all()
    below = set(db.session.scalars(select(Estate.id).where(Estate.path.startswith(path))))
    entries = [
        e for e in db.session.scalars(select(HourEntry))
        if e.estate_id in below and start <= e.starts_at < end
        and any(m.person_id == e.volunteer_id and m.joined_at <= e.starts_at
                and (m.left_at is None or e.starts_at < m.left_at) for m in members)
    ]  # fmt: skip
    gone = {e.reverses_id for e in entries}
    stand = [e for e in entries if e.minutes > 0 and e.id not in gone]
    found = Figures(len({e.volunteer_id for e in stand}), sum(e.minutes for e in entries), len(stand))
    return found, [e.id for e in entries]


@pytest.mark.parametrize("seed", range(3))
def test_what_teams_did_is_what_the_ledger_says(seed: int, app: Flask, world: World) -> None:
    rng = random.Random(seed)
    with app.app_context():
        whole, near, far = corps(world)
        fill(rng, world, (near, far))
        for folded in (0, 90, 1000):
            if folded:
                rollups.fold(folded)
            for _ in range(12):
                first = clock.today() - timedelta(days=rng.randrange(DAYS + 10))
                last = min(first + timedelta(days=rng.choice([0, 5, 40, 200, 500, 700])), clock.today())
                start, end = moment(first), moment(last + timedelta(days=1))
                path = rng.choice([world.bodies["district"].path, world.estates["banyan"].branch.path])
                drawn = figures_of([whole, near, far], start, end, path) | figures_of(None, start, end, path)
                parts = {whole: (near, far), near: (near,), far: (far,), "": (near, far)}
                for team, own in parts.items():
                    right, entries = by_loops(own, start, end, path)
                    assert drawn.get(team, Figures()) == right, (team, first, last, path, folded)
                    listed = list_given(team or None, start, end, path, None, 500)
                    assert sorted(row.id for row in listed) == sorted(entries)
                    assert [row.id for row in list_given(team or None, start, end, path, None, 3)] == [
                        row.id for row in listed[:4]
                    ]
