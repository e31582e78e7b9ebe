"""Who leads the branch of an estate, for messages to it."""

from __future__ import annotations

from collections.abc import Sequence

from community.grid.models import Estate
from community.organisations import queries as organisations
from core.database import db


def list_leaders(estate_id: str) -> Sequence[str]:
    """Ids of those who lead an estate's branch today, or without any the body above it."""
    return organisations.list_leaders(db.session.get_one(Estate, estate_id).path)
