"""From whose kept sums a question is answered: a unit's own, unless an estate was moved across its border.

Sums are kept for the nodes above an estate as it stood when something was counted. They say the same of the tree as it
is now, as long as every estate stands on the same side of the border as it always did. Otherwise, and only then, each
estate that stands inside now is read by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select

from community.grid.models import Estate
from community.organisations.models import Organisation
from core.database import fast, remembered
from core.reports import Question
from services.reports.models import RollPath

Below = Sequence[tuple[str, str]]
"""Bodies as (id, path)."""


@dataclass(frozen=True)
class Places:
    """The nodes to read and, by unit, under which child's name a node counts (its own when ``under`` is silent).

    ``moved``: whether these are single estates, because one of them was moved across the border.
    """

    nodes: Sequence[str]
    below: Below
    moved: bool = False
    under: Mapping[str, str] = field(default_factory=dict)

    def name(self, node: str) -> str:
        """The unit under which a node counts."""
        return self.under.get(node, node)


_CHILDREN = select(Organisation.id, Organisation.path).where(
    Organisation.parent_id == bindparam("node"), Organisation.kind.in_(("subdistrict", "community", "branch"))
)
_BRANCHES = select(Estate.branch_id, Estate.path).where(Estate.path.like(bindparam("path")))
_ESTATES = select(Estate.id, Estate.path, Estate.branch_id).where(Estate.path.like(bindparam("path")))
_MOVED = (
    select(RollPath.path, Estate.path).join(Estate, Estate.id == RollPath.estate_id).where(RollPath.path != Estate.path)
)


def places(question: Question) -> Places:
    """Where the sums that a question asks for are kept."""
    by = question.by if question.by in ("unit", "estate") else ""
    return remembered(("places", question.path, by, question.organised), lambda: _places(question))


def _places(question: Question) -> Places:
    if question.by == "estate":
        # An estate's branch keeps the sums of that estate, wherever it stands or stood.
        estates = fast().execute(_ESTATES, {"path": question.path + "%"}).all()
        return Places([branch for _, _, branch in estates], [(id_, path) for id_, path, _ in estates], False,
                      {branch: id_ for id_, _, branch in estates})  # fmt: skip
    node = question.path.rstrip("/").rpartition("/")[2]
    by_unit = question.by == "unit"
    below = children(node) if by_unit else []
    if question.organised == "now" and _crossed([question.path, *(path for _, path in below)]):
        rows = fast().execute(_BRANCHES, {"path": question.path + "%"}).all()
        return Places([branch for branch, _ in rows], below, True,
                      {branch: child_at(below, path) for branch, path in rows} if by_unit else {})  # fmt: skip
    # A branch has no units below: what it has stands under nobody's name.
    return Places([id_ for id_, _ in below], below) if below else Places([node], below, under={node: ""})


def children(node: str) -> list[tuple[str, str]]:
    """The bodies right below a node that answer for estates, as (id, path)."""
    return [(id_, path) for id_, path in fast().execute(_CHILDREN, {"node": node})]


def child_at(below: Below, path: str) -> str:
    """Under which of these bodies a path lies; ``""`` for none of them."""
    return next((id_ for id_, child in below if path.startswith(child)), "")


def _crossed(borders: Sequence[str]) -> bool:
    """Whether an estate was counted on one side of a border and stands on the other now."""
    return any(
        then.startswith(border) != now.startswith(border) for then, now in _moved_estates() for border in borders
    )


def _moved_estates() -> Sequence[Any]:
    """Where estates that were moved stood, and stand now."""
    return remembered("moved estates", lambda: fast().execute(_MOVED).all())
