"""Several writes that belong together, sent to the database as one statement.

On PostgreSQL the parts are data-modifying CTEs of one SELECT. SQLite has none; there each connection gets a temporary
view with an INSTEAD OF trigger, and inserting the parameters into it runs the parts in order. Either way the whole is
one round trip, atomic by itself, and built once: see ``docs/decisions``.

The parts are Core statements over named ``bindparam``s. A ``guard``, when given, is a conditional UPDATE; when it
touches no row, nothing else happens and ``Stale`` is raised. On PostgreSQL each further part must therefore carry the
``gate`` condition it is handed (always true on SQLite, where the trigger aborts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Update,
    column,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BindParameter

from core.database import one_writer

Part = Insert | Update
Parts = Callable[[str, ColumnElement[bool]], Sequence[Part]]
STALE = "linju: stale"
_NAMED = re.compile(r"(?<!:):(\w+)(?:::[A-Z]+(?: WITH TIME ZONE)?)?")


_LABEL = re.compile(r"(?<=[\w)]) AS anon_\d+|(?<=\w)\.(\w+) AS \1(?:__\d+)?\b")


def _shorter(sql: str) -> str:
    """The same statement without labels that nobody reads: psycopg parses texts of over 4 KiB anew at each call."""
    sql = _LABEL.sub(lambda found: f".{found.group(1)}" if found.group(1) else "", sql)
    return sql.replace("TIMESTAMP WITH TIME ZONE", "timestamptz").replace("\n", " ")


class Stale(Exception):
    """The row has changed since it was read, or is gone: somebody was first."""


class Compound:
    """A named group of writes. ``run`` executes it with values for all its parameters, none named like a column."""

    def __init__(self, name: str, parameters: Sequence[BindParameter[Any]], parts: Parts, guard: Update | None = None):
        self.name = name
        self._parameters = {p.key: p for p in parameters}
        self.parameters = tuple(self._parameters)
        self._guard = guard
        self._parts = parts
        self._postgres = self._build_postgres()
        self._sqlite_insert = insert(table("tx_" + name, *[column(k, p.type) for k, p in self._parameters.items()]))
        self._sqlite_script = self._build_sqlite()

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Do it. Raises ``Stale`` when the guard found no row, ``IntegrityError`` as the database says."""
        if connection.dialect.name == "postgresql":
            done = connection.execute(self._postgres, dict(values)).scalar_one()
            if not done:
                raise Stale(self.name)
            return
        with one_writer(connection):
            self._prepare_sqlite(connection)
            try:
                connection.execute(self._sqlite_insert, dict(values))
            except IntegrityError as error:
                if STALE in str(error.orig):
                    raise Stale(self.name) from error
                raise

    def _build_postgres(self) -> Any:
        gate: ColumnElement[bool] = true()
        done: ColumnElement[Any] = literal_column("1")
        ctes = []
        if self._guard is not None:
            held = self._guard.returning(literal_column("1").label("one")).cte("held")
            gate = exists(select(held.c.one))
            done = select(func.count()).select_from(held).scalar_subquery()
            ctes.append(held)
        ctes += [part.cte(f"part{n}") for n, part in enumerate(self._parts("postgresql", gate))]
        dialect: Any = postgresql.dialect
        sql = self._text(select(done).add_cte(*ctes), dialect(paramstyle="named"), ":{}")
        used = {name for name in _NAMED.findall(sql) if name in self._parameters}
        return text(_shorter(sql)).bindparams(*[self._parameters[name] for name in sorted(used)])

    def _build_sqlite(self) -> list[str]:
        names = ", ".join(f'NULL AS "{name}"' for name in self._parameters)
        body = []
        if self._guard is not None:
            body += [self._sqlite_text(self._guard), f"SELECT RAISE(ABORT, '{STALE}') WHERE changes() = 0"]
        body += [self._sqlite_text(part) for part in self._parts("sqlite", true())]
        view = f'"tx_{self.name}"'
        trigger = f'CREATE TEMP TRIGGER IF NOT EXISTS "tt_{self.name}" INSTEAD OF INSERT ON {view} BEGIN\n'
        return [
            f"CREATE TEMP VIEW IF NOT EXISTS {view} AS SELECT {names}",
            trigger + ";\n".join(body) + ";\nEND",
        ]

    def _sqlite_text(self, part: Part) -> str:
        return self._text(part, sqlite.dialect(paramstyle="named"), 'NEW."{}"')

    def _text(self, statement: ClauseElement, dialect: Dialect, mark: str) -> str:
        """A statement as SQL: declared parameters written as ``mark``, all other values as literals."""
        compiled: Any = statement.compile(dialect=dialect)

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in self._parameters:
                return mark.format(name)
            bind = compiled.binds[name]
            literal = bind.type.dialect_impl(compiled.dialect).literal_processor(compiled.dialect)
            if literal is None:
                raise TypeError(f"{self.name}: parameter {name} is not declared")
            return str(literal(bind.value))

        return _NAMED.sub(replace, str(compiled))

    def _prepare_sqlite(self, connection: Connection) -> None:
        known: set[str] = connection.info.setdefault("compounds", set())
        if self.name not in known:
            raw: Any = connection.connection.driver_connection
            for statement in self._sqlite_script:
                raw.execute(statement)
            known.add(self.name)
