"""The Shanghai day, and its month, of a moment in a row, as columns (UTC+8, no daylight saving)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Date, String, cast, func, type_coerce

from core.database import dialect_name


def day_of(moment: Any) -> ColumnElement[Any]:
    """The day of a moment, as a date of the database."""
    if dialect_name() == "postgresql":
        return cast(func.timezone("Asia/Shanghai", moment), Date())
    return func.date(type_coerce(moment, String()), "+8 hours", type_=Date())


def month_of(moment: Any) -> ColumnElement[Any]:
    """The first day of a moment's month, as a date of the database."""
    return first_of_month(day_of(moment))


def first_of_month(day: Any) -> ColumnElement[Any]:
    """The first day of a day's month, as a date of the database."""
    if dialect_name() == "postgresql":
        return cast(func.date_trunc("month", day), Date())
    return func.date(day, "start of month", type_=Date())
