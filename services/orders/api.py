"""The order calls of the public API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, model_validator

from core import access
from core.access import SIGNED_IN
from core.api.endpoints import call, dumps
from core.api.fields import Id, Listing, LongText, Minutes, Moment, PageQuery, Reason
from core.api.problems import Problem
from core.workflow import InvalidStep
from services.orders import queries, workflow
from services.orders.aggregate import Order, order_view
from services.orders.models import State
from services.orders.workflow import AlreadyTaken, Refused, Wish
from volunteers.hours.workflow import Overlap

Handler = TypeVar("Handler", bound=Callable[..., Any])
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


class Nothing(BaseModel):
    """No input."""


def answer(order: Order, allowed: Sequence[str]) -> str:
    """An order as the answer of a call."""
    return dumps(order_view(order, allowed, access.viewer())).decode()


def _refusing(handler: Handler) -> Handler:
    """Turn what a verb refuses into problem details."""

    @wraps(handler)
    def run(**values: Any) -> Any:
        try:
            return handler(**values)
        except Refused as error:
            raise Problem(422, "invalid-input", str(error), {error.field: [str(error)]}) from error
        except Overlap as error:
            raise Problem(422, "overlapping-service", str(error), {"minutes": [str(error)]}) from error
        except AlreadyTaken as error:
            raise Problem(409, "already-taken", "名额已经满了，别的志愿者先接了这一单") from error
        except InvalidStep as error:
            found = queries.get_order(access.viewer(), values["id"])
            can = workflow.allowed(found, access.viewer())
            raise Problem(409, "invalid-transition", str(error), state=found.row["state"], allowed=can) from error

    return run  # type: ignore[return-value]


def _done(order: Order) -> bytes:
    viewer = access.viewer()
    return dumps(order_view(order, workflow.allowed(order, viewer), viewer))


@call(
    "POST", "/orders", access=SIGNED_IN, summary="点单", body=PlaceBody, answer=OrderBody, status=201, refusals=(409,)
)
@_refusing
def place(body: PlaceBody) -> bytes:
    """Place an order for oneself or, by staff and named family, for a household in reach."""
    wish = Wish(
        body.service_item, body.note, body.person, body.household, body.preferred_start, body.preferred_end,
        body.volunteers_needed, body.urgent,
    )  # fmt: skip
    return _done(workflow.place(access.viewer(), wish, answer))


@call("GET", "/orders", access=SIGNED_IN, summary="订单列表", query=OrdersQuery, answer=OrderListing)
def index(query: OrdersQuery) -> dict[str, Any]:
    """Orders the caller may see, newest deadline first."""
    viewer = access.viewer()
    wanted = queries.Wanted(query.states, query.mine, query.estate, query.updated_since)
    page = queries.list_orders(viewer, wanted, query.cursor, query.limit)
    items = [order_view(order, workflow.allowed(order, viewer), viewer) for order in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


@call("GET", "/orders/{id}", access=SIGNED_IN, summary="一单", answer=OrderBody)
def show(id: str) -> bytes:
    """One order."""
    return _done(queries.get_order(access.viewer(), id))


@call("GET", "/orders/{id}/events", access=SIGNED_IN, summary="一单的经过", answer=EventListing)
def events(id: str) -> dict[str, Any]:
    """What happened to an order, oldest first."""
    items = [
        {
            "at": row.at, "actor": {"id": row.actor_id, "name": row.actor_name}, "verb": row.verb,
            "from_state": row.from_state, "to_state": row.to_state,
            "note": row.reason or row.details.get("note") or row.details.get("comment") or "",
        }
        for row in queries.list_events(access.viewer(), id)
    ]  # fmt: skip
    return {"items": items, "next_cursor": None}


def _verb(name: str, summary: str, body: type[BaseModel] = Nothing) -> Callable[[Handler], Handler]:
    def declare(handler: Handler) -> Handler:
        guarded = _refusing(handler)
        call("POST", f"/orders/{{id}}/{name}", access=SIGNED_IN, summary=summary, body=body, answer=OrderBody,
             refusals=(404, 409))(guarded)  # fmt: skip
        return guarded

    return declare


@_verb("dispatch", "派单", DispatchBody)
def dispatch(id: str, body: DispatchBody) -> bytes:
    """Offer an order to named volunteers or to all who qualify."""
    viewer = access.viewer()
    return _done(workflow.dispatch(viewer, id, volunteers=body.volunteers, open_call=body.open,
                                   expires_minutes=body.expires_minutes, answer=answer))  # fmt: skip


@_verb("accept", "接单")
def accept(id: str, body: Nothing) -> bytes:
    """Accept an offer."""
    return _done(workflow.accept(access.viewer(), id, answer))


@_verb("decline", "婉拒", ReasonBody)
def decline(id: str, body: ReasonBody) -> bytes:
    """Decline an offer with a reason."""
    return _done(workflow.decline(access.viewer(), id, body.reason, answer))


@_verb("withdraw", "退出", ReasonBody)
def withdraw(id: str, body: ReasonBody) -> bytes:
    """Give an accepted order back before it has begun."""
    return _done(workflow.withdraw(access.viewer(), id, body.reason, answer))


@_verb("no_show", "记未到", NoShowBody)
def no_show(id: str, body: NoShowBody) -> bytes:
    """Record that a volunteer did not come."""
    return _done(workflow.no_show(access.viewer(), id, body.volunteer, body.reason, answer))


@_verb("check_in", "签到", CheckInBody)
def check_in(id: str, body: CheckInBody) -> bytes:
    """Begin the service."""
    place = {"latitude": body.latitude, "longitude": body.longitude}
    return _done(
        workflow.check_in(access.viewer(), id, code=body.code, volunteer_id=body.volunteer, answer=answer, **place)
    )


@_verb("complete", "完成", CompleteBody)
def complete(id: str, body: CompleteBody) -> bytes:
    """End one's service; the minutes are credited."""
    return _done(workflow.complete(access.viewer(), id, body.minutes, body.note, answer))


@_verb("rate", "评价", RateBody)
def rate(id: str, body: RateBody) -> bytes:
    """Rate a completed order."""
    return _done(workflow.rate(access.viewer(), id, body.stars, body.comment, answer))


@_verb("call_back", "回访", CallBackBody)
def call_back(id: str, body: CallBackBody) -> bytes:
    """Record a call-back."""
    return _done(workflow.call_back(access.viewer(), id, body.solved, body.satisfied, body.note, answer))


@_verb("cancel", "撤单", ReasonBody)
def cancel(id: str, body: ReasonBody) -> bytes:
    """Cancel an order."""
    return _done(workflow.cancel(access.viewer(), id, body.reason, answer))


@_verb("send_back", "退单", ReasonBody)
def send_back(id: str, body: ReasonBody) -> bytes:
    """Return an order to the resident."""
    return _done(workflow.send_back(access.viewer(), id, body.reason, answer))


@_verb("reassign", "转派", ReasonBody)
def reassign(id: str, body: ReasonBody) -> bytes:
    """Withdraw the present volunteers and queue the order again."""
    return _done(workflow.reassign(access.viewer(), id, body.reason, answer))


@_verb("resubmit", "重新提交", ResubmitBody)
def resubmit(id: str, body: ResubmitBody) -> bytes:
    """Submit a returned order again."""
    start, end = body.preferred_start, body.preferred_end
    return _done(workflow.resubmit(access.viewer(), id, body.note, start, end, answer))
