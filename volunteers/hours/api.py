"""The service hours calls of the public API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError

from core import access, clock
from core.access import SIGNED_IN
from core.api.endpoints import call
from core.api.fields import PageQuery, Reason
from core.api.problems import Problem
from volunteers.hours import queries, workflow
from volunteers.hours.models import HourEntry

ME = "me"


class EntryBody(BaseModel):
    """An entry of the ledger. ``minutes`` is negative where it reverses another; ``at`` is when the service began.

    ``body`` organised it, ``in_charge`` was responsible; ``source`` is order, shift, activity or other, and empty for
    entries of before it was kept. ``recorded_late``: more than ten working days after the service.
    """

    id: str
    at: datetime
    minutes: int
    content: str
    order: str | None
    note: str
    reverses: str | None
    corrects: str | None
    place: str = ""
    body: str = ""
    in_charge: str = ""
    source: str = ""
    recorded_at: datetime
    recorded_late: bool


class HoursBody(BaseModel):
    """A volunteer's hours. ``total_minutes`` is of the period asked for, the star of everything ever given."""

    total_minutes: int
    star_level: int
    entries: list[EntryBody]
    next_cursor: str | None = None


class HoursQuery(PageQuery):
    """A period of whole days, both included."""

    limit: int = Field(default=200, ge=1, le=200)
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")


class Correction(BaseModel):
    """What should have been recorded; 0 makes the entry void."""

    minutes: Annotated[int, Field(ge=0, le=1440, strict=True)]
    reason: Reason


class CorrectedBody(BaseModel):
    """The new entry (none when voided) and the volunteer's new total."""

    entry: EntryBody | None
    total_minutes: int
    star_level: int


def _view(entry: Any) -> dict[str, Any]:
    return {
        "id": entry.id, "at": entry.starts_at, "minutes": entry.minutes, "content": entry.content,
        "order": entry.order_id, "note": entry.note, "reverses": entry.reverses_id, "corrects": entry.corrects_id,
        "place": entry.place, "body": entry.body, "in_charge": entry.in_charge, "source": entry.source,
        "recorded_at": entry.recorded_at, "recorded_late": entry.recorded_late,
    }  # fmt: skip


@call("GET", "/volunteers/{person_id}/hours", access=SIGNED_IN, summary="服务时长", query=HoursQuery, answer=HoursBody,
      refusals=(404,))  # fmt: skip
def index(person_id: str, query: HoursQuery) -> dict[str, Any]:
    """One's own hours (``me``), or a volunteer's within reach."""
    viewer = access.viewer()
    volunteer = viewer.person_id if person_id == ME else person_id
    start = clock.day_bounds(query.first)[0] if query.first else None
    end = clock.day_bounds(query.last)[1] if query.last else None
    hours = queries.get_hours(viewer, volunteer, start, end, query.cursor, query.limit)
    return {
        "total_minutes": hours.period, "star_level": hours.level,
        "entries": [_view(entry) for entry in hours.page.items], "next_cursor": hours.page.next_cursor,
    }  # fmt: skip


@call("POST", "/hours/{entry_id}/correct", access="hours:correct", summary="更正服务时长", body=Correction,
      answer=CorrectedBody, refusals=(404, 409), writes=True)  # fmt: skip
def correct(entry_id: str, body: Correction) -> dict[str, Any]:
    """Add a reversing entry and a new one."""
    viewer = access.viewer()
    entry = queries.get_entry(viewer, entry_id)
    renewed = _corrected(entry, body)
    total, level = queries.standing_in_transaction(entry.volunteer_id)
    return {"entry": _view(renewed) if renewed else None, "total_minutes": total, "star_level": level}


def _corrected(entry: HourEntry, body: Correction) -> HourEntry | None:
    try:
        return workflow.correct(access.viewer(), entry, body.minutes, body.reason)
    except workflow.NotCorrectable as error:
        raise Problem(409, "not-correctable", str(error)) from error
    except ValueError as error:
        raise Problem(422, "invalid-input", str(error), {"minutes": [str(error)]}) from error
    except IntegrityError as error:
        raise Problem(409, "changed-meanwhile", "别人刚刚更正过这一条，请看最新情况再试") from error
