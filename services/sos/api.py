"""The calls of the public API about emergencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, Literal, TypeVar

from flask import Response
from pydantic import BaseModel, Field

from core import access
from core.access import SIGNED_IN
from core.api.endpoints import call as endpoint
from core.api.endpoints import dumps
from core.api.fields import Id, LongText, Reason, ShortText
from core.api.problems import Problem
from core.workflow import InvalidStep
from services.sos import queries, workflow
from services.sos.aggregate import Call, call_view
from services.sos.models import State
from services.sos.workflow import Refused, Wish

Handler = TypeVar("Handler", bound=Callable[..., Any])


class EmergencyHousehold(BaseModel):
    """The household by id and door label."""

    id: str
    label: str


class ResponderBody(BaseModel):
    """Somebody who answered, by the name they agreed to give."""

    name: str = Field(examples=["网格员郑某"])
    state: str = Field(description="seen、on_way、arrived、left")
    is_lead: bool
    answered_at: datetime
    on_way_at: datetime | None
    arrived_at: datetime | None


class EmergencyBody(BaseModel):
    """An emergency call and who is coming."""

    id: str
    state: State
    household: EmergencyHousehold
    called: str = Field(examples=["沈阿姨"])
    raised_as: str
    raised_at: datetime
    place: str
    place_note: str
    note: str
    latitude: float | None
    longitude: float | None
    level: int
    wave: int
    next_wave_at: datetime | None
    answered_at: datetime | None
    on_site_at: datetime | None
    ended_at: datetime | None
    outcome: str
    responders: list[ResponderBody]
    version: int
    allowed_actions: list[str]


class RaiseBody(BaseModel):
    """A cry for help. Without a household it is the caller's own home; everything else is optional."""

    household: Id | None = None
    person: Id | None = None
    place: Literal["home", "downstairs", "other"] = "home"
    place_note: ShortText = ""
    note: LongText = ""
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None


class AnswerBody(BaseModel):
    """Whether the caller may see the responder's name and phone."""

    shares: bool = False


class EmergencyReason(BaseModel):
    """Why, or what: it is written into the course of the call."""

    reason: Reason


class FineBody(BaseModel):
    """All is well; why is optional."""

    reason: ShortText = ""


class EmergencyNothing(BaseModel):
    """No input."""


def _reply(call: Call, allowed: Sequence[str]) -> str:
    return dumps(call_view(call, allowed, access.viewer())).decode()


def _done(call: Call) -> bytes:
    viewer = access.viewer()
    return dumps(call_view(call, workflow.allowed(call, viewer), viewer))


def _refusing(handler: Handler) -> Handler:
    @wraps(handler)
    def run(**values: Any) -> Any:
        try:
            return handler(**values)
        except InvalidStep as error:
            found = queries.get_call(access.viewer(), values["id"])
            can = workflow.allowed(found, access.viewer())
            raise Problem(409, "invalid-transition", str(error), state=found.state, allowed=can) from error

    return run  # type: ignore[return-value]


@endpoint("POST", "/emergency-calls", access=SIGNED_IN, summary="一键求助；这一户已有没结束的求助时返回那一个（200）",
          body=RaiseBody, answer=EmergencyBody, status=201, also=(200,), refusals=(404, 409))  # fmt: skip
def raise_call(body: RaiseBody) -> Any:
    """Call for help; while a call of the household is open, that one is the answer."""
    both = body.latitude is not None and body.longitude is not None
    wish = Wish(
        body.household, body.person, body.place, body.place_note, body.note, body.latitude if both else None,
        body.longitude if both else None,
    )  # fmt: skip
    try:
        call, is_new = workflow.raise_call(access.viewer(), wish, _reply)
    except Refused as refused:
        raise Problem(422, "invalid-input", str(refused), {"household": [str(refused)]}) from refused
    return Response(_done(call), 201 if is_new else 200, mimetype="application/json")


@endpoint("GET", "/emergency-calls/{id}", access=SIGNED_IN, summary="一次求助", answer=EmergencyBody)
def show(id: str) -> bytes:
    """One call."""
    return _done(queries.get_call(access.viewer(), id))


def _verb(name: str, summary: str, body: type[BaseModel] = EmergencyNothing) -> Callable[[Handler], Handler]:
    def declare(handler: Handler) -> Handler:
        guarded = _refusing(handler)
        endpoint("POST", f"/emergency-calls/{{id}}/{name}", access=SIGNED_IN, summary=summary, body=body,
                 answer=EmergencyBody, refusals=(404, 409))(guarded)  # fmt: skip
        return guarded

    return declare


@_verb("answer", "我看到了", AnswerBody)
def answer(id: str, body: AnswerBody) -> bytes:
    """I have seen it."""
    return _done(workflow.answer(access.viewer(), id, body.shares, _reply))


@_verb("on_way", "我在路上")
def on_way(id: str, body: EmergencyNothing) -> bytes:
    """I am on my way."""
    return _done(workflow.on_way(access.viewer(), id, None, _reply))


@_verb("arrive", "我到了")
def arrive(id: str, body: EmergencyNothing) -> bytes:
    """I am there."""
    return _done(workflow.arrive(access.viewer(), id, _reply))


@_verb("stand_down", "来不了", EmergencyReason)
def stand_down(id: str, body: EmergencyReason) -> bytes:
    """I cannot come after all."""
    return _done(workflow.stand_down(access.viewer(), id, body.reason, _reply))


@_verb("remark", "补充一句", EmergencyReason)
def remark(id: str, body: EmergencyReason) -> bytes:
    """Something that all should know."""
    return _done(workflow.remark(access.viewer(), id, body.reason, _reply))


@_verb("call_off", "按错了，撤回")
def call_off(id: str, body: EmergencyNothing) -> bytes:
    """A slip, noticed at once."""
    return _done(workflow.call_off(access.viewer(), id, _reply))


@_verb("false_alarm", "没事了", FineBody)
def false_alarm(id: str, body: FineBody) -> bytes:
    """All is well."""
    return _done(workflow.false_alarm(access.viewer(), id, body.reason, _reply))


@_verb("close", "处理完", EmergencyReason)
def close(id: str, body: EmergencyReason) -> bytes:
    """It has been seen to."""
    return _done(workflow.close(access.viewer(), id, body.reason, _reply))


@_verb("after_care", "记回访", EmergencyReason)
def after_care(id: str, body: EmergencyReason) -> bytes:
    """How the person is some days later."""
    return _done(workflow.after_care(access.viewer(), id, body.reason, _reply))
