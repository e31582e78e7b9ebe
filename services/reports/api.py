"""Reports of the public API."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core import access
from core.api.endpoints import call
from core.api.fields import Id
from core.api.problems import Problem
from services.reports import queries

MAX_DAYS = 3 * 366


class ReportQuery(BaseModel):
    """For which unit and days (both included), and by what the rows are cut."""

    model_config = ConfigDict(populate_by_name=True)

    unit: Id | None = None
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    by: Literal["month", "estate", "item"] = "month"


class Rate(BaseModel):
    """A rate with both numbers; none when nothing was due."""

    numerator: int
    denominator: int
    rate: float | None


class ReportRow(BaseModel):
    """One line."""

    key: str
    name: str
    placed: int
    completed: int
    closed: int
    cancelled: int
    sent_back: int
    on_time: Rate
    response: Rate
    resolution: Rate
    satisfaction: Rate
    minutes: int
    active_volunteers: int


class UnitBody(BaseModel):
    """The unit reported on."""

    id: str
    name: str


class ReportAnswer(BaseModel):
    """The service report."""

    model_config = ConfigDict(populate_by_name=True)

    unit: UnitBody
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    rows: list[ReportRow]
    total: ReportRow


@call("GET", "/reports/service", access="reports:read", summary="服务统计", query=ReportQuery, answer=ReportAnswer,
      refusals=(404,))  # fmt: skip
def service(query: ReportQuery) -> dict[str, Any]:
    """What was asked for and what was given in a period."""
    if query.last < query.first:
        raise Problem(422, "invalid-input", "结束日期不能早于开始日期", {"to": ["结束日期不能早于开始日期"]})
    if not 2000 <= query.first.year <= query.last.year <= 2100 or (query.last - query.first).days > MAX_DAYS:
        raise Problem(422, "invalid-input", "一次最多统计三年", {"from": ["一次最多统计三年，请缩短日期"]})
    unit = queries.get_unit(access.viewer(), query.unit)
    rows, total = queries.service(unit, query.first, query.last, query.by)
    return {
        "unit": {"id": unit.id, "name": unit.name},
        "from": query.first.isoformat(),
        "to": query.last.isoformat(),
        "rows": [_row(row) for row in rows],
        "total": _row(total),
    }


def _row(row: queries.Row) -> dict[str, Any]:
    rates = {
        name: {"numerator": top, "denominator": bottom, "rate": round(top / bottom, 4) if bottom else None}
        for name, (top, bottom) in row.rates.items()
    }
    return {"key": row.key, "name": row.name, **row.counts, **rates, "minutes": row.minutes,
            "active_volunteers": row.active_volunteers}  # fmt: skip
