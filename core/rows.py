"""Many rows in one statement: as a parameter to join with, or to be written where some may be there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal

import orjson
from sqlalchemy import (
    JSON,
    Dialect,
    FromClause,
    Text,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.database import db, dialect_name

Merge = Literal["add", "replace", "greatest"]
MERGES: Mapping[Merge, Callable[[Any, Any], Any]] = {
    "add": lambda held, fresh: held + fresh,
    "replace": lambda _held, fresh: fresh,
    "greatest": lambda held, fresh: case((fresh > held, fresh), else_=held),
}


class JsonRows(TypeDecorator[list[dict[str, Any]]]):
    """A parameter that carries several rows into one statement; see ``json_rows``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[dict[str, Any]] | None, dialect: Dialect) -> str:
        sqlite = dialect.name == "sqlite"

        def moment(item: Any) -> str:
            if not isinstance(item, datetime):
                if isinstance(item, date):
                    return item.isoformat()
                raise TypeError(type(item).__name__)
            utc = item.astimezone(UTC)
            return utc.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else utc.isoformat()

        return orjson.dumps(value or [], default=moment, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def json_rows(dialect: str, parameter: BindParameter[Any], columns: dict[str, TypeEngine[Any]]) -> FromClause:
    """The rows of a ``JsonRows`` parameter as something to select from, with typed columns."""
    if dialect == "postgresql":
        row = func.json_to_recordset(cast(parameter, JSON)).table_valued(*[column(n, t) for n, t in columns.items()])
        # A short name: psycopg parses statements of more than 4 KiB anew each time.
        return row.render_derived(name="r", with_types=True)
    each = func.json_each(parameter).table_valued("value")
    picked = [
        func.json_extract(each.c.value, literal_column(f"'$.{name}'"), type_=kind).label(name)
        for name, kind in columns.items()
    ]
    return select(*picked).subquery()


def one_of(column: Any, name: str, dialect: str) -> Any:
    """Whether a column is in the list that is given as the parameter ``name``, however long."""
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=postgresql.ARRAY(column.type)))
    return column.in_(select(func.json_each(bindparam(name, type_=JsonRows())).table_valued("value").c.value))


ROWS_AT_ONCE = 5000


def put(model: Any, rows: Sequence[Mapping[str, Any]], merge: Mapping[str, Merge]) -> None:
    """Write many rows in few statements: those whose key is there already are merged, column by column in ``merge``."""
    if rows:
        statement = _putting(model, tuple(rows[0]), tuple(merge.items()), dialect_name())
        for n in range(0, len(rows), ROWS_AT_ONCE):
            db.session.execute(statement, {"rows": rows[n : n + ROWS_AT_ONCE]})


@cache
def _putting(model: Any, names: tuple[str, ...], merge: tuple[tuple[str, Merge], ...], dialect: str) -> Any:
    table = model.__table__
    given = json_rows(dialect, bindparam("rows", type_=JsonRows()), {name: table.c[name].type for name in names})
    maker: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # SQLite takes the ON of ON CONFLICT for that of a join unless there is a WHERE.
    insert = maker(table).from_select(list(names), select(*[given.c[name] for name in names]).where(true()))
    new: dict[str, Any] = {}
    for name, how in merge:
        new[name] = MERGES[how](table.c[name], insert.excluded[name])
    return insert.on_conflict_do_update(index_elements=[column.name for column in table.primary_key], set_=new)
