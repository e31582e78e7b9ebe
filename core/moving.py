"""Steps of several rows that belong together, in the present transaction of ``db.session``.

Where one deed moves many rows (a cancelled shift and everybody in it), whoever does it locks what they have in common,
reads the rows, and moves each by its own state table. All of it stands when the request is committed, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import clock
from core.access import Viewer
from core.audit import EVERYWHERE, Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.workflow import Change, Workflow

Row = dict[str, Any]


def make(
    workflow: Workflow, viewer: Viewer, verb: str, to: str, *, trail: str | None, messages: Sequence[Draft] = (),
    details: Mapping[str, Any] | None = None, **values: Any,
) -> Row:  # fmt: skip
    """Write a new row and return it; ``trail`` is the estate in whose trail it stands.

    Raises what ``Workflow.apply`` raises.
    """
    row: Row = {"id": new_id(), "version": 1, "updated_at": clock.now()} | values
    subject = Subject(workflow.kind, row["id"], trail or EVERYWHERE)
    change = Change(verb, subject, None, to, viewer.person_id, viewer.name, "", details or {}, messages)
    workflow.apply(db.session.connection(), change, row)
    return row | {"state": to}


def move(
    workflow: Workflow, viewer: Viewer, row: Row, verb: str, to: str, *, trail: str | None,
    messages: Sequence[Draft] = (), reason: str = "", details: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None, **values: Any,
) -> None:  # fmt: skip
    """Apply a verb to a row as it was read in this transaction, and bring the row up to date.

    Raises what ``Workflow.apply`` raises.
    """
    subject = Subject(workflow.kind, row["id"], trail or EVERYWHERE)
    change = Change(verb, subject, row["state"], to, viewer.person_id, viewer.name, reason, details or {}, messages)
    new = row | values | {"updated_at": clock.now()}
    workflow.apply(db.session.connection(), change, new, extra)
    row.update(new | {"state": to, "version": row["version"] + 1})
