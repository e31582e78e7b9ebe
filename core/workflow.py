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

__all__ = ["MESSAGES", "Change", "Extra", "InvalidStep", "ReasonMissing", "Stale", "Step", "Workflow"]


class InvalidStep(Exception):
    """The present state does not allow the verb."""

    def __init__(self, state: str | None, verb: str, title: str) -> None:
        super().__init__(f"现在的状态不能{title}")
        self.state, self.verb = state, verb


class ReasonMissing(ValueError):
    """The verb needs a reason."""


@dataclass(frozen=True)
class Step:
    """One row of a state table.

    A verb that ``reaches`` nothing leaves the state as it is. ``sets`` are the columns that the verb may change besides
    state, version and ``updated_at``; ``writes`` names the further writes (``Extra``) of its statement. Both keep the
    statement as small as the verb needs.
    """

    verb: str
    title: str
    leaves: frozenset[str | None]
    reaches: frozenset[str]
    permission: str
    needs_reason: bool = False
    sets: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Extra:
    """Further writes that belong to a step, with the parameters that they take."""

    parameters: tuple[BindParameter[Any], ...]
    parts: Parts


MESSAGES = "messages"
_ALWAYS = Extra(
    (*audit.EVENT_PARAMETERS, *idempotency.KEY_PARAMETERS),
    lambda dialect, gate: audit.event_parts(dialect, gate) + idempotency.key_parts(dialect, gate),
)
_TELLING = Extra(outbox.MESSAGE_PARAMETERS, outbox.message_parts)


class Workflow:
    """A state table bound to the table whose rows it moves."""

    def __init__(
        self,
        kind: str,
        table: Table,
        steps: Iterable[Step],
        *,
        made: Sequence[str],
        extras: Mapping[str, Extra] | None = None,
        key: str = "id",
        state: str = "state",
    ) -> None:
        """``made`` names the columns that a new row is given besides key, state and version; ``extras`` are the writes
        that steps may name besides ``messages``; ``key`` and ``state`` are the columns that serve as such."""
        self.kind = kind
        self.steps = {step.verb: step for step in steps}
        self._table, self._key, self._state = table, key, state
        self._made = (key, *made)
        self._extras = {MESSAGES: _TELLING, **(extras or {})}
        self._compounds: dict[str, Compound] = {}

    def step(self, verb: str, state: str | None) -> Step:
        """The step for a verb in a state. Raises ``InvalidStep`` for a pair the table does not hold."""
        step = self.steps.get(verb)
        if step is None or state not in step.leaves:
            raise InvalidStep(state, verb, step.title if step else verb)
        return step

    def verbs(self, state: str | None) -> tuple[str, ...]:
        """The verbs that the table holds for a state, whoever asks."""
        return tuple(verb for verb, step in self.steps.items() if state in step.leaves)

    def columns(self, step: Step) -> tuple[str, ...]:
        """The columns whose new values ``apply`` takes for a step."""
        return self._made if None in step.leaves else (self._key, *step.sets, "updated_at")

    def apply(
        self, connection: Connection, change: Change, row: Mapping[str, Any], extra: Mapping[str, Any] | None = None
    ) -> None:
        """Apply a verb: ``row`` holds key, version as read, and the new values of the step's columns.

        Raises ``InvalidStep``, ``ReasonMissing``, or ``Stale`` when the row is no longer as it was read.
        """
        step = self.step(change.verb, change.from_state)
        if change.to_state not in (step.reaches or {change.from_state}):
            raise InvalidStep(change.from_state, change.verb, step.title)
        if step.needs_reason and not change.reason.strip():
            raise ReasonMissing("请写明原因")
        if change.messages and MESSAGES not in step.writes:
            raise ValueError(f"{step.verb} does not write messages")
        values: dict[str, Any] = {"set_" + name: row[name] for name in self.columns(step)}
        values |= {"to_state": change.to_state, "version": row["version"], "was_state": change.from_state}
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
        values[MESSAGES] = outbox.message_values(change.subject.estate_id, change.messages)
        values |= idempotency.key_values(change.status, change.answer)
        compound = self._compounds.get(step.verb) or self._compounds.setdefault(step.verb, self._compound(step))
        compound.run(connection, {name: values[name] for name in compound.parameters})
        if change.answer is not None:
            idempotency.settle()

    def _compound(self, step: Step) -> Compound:
        """The one statement of a verb, built at its first use."""
        table = self._table
        making = None in step.leaves
        setters = {name: bindparam("set_" + name, type_=table.c[name].type) for name in self.columns(step)}
        state, version = bindparam("to_state", type_=String()), bindparam("version", type_=Integer())
        was = bindparam("was_state", type_=String())
        extras = [*[self._extras[name] for name in step.writes], _ALWAYS]

        def parts(dialect: str, gate: ColumnElement[bool]) -> list[Part]:
            new = {self._state: state, "version": version, **setters}
            own: list[Part] = [core_insert(table).values(new)] if making else []
            return own + [part for extra in extras for part in extra.parts(dialect, gate)]

        parameters = [*setters.values(), state, version, *[p for extra in extras for p in extra.parameters]]
        if making:
            return Compound(f"{step.verb}_{self.kind}", parameters, parts)
        changed = {name: value for name, value in setters.items() if name != self._key}
        guard = (
            update(table)
            .where(table.c[self._key] == setters[self._key], table.c.version == version, table.c[self._state] == was)
            .values({self._state: state, "version": version + 1, **changed})
        )
        return Compound(f"{step.verb}_{self.kind}", [*parameters, was], parts, guard)


def diagram(workflow: Workflow, state_names: Mapping[str, str]) -> str:
    """The state table as a Mermaid state diagram, for the docs: a line a pair of states with its verbs."""
    between: dict[tuple[str, str], list[str]] = {}
    for step in workflow.steps.values():
        for leaves in sorted(step.leaves, key=lambda state: state or ""):
            for reaches in sorted(step.reaches or {leaves or ""}):
                between.setdefault((leaves or "[*]", reaches), []).append(step.title)
    lines = [f"    {state}: {name}" for state, name in state_names.items()]
    lines += [f"    {left} --> {right}: {'、'.join(verbs)}" for (left, right), verbs in between.items()]
    return "stateDiagram-v2\n" + "\n".join(lines)
