"""Star levels by hours given, and by ratings where the estate asks for them; thresholds are the estate's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, Text, and_, case, literal_column, type_coerce

from community.policies import queries as policies
from volunteers.hours.rules import LEVELS, STARS, THRESHOLDS

NAMES = ("未定星级", "一星级", "二星级", "三星级", "四星级", "五星级")
NO_RATING = '%"least_rating":"0"%'
RATINGS: list[Callable[..., Any]] = []
"""How the average rating of a volunteer is found: from the column of the volunteer's id (and a moment from which on
services count) to a scalar of SQL. The room that knows ratings puts it in."""


@dataclass(frozen=True)
class Stars:
    """What an estate asks for a star, and the average rating of the volunteer when it asks for one, in tenths."""

    thresholds: tuple[int, ...] = THRESHOLDS
    least: int = 0
    rating: float | None = None

    @property
    def held_back(self) -> bool:
        """Whether the ratings are too low for any star."""
        return self.rating is not None and self.rating * 10 < self.least

    def level(self, minutes: int) -> int:
        """0 to 5 for a total of minutes."""
        return 0 if self.held_back else sum(minutes >= hours * 60 for hours in self.thresholds)

    def goal(self, minutes: int) -> int | None:
        """Minutes at which the next star is reached; None with five stars."""
        return next((hours * 60 for hours in self.thresholds if minutes < hours * 60), None)

    def next_name(self, minutes: int) -> str:
        """The name of that star, or nothing."""
        reached = sum(minutes >= hours * 60 for hours in self.thresholds)
        return NAMES[reached + 1] if reached < len(self.thresholds) else ""

    @property
    def obstacle(self) -> str:
        """What keeps every star back, in words, or nothing."""
        if not self.held_back:
            return ""
        return f"平均评分{self.rating:.1f}分，没到小区要求的{self.least / 10:.1f}分，先不评星"


USUAL = Stars()
ASKED: dict[str, Any] = {"estate": String(), "least": Integer(), **{f"star{n}": Integer() for n in range(1, 6)}}
"""What estates ask for a star, as rows of a statement (``core.rows``): stars in minutes, ratings in tenths."""


def asked(estate_id: str, chosen: Any) -> dict[str, Any]:
    """A row of ``ASKED``, from what the estate has chosen."""
    rules = of(chosen, None)
    stars = {f"star{n}": hours * 60 for n, hours in enumerate(rules.thresholds, 1)}
    return {"estate": estate_id, "least": rules.least, **stars}


def level_by(rules: Any, minutes: Any, person: Any) -> ColumnElement[int]:
    """``Stars.level`` as a column, from columns of ``ASKED``, of all minutes and of the volunteer."""
    reached = [(minutes >= rules[f"star{n}"], n) for n in range(5, 0, -1)]
    if RATINGS:
        reached.insert(0, (and_(rules.least > 0, RATINGS[0](person) * 10 < rules.least), 0))
    return case(*reached, else_=0)


def columns(estate: Any, person: Any, rated: Callable[..., Any] | None = None) -> tuple[Any, Any]:
    """Two columns for another statement, ``star_rules`` and ``star_rating``, of which ``of_row`` makes ``Stars``.

    The rating is looked up only where the estate asks for one, by ``rated`` or as the room that knows it has told.
    """
    chosen = policies.column(STARS, estate)
    text = type_coerce(chosen, Text())
    rating: Any = literal_column("NULL")
    find = rated or (RATINGS[0] if RATINGS else None)
    if find is not None:
        rating = case((text.is_not(None) & text.not_like(NO_RATING), find(person)), else_=None)
    return chosen.label("star_rules"), rating.label("star_rating")


def of_row(row: Any) -> Stars:
    """What stars ask of the volunteer of a row that has ``columns``."""
    return of(row.star_rules, row.star_rating)


def of(chosen: Any, rating: Any) -> Stars:
    """The same from the values of ``columns``."""
    values = policies.read(STARS, chosen)
    thresholds = tuple(values[name] for name in LEVELS)
    return Stars(thresholds, int(values["least_rating"]), None if rating is None else float(rating))


def star_level(minutes: int, stars: Stars = USUAL) -> int:
    """0 to 5 for a total of minutes."""
    return stars.level(minutes)


def next_threshold(minutes: int, stars: Stars = USUAL) -> int | None:
    """Minutes at which the next star is reached; None with five stars."""
    return stars.goal(minutes)
