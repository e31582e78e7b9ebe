"""Paging by key: a cursor says after which row to go on, so that the hundredth page costs what the first does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Select, tuple_

Row = TypeVar("Row")
PAGE = 50


class BadCursor(ValueError):
    """The cursor is none of ours."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows of one page and the cursor of the next, None on the last."""

    items: Sequence[Row]
    next_cursor: str | None


def encode(values: Sequence[Any]) -> str:
    """Key values of the last row shown, as an opaque text."""
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return ["t", value.astimezone(UTC).isoformat()]
    return ["d", value.isoformat()] if isinstance(value, date) else value


def decode(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """The key values again. Raises ``BadCursor`` unless they are of these types."""
    try:
        plain = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [_READ[v[0]](v[1]) if isinstance(v, list) else v for v in plain]
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise BadCursor("翻页标记无效，请从第一页看起") from error
    if len(values) != len(kinds) or not all(type(v) is k for v, k in zip(values, kinds, strict=True)):
        raise BadCursor("翻页标记无效，请从第一页看起")
    if any(isinstance(v, str) and "\0" in v for v in values):
        raise BadCursor("翻页标记无效，请从第一页看起")
    return values


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a naive time")
    return moment.astimezone(UTC)


_READ: Mapping[str, Callable[[str], date]] = {"t": _moment, "d": date.fromisoformat}


def after(
    statement: Select[*tuple[Any, ...]], columns: Sequence[Any], kinds: Sequence[type], cursor: str | None,
    limit: int, *, descending: bool = False,
) -> Select[*tuple[Any, ...]]:  # fmt: skip
    """Order by the key columns, go on after the cursor, and take one row more than the page to know of a next one."""
    if cursor:
        values = decode(cursor, kinds)
        mark, key = tuple_(*values, types=[c.type for c in columns]), tuple_(*columns)
        statement = statement.where(key < mark if descending else key > mark)
    order = [c.desc() for c in columns] if descending else list(columns)
    return statement.order_by(*order).limit(limit + 1)


def page_of(rows: Sequence[Row], limit: int, key: Callable[[Row], Sequence[Any]]) -> Page[Row]:
    """Cut the extra row off and make the cursor of what was shown last."""
    shown = rows[:limit]
    return Page(shown, encode(key(shown[-1])) if len(rows) > limit else None)
