"""A building as a picture: floors from the top, units side by side, a cell for every door."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from community.grid.queries import Home

Cell = dict[str, Any]
Units = list[tuple[str, int]]
Floors = list[tuple[str, list[list[Cell | None]]]]
OTHER_FLOOR = "其他"
"""The row of doors whose number tells no floor."""


def cell(home: Home, marks: Mapping[str, set[str]], url: str, current: str = "") -> Cell:
    """A household as the templates' ``cell`` takes it."""
    return {
        "no": home.door, "url": url, "label": home.label, "hard": home.hard, "party": home.party,
        "order": home.id in marks.get("order", ()), "vol": home.id in marks.get("vol", ()),
        "vacant": home.is_vacant, "current": home.id == current,
    }  # fmt: skip


def elevation(
    homes: Sequence[Home], marks: Mapping[str, set[str]], url: Callable[[Home], str], current: str = ""
) -> tuple[Units, Floors]:
    """Units with their number of columns, and floors with a cell or None for every column."""
    columns: dict[int, list[str]] = {}
    for home in homes:
        columns.setdefault(home.unit, []).append(_column(home))
    ordered = {unit: sorted(set(found), key=_door_order) for unit, found in sorted(columns.items())}
    at = {(home.unit, home.floor, _column(home)): cell(home, marks, url(home), current) for home in homes}
    floors = sorted({home.floor for home in homes}, reverse=True)
    units = [(f"{unit}单元" if unit else "不分单元", len(found)) for unit, found in ordered.items()]
    rows: Floors = []
    for floor in floors:
        parts = [[at.get((unit, floor, column)) for column in found] for unit, found in ordered.items()]
        rows.append((str(floor) if floor else OTHER_FLOOR, parts))
    return units, rows


def _column(home: Home) -> str:
    """What doors above one another have in common: 02 of 502 and 602."""
    found = re.fullmatch(r"([A-Z]?)\d{1,2}(\d\d[A-Z]?)", home.door)
    return found[1] + found[2] if found else home.door


def _door_order(text: str) -> tuple[int, str]:
    return len(text), text


def counts(homes: Sequence[Home], marks: Mapping[str, set[str]], may_see_care: bool) -> dict[str, int]:
    """How many households carry each mark, for the legend; difficulties only for those who may see them."""
    ids = {home.id for home in homes}
    found = {"hard": sum(home.hard for home in homes)} if may_see_care else {}
    found |= {name: len(ids & marks[name]) for name in ("order",) if name in marks}
    found["party"] = sum(home.party for home in homes)
    found |= {name: len(ids & marks[name]) for name in ("vol",) if name in marks}
    return found | {"vacant": sum(home.is_vacant for home in homes)}
