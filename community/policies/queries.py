"""Reading what estates have decided. ``of`` and ``by_estate`` serve the rules themselves and so ask for no viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from community.grid.models import Estate
from community.organisations.queries import under
from community.policies.declared import Topic
from community.policies.models import Policy
from core.access import NotFound, Viewer
from core.database import fast

_OF = select(Policy.estate_id, Policy.chosen, Policy.version).where(
    Policy.topic == bindparam("topic"), Policy.estate_id.in_(bindparam("estates", expanding=True))
)


@dataclass(frozen=True)
class Decided:
    """An estate's values for a topic, defaults filled in, and the version they were read at (0: never changed)."""

    values: Mapping[str, Any]
    version: int


def column(topic: Topic, estate_column: Any) -> Any:
    """What an estate has chosen for a topic, as a column of another statement; ``read`` makes values of it."""
    chosen = select(Policy.chosen).where(Policy.topic == topic.name, Policy.estate_id == estate_column)
    return chosen.scalar_subquery()


def read(topic: Topic, chosen: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of a topic: what was chosen as far as it still fits, else the defaults."""
    kept = (
        {r.name: chosen[r.name] for r in topic.rules if r.name in chosen and r.fits(chosen[r.name])} if chosen else {}
    )
    values = topic.defaults | kept
    return topic.defaults if topic.check(values) else values


def by_estate(topic: Topic, estate_ids: Iterable[str]) -> dict[str, Decided]:
    """What these estates have decided, by estate, in one statement. A value that no longer fits is the default."""
    estates = sorted(set(estate_ids))
    found = {estate: Decided(topic.defaults, 0) for estate in estates}
    if estates:
        for estate_id, chosen, version in fast().execute(_OF, {"topic": topic.name, "estates": estates}):
            found[estate_id] = Decided(read(topic, chosen), version)
    return found


def of(topic: Topic, estate_id: str) -> Decided:
    """What one estate has decided."""
    return by_estate(topic, [estate_id])[estate_id]


def list_estates(viewer: Viewer) -> Sequence[Any]:
    """Estates whose rules the viewer may read, by name: id, name, path."""
    found = select(Estate.id, Estate.name, Estate.path).where(under(Estate.path, viewer.paths("policies:read")))
    return fast().execute(found.order_by(Estate.name).limit(500)).all()


def get_estate(viewer: Viewer, estate_id: str, permission: str = "policies:read") -> Any:
    """An estate within reach: id, name, path. Raises ``NotFound``."""
    found = fast().execute(select(Estate.id, Estate.name, Estate.path).where(Estate.id == estate_id)).first()
    if found is None or not viewer.may_at(permission, found.path):
        raise NotFound
    return found
