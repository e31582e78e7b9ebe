"""What the order calls of the public API take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from core.api.fields import Id, Listing, LongText, Minutes, Moment, PageQuery, Reason
from core.api.problems import Problem
from services.orders.models import State

Stars = Annotated[int, Field(ge=1, le=5, strict=True)]


class Named(BaseModel):
    """Someone by id and name."""

    id: str
    name: str


class ItemRef(BaseModel):
    """The ordered item, as it was."""

    code: str
    name: str


class HouseholdRef(BaseModel):
    """The household by id and door label."""

    id: str
    label: str


class OfferBody(BaseModel):
    """An offer to a volunteer and what became of it."""

    volunteer: Named
    state: str
    expires_at: datetime


class AssignmentBody(BaseModel):
    """A volunteer who took the order."""

    volunteer: Named
    accepted_at: datetime | None
    checked_in_at: datetime | None
    completed_at: datetime | None
    minutes: int | None


class RatingBody(BaseModel):
    """What the resident said of it."""

    stars: int
    comment: str


class OrderBody(BaseModel):
    """An order with its offers and assignments."""

    id: str
    code: str
    state: State
    service_item: ItemRef
    household: HouseholdRef | None
    person: Named
    note: str
    preferred_start: datetime | None
    preferred_end: datetime | None
    volunteers_needed: int
    urgent: bool
    placed_at: datetime
    placed_by: Named
    due_at: datetime
    overdue: bool
    paused_at: datetime | None = None
    offers: list[OfferBody]
    assignments: list[AssignmentBody]
    rating: RatingBody | None
    version: int
    allowed_actions: list[str]


class EventBody(BaseModel):
    """One thing that happened to an order."""

    at: datetime
    actor: Named
    verb: str
    from_state: str | None
    to_state: str | None
    note: str


class OrderListing(Listing[OrderBody]):
    """Orders, newest deadline first."""


class EventListing(Listing[EventBody]):
    """An order's history, oldest first."""


class PlaceBody(BaseModel):
    """A wish for help."""

    service_item: Id
    note: LongText = ""
    household: Id | None = None
    person: Id | None = None
    preferred_start: Moment | None = None
    preferred_end: Moment | None = None
    volunteers_needed: Annotated[int, Field(ge=1, le=20, strict=True)] | None = None
    urgent: bool = False
    helper_sex: Literal[0, 1, 2] = Field(default=0, description="贴身照护的服务可选：1 男志愿者，2 女志愿者，0 都行")


class OrdersQuery(PageQuery):
    """Which orders."""

    state: str | None = Field(default=None, max_length=120, description="一个或几个状态，用逗号分开")
    mine: bool = False
    estate: Id | None = None
    updated_since: Moment | None = None

    @property
    def states(self) -> list[str]:
        """The states asked for. Raises ``Problem`` for one that does not exist."""
        wanted = [text.strip() for text in (self.state or "").split(",") if text.strip()]
        if any(text not in set(State) for text in wanted):
            text = "只能是 " + "、".join(State)
            raise Problem(422, "invalid-input", "没有这个状态", {"state": [text]})
        return wanted


class DispatchBody(BaseModel):
    """To whom an order is offered."""

    volunteers: list[Id] = Field(default=[], max_length=50)
    open: bool = False
    expires_minutes: Annotated[int, Field(ge=5, le=10080, strict=True)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> DispatchBody:
        if self.open == bool(self.volunteers):
            raise ValueError("请二选一：volunteers 写明志愿者，或 open 为 true 抢单")
        return self


class ReasonBody(BaseModel):
    """Why."""

    reason: Reason


class NoShowBody(ReasonBody):
    """Who did not come, and what is known of it."""

    volunteer: Id


class CompleteForBody(ReasonBody):
    """Whose service is ended, the minutes actually given, and how that is known."""

    volunteer: Id
    minutes: Minutes


class CheckInBody(BaseModel):
    """Arrival. The place is optional; ``code`` lets someone at home or of the staff check a volunteer in."""

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    code: Annotated[str, Field(max_length=4)] = ""
    volunteer: Id | None = None


class CompleteBody(BaseModel):
    """What was done and the minutes actually given."""

    note: LongText = ""
    minutes: Minutes


class RateBody(BaseModel):
    """A rating."""

    stars: Stars
    comment: LongText = ""


class CallBackBody(BaseModel):
    """What a call-back came to."""

    solved: bool
    satisfied: Stars | None = None
    note: LongText = ""


class ResubmitBody(BaseModel):
    """A returned order with what was missing."""

    note: LongText = ""
    preferred_start: Moment | None = None
    preferred_end: Moment | None = None


class TransferBody(BaseModel):
    """The organisation that is to take it, and why."""

    desk: Id
    reason: Reason


class Nothing(BaseModel):
    """No input."""
