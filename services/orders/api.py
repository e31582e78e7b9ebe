"""The order calls of the public API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from pydantic import BaseModel

from core import access
from core.access import SIGNED_IN
from core.api.endpoints import call, dumps
from core.api.problems import Problem
from core.workflow import InvalidStep
from services.orders import queries, workflow
from services.orders.aggregate import Order, order_view
from services.orders.bodies import (
    CallBackBody,
    CheckInBody,
    CompleteBody,
    CompleteForBody,
    DispatchBody,
    EventListing,
    NoShowBody,
    Nothing,
    OrderBody,
    OrderListing,
    OrdersQuery,
    PlaceBody,
    RateBody,
    ReasonBody,
    ResubmitBody,
    TransferBody,
)
from services.orders.workflow import AlreadyTaken, Refused, Wish
from volunteers.hours.workflow import Overlap

Handler = TypeVar("Handler", bound=Callable[..., Any])


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
        body.volunteers_needed, body.urgent, helper_sex=body.helper_sex,
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
            "note": row.reason or next(filter(None, map(row.details.get, ("note", "comment", "text"))), ""),
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


@_verb("complete_for", "代记完成", CompleteForBody)
def complete_for(id: str, body: CompleteForBody) -> bytes:
    """End the service of a volunteer who checked in and did not end it."""
    viewer = access.viewer()
    return _done(workflow.complete_for(viewer, id, body.volunteer, body.minutes, body.reason, answer))


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


@_verb("undo", "撤回派单")
def undo(id: str, body: Nothing) -> bytes:
    """Take a dispatch back that nobody has accepted yet."""
    return _done(workflow.undo(access.viewer(), id, answer))


@_verb("transfer", "转出", TransferBody)
def transfer(id: str, body: TransferBody) -> bytes:
    """Hand an order to another branch of the community or up to the community."""
    return _done(workflow.transfer(access.viewer(), id, body.desk, body.reason, answer))


@_verb("reassign", "转派", ReasonBody)
def reassign(id: str, body: ReasonBody) -> bytes:
    """Withdraw the present volunteers and queue the order again."""
    return _done(workflow.reassign(access.viewer(), id, body.reason, answer))


@_verb("resubmit", "重新提交", ResubmitBody)
def resubmit(id: str, body: ResubmitBody) -> bytes:
    """Submit a returned order again."""
    start, end = body.preferred_start, body.preferred_end
    return _done(workflow.resubmit(access.viewer(), id, body.note, start, end, answer))
