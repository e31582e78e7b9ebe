"""The one mechanism by which anything changes state.

A workflow is a table of steps: verb, states it leaves, states it may reach, permission, whether a reason is required.
``Workflow.apply`` is the one function that applies a verb: a conditional UPDATE on state and version, the event row,
messages and the idempotency key, all in one statement and so in one transaction. When no row matched, somebody was
first and ``Stale`` is raised; a pair of state and verb that the table does not hold raises ``InvalidStep``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, String, Table, bindparam, update
from sqlalchemy import insert as core_insert
from sqlalchemy.sql.elements import BindParameter

from core import audit, idempotency, outbox
from core.audit import Subject
from core.compound import Compound, Part, Parts, Stale

__all__ = ["Change", "InvalidStep", "ReasonMissing", "Stale", "Step", "Workflow"]


class InvalidStep(Exception):
    """The present state does not allow the verb."""

    def __init__(self, state: str | None, verb: str, title: str) -> None:
        super().__init__(f"现在的状态不能{title}")
        self.state, self.verb = state, verb


class ReasonMissing(ValueError):
    """The verb needs a reason."""


@dataclass(frozen=True)
class Step:
    """One row of a state table."""

    verb: str
    title: str
    leaves: frozenset[str | None]
    reaches: frozenset[str]
    permission: str
    needs_reason: bool = False


@dataclass(frozen=True)
class Change:
    """A verb applied to one subject by one actor."""

    verb: str
    subject: Subject
    from_state: str | None
    to_state: str
    actor_id: str
    actor_name: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[outbox.Draft] = ()
    answer: str | None = None
    status: int = 200


class Workflow:
    """A state table bound to the table whose rows it moves."""

    def __init__(
        self,
        kind: str,
        table: Table,
        steps: Iterable[Step],
        *,
        moves: Sequence[str],
        fixed: Sequence[str] = (),
        parameters: Sequence[BindParameter[Any]] = (),
        parts: Parts | None = None,
    ) -> None:
        """``moves`` names the columns a step may set besides state and version, ``fixed`` those set only when a row
        is made; ``parts`` are further writes of the same statement, over ``parameters``."""
        self.kind = kind
        self.steps = {step.verb: step for step in steps}
        self._columns = tuple(moves)
        self._made = ("id", *fixed, *moves)

        def both(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
            own = list(parts(dialect, gate)) if parts else []
            common = audit.event_parts(dialect, gate) + outbox.message_parts(dialect, gate)
            return own + common + idempotency.key_parts(dialect, gate)

        shared = (*parameters, *audit.EVENT_PARAMETERS, *outbox.MESSAGE_PARAMETERS, *idempotency.KEY_PARAMETERS)
        setters = {name: bindparam("set_" + name, type_=table.c[name].type) for name in self._made}
        state, version = bindparam("to_state", type_=String()), bindparam("version", type_=Integer())
        was = bindparam("was_state", type_=String())
        guard = (
            update(table)
            .where(table.c.id == setters["id"], table.c.version == version, table.c.state == was)
            .values(state=state, version=version + 1, **{name: setters[name] for name in moves})
        )
        self._move = Compound(
            f"move_{kind}", (*[setters[n] for n in ("id", *moves)], state, version, was, *shared), both, guard
        )

        def make(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
            row = core_insert(table).values(state=state, version=version, **setters)
            return [row, *both(dialect, gate)]

        self._make = Compound(f"make_{kind}", (*setters.values(), state, version, *shared), make)

    def step(self, verb: str, state: str | None) -> Step:
        """The step for a verb in a state. Raises ``InvalidStep`` for a pair the table does not hold."""
        step = self.steps.get(verb)
        if step is None or state not in step.leaves:
            raise InvalidStep(state, verb, step.title if step else verb)
        return step

    def verbs(self, state: str | None) -> tuple[str, ...]:
        """The verbs that the table holds for a state, whoever asks."""
        return tuple(verb for verb, step in self.steps.items() if state in step.leaves)

    def apply(
        self, connection: Connection, change: Change, row: Mapping[str, Any], extra: Mapping[str, Any] | None = None
    ) -> None:
        """Apply a verb: ``row`` holds id, version as read, and the new values of every moving column.

        Raises ``InvalidStep``, ``ReasonMissing``, or ``Stale`` when the row is no longer as it was read.
        """
        step = self.step(change.verb, change.from_state)
        if change.to_state not in step.reaches:
            raise InvalidStep(change.from_state, change.verb, step.title)
        if step.needs_reason and not change.reason.strip():
            raise ReasonMissing("请写明原因")
        making = change.from_state is None
        names = self._made if making else ("id", *self._columns)
        values: dict[str, Any] = {"set_" + name: row[name] for name in names}
        values |= {"to_state": change.to_state, "version": row["version"]}
        if not making:
            values["was_state"] = change.from_state
        values |= extra or {}
        values |= audit.event_values(
            change.actor_id,
            change.actor_name,
            change.verb,
            change.subject,
            from_state=change.from_state,
            to_state=change.to_state,
            reason=change.reason,
            details=dict(change.details),
        )
        values["messages"] = outbox.message_values(change.subject.estate_id, change.messages)
        values |= idempotency.key_values(change.status, change.answer)
        (self._make if making else self._move).run(connection, values)
