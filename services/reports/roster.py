"""The page about people: volunteers and their stars, teams, residents, training and shifts, of a unit and a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import reports
from core.database import one_moment
from core.reports import Value
from services.reports import board, charts
from services.reports.asked import Asked
from services.reports.board import Figures, Line
from services.reports.names import key_names
from services.reports.units import Node

GROUPS = ("志愿者", "队伍", "居民", "培训", "值班")
UNIT_COLUMNS = ("grid.households", "households.served", "grid.residents", "volunteers.registered",
                "volunteers.active", "volunteers.starred")  # fmt: skip
HEADLINE = ("grid.households", "grid.residents", "households.served", "residents.served", "volunteers.registered",
            "volunteers.active", "volunteers.starred", "volunteers.retained", "teams.members", "training.came",
            "rota.attendance")  # fmt: skip
TEAM_COLUMNS = ("teams.members", "teams.served", "teams.services", "teams.minutes")


@dataclass(frozen=True)
class Roster:
    """Everything on the page. ``teams`` are (id, name, figures)."""

    asked: Asked
    groups: Mapping[str, Sequence[Line]]
    stars: Sequence[charts.Bar]
    counters: Sequence[tuple[str, int]]
    teams: Sequence[tuple[str, str, Figures]]
    units: Sequence[tuple[Node, Figures]]

    @property
    def unit_rows(self) -> list[tuple[str, str, Figures]]:
        """The units right below as (id, name, figures)."""
        return [(node.id, node.name, values) for node, values in self.units]

    @property
    def lines(self) -> list[Line]:
        """All figures, group after group."""
        return [line for lines in self.groups.values() for line in lines]


def draw(asked: Asked) -> Roster:
    """The page for a unit and a period, all as it stood at one moment."""
    measures = reports.measures()
    names = [name for group in GROUPS for name, measure in measures.items() if measure.group == group]
    with one_moment():
        lines = board.lines(asked, names)
        stars = reports.draw(asked.question("tier"), ["volunteers.starred"])
        counters = reports.draw(asked.question("counter"), ["rota.counted"])
        return Roster(
            asked,
            {group: [line for line in lines if line.measure.group == group] for group in GROUPS},
            charts.ladder([(key, name, _count(stars, key, "volunteers.starred"))
                           for key, name in key_names("tier", "").items() if key != "0"]),
            [(key, _count(counters, key, "rota.counted")) for key in sorted(counters) if key],
            _teams(asked),
            board.by_unit(asked, UNIT_COLUMNS),
        )  # fmt: skip


def _count(drawn: Mapping[str, Figures], key: str, name: str) -> int:
    return int(drawn.get(key, {}).get(name, Value(0)).amount or 0)


def _teams(asked: Asked) -> list[tuple[str, str, Figures]]:
    drawn = reports.draw(asked.question("team"), TEAM_COLUMNS)
    found = [(key, name, drawn[key]) for key, name in key_names("team", asked.unit.path).items() if key in drawn]
    return [team for team in found if any(value.amount for value in team[2].values())]
