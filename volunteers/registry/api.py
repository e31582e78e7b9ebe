"""The volunteers of the public API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from core import access
from core.api.endpoints import call
from core.api.fields import Id, Listing, PageQuery
from volunteers.registry import queries
from volunteers.registry.queries import Wanted


class VolunteerBody(BaseModel):
    """A volunteer as the branch sees them."""

    id: str
    name: str
    number: str
    skills: list[str]
    team: str
    teams: list[str] = Field(description="现在所在的队伍")
    standing: str
    is_available: bool
    total_minutes: int


class VolunteerListing(Listing[VolunteerBody]):
    """A page of volunteers."""


class VolunteerQuery(PageQuery):
    """Which volunteers."""

    estate: Id | None = None
    skill: str | None = Field(default=None, max_length=30)


@call("GET", "/volunteers", access="volunteers:read", summary="志愿者名册", query=VolunteerQuery,
      answer=VolunteerListing)  # fmt: skip
def index(query: VolunteerQuery) -> dict[str, Any]:
    """Volunteers within the caller's reach, by name."""
    wanted = Wanted(skill=query.skill or "", estate_id=query.estate)
    page = queries.list_volunteers(access.viewer(), wanted, cursor=query.cursor, limit=query.limit)
    names = ("id", "name", "number", "team", "standing", "is_available", "total_minutes")
    items = [
        {name: getattr(row, name) for name in names}
        | {"skills": row.skills.split(",") if row.skills else [], "teams": queries.team_names(row)}
        for row in page.items
    ]
    return {"items": items, "next_cursor": page.next_cursor}
