"""Households and people for programs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from community.grid import queries
from community.grid.search import get_person
from community.grid.workflow import people as workflow
from core import access
from core.api.endpoints import call, dumps
from core.api.fields import Id, Listing, PageQuery, Reason, ShortText


class HouseholdQuery(PageQuery):
    """Which households: of one building, and by door or name."""

    building: Id | None = None
    q: ShortText = ""


class Member(BaseModel):
    """Someone living in a household; name and phone are masked."""

    id: str
    name: str = Field(examples=["沈**"])
    phone: str = Field(examples=["138****2046"])


class HouseholdItem(BaseModel):
    """A household with the people living in it."""

    id: str
    label: str
    building: str
    unit: int
    door: str
    people: list[Member]


class RevealBody(BaseModel):
    """Which number, and why: the reason is recorded."""

    field: Literal["phone", "id_number"]
    reason: Reason


class Revealed(BaseModel):
    """The number in full; several phones are joined by 、; empty when there is none."""

    field: str
    value: str


@call("GET", "/households", access="people:edit", summary="查找住户，姓名和手机号只给掩码", query=HouseholdQuery,
      answer=Listing[HouseholdItem])  # fmt: skip
def households(query: HouseholdQuery) -> bytes:
    """Households within reach."""
    page = queries.list_households(
        access.viewer(), building=query.building, q=query.q, cursor=query.cursor, limit=query.limit
    )
    return dumps({"items": page.items, "next_cursor": page.next_cursor})


@call("POST", "/people/{id}/reveal", access="people:reveal", summary="说明原因，查看一个人完整的手机号或身份证号",
      body=RevealBody, answer=Revealed, writes=True)  # fmt: skip
def reveal(id: str, body: RevealBody) -> dict[str, Any]:
    """One number in the clear; who looked and why is recorded."""
    viewer = access.viewer()
    page = get_person(viewer, id, "people:reveal")
    return {"field": body.field, "value": workflow.reveal(viewer, page, body.field, body.reason)}
