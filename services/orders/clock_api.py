"""The calls of the public API that move an order's clock."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from core import access
from core.api.fields import LongText, Moment
from services.orders import workflow
from services.orders.api import _done as done
from services.orders.api import _verb as verb
from services.orders.api import answer
from services.orders.bodies import ReasonBody


class ResumeBody(BaseModel):
    """What the resident says, or the branch heard."""

    note: LongText = ""


class ExtendBody(ReasonBody):
    """A later deadline: so many minutes of the order's clock, or a moment agreed."""

    minutes: Annotated[int, Field(ge=1, le=129_600, strict=True)] | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ExtendBody:
        if (self.minutes is None) == (self.until is None):
            raise ValueError("请二选一：minutes 写延长多少分钟，或者 until 写新的时限")
        return self


@verb("pause", "暂停计时，等居民", ReasonBody)
def pause(id: str, body: ReasonBody) -> bytes:
    """Stop the clock until the resident answers, for some days at most."""
    return done(workflow.pause(access.viewer(), id, body.reason, answer))


@verb("resume", "恢复计时", ResumeBody)
def resume(id: str, body: ResumeBody) -> bytes:
    """Let the clock run again."""
    return done(workflow.resume(access.viewer(), id, body.note, answer))


@verb("extend", "延期", ExtendBody)
def extend(id: str, body: ExtendBody) -> bytes:
    """Move the deadline, with a reason."""
    return done(
        workflow.extend(access.viewer(), id, body.reason, minutes=body.minutes, until=body.until, answer=answer)
    )


@verb("take_up", "接手超时的单", ResumeBody)
def take_up(id: str, body: ResumeBody) -> bytes:
    """Say that one is dealing with an order that is late."""
    return done(workflow.take_up(access.viewer(), id, body.note, answer))
