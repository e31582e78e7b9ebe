"""Records on their way out: an archive of CSV files or one JSON document, made while it is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import func, select

from core import clock
from core.archives import Member, stream_zip
from core.database import db
from volunteers.exchange.groups import GROUPS, Asked, Group

FORMAT = "linju-records/1"
PIECE = 500
"""Rows read and sent at a time."""
_FORMULA = ("=", "+", "-", "@", "\t")


def count_rows(asked: Asked) -> dict[str, int]:
    """How many rows each group holds, in the present transaction."""
    found = {}
    for group in GROUPS:
        rows = group.rows(asked).order_by(None).subquery()
        found[group.name] = int(db.session.scalar(select(func.count()).select_from(rows)) or 0)
    return found


def stream_tables(asked: Asked) -> Iterator[bytes]:
    """The groups as CSV files in an archive, marked UTF-8 as spreadsheets want it."""
    members: Iterator[Member] = ((f"{group.title}.csv", _table(group, asked)) for group in GROUPS)
    return stream_zip(members)


def stream_document(asked: Asked) -> Iterator[bytes]:
    """The groups as one JSON document: {format, made_at, from, to, masked, person: [...], service: [...], ...}."""
    head: dict[str, Any] = {
        "format": FORMAT, "made_at": clock.local(asked.until).isoformat(timespec="seconds"), "from": asked.first,
        "to": asked.last, "masked": not asked.full,
    }  # fmt: skip
    yield orjson.dumps(head)[:-1]
    for group in GROUPS:
        yield f',\n"{group.name}":['.encode()
        comma = b""
        for rows in _pieces(group, asked):
            lines = [orjson.dumps(dict(zip(group.fields, values, strict=True))) for values in rows]
            yield comma + b",\n".join(lines)
            comma = b",\n"
        yield b"]"
    yield b"}\n"


def _table(group: Group, asked: Asked) -> Iterator[bytes]:
    yield "\ufeff".encode() + _lines([list(group.fields.values())])
    for rows in _pieces(group, asked):
        yield _lines([[plain(value) for value in values] for values in rows])


def _pieces(group: Group, asked: Asked) -> Iterator[list[Any]]:
    statement = group.rows(asked).execution_options(yield_per=PIECE)
    for rows in db.session.execute(statement).partitions(PIECE):
        yield [group.values(row, asked.full) for row in rows]


def _lines(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def plain(cell: Any) -> Any:
    """No cell is taken for a formula."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def written(cell: str) -> str:
    """A cell as it was before ``plain``."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
