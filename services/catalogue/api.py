"""The services list of the public API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from core import access
from core.access import SIGNED_IN
from core.api.endpoints import call
from core.api.fields import Listing
from services.catalogue import queries


class ItemBody(BaseModel):
    """A service that can be ordered."""

    code: str
    name: str
    category: str
    deadline_minutes: int
    skills: list[str]


class ItemListing(Listing[ItemBody]):
    """The services list."""


@call("GET", "/service-items", access=SIGNED_IN, summary="我的小区的服务清单", answer=ItemListing)
def index() -> dict[str, Any]:
    """What can be ordered in the caller's estate."""
    names = ("code", "name", "category", "deadline_minutes", "skills")
    items = queries.list_open(access.viewer().estate_id)
    return {"items": [{name: getattr(item, name) for name in names} for item in items], "next_cursor": None}
