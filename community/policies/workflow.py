"""Changing an estate's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from community.policies import queries
from community.policies.declared import Topic
from community.policies.models import Policy
from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.database import db
from core.workflow import Stale


def change(viewer: Viewer, estate_id: str, topic: Topic, values: Mapping[str, Any], version: int) -> bool:
    """Decide a topic anew, as it was seen in ``version``; False when nothing differs. Caller commits.

    Raises ``Stale`` when somebody else was first, ``ValueError`` for a value out of bounds.
    """
    for rule in topic.rules:
        if rule.name in values and not rule.fits(values[rule.name]):
            raise ValueError(rule.name)
    before = queries.of(topic, estate_id)
    if before.version != version:
        raise Stale(topic.name)
    after = {rule.name: values.get(rule.name, before.values[rule.name]) for rule in topic.rules}
    if topic.check(after):
        raise ValueError(", ".join(topic.check(after)))
    changed = {rule.label: [rule.told(before.values[rule.name]), rule.told(after[rule.name])]
               for rule in topic.rules if before.values[rule.name] != after[rule.name]}  # fmt: skip
    if not changed:
        return False
    _write(estate_id, topic, after, version)
    subject = Subject("policy", estate_id, estate_id)
    audit.record(viewer.person_id, viewer.name, "change_policy", subject, details={"topic": topic.title, **changed})
    return True


def _write(estate_id: str, topic: Topic, values: dict[str, Any], version: int) -> None:
    new = {"chosen": values, "version": version + 1, "updated_at": clock.now()}
    if version == 0:
        try:
            db.session.execute(insert(Policy), [{"estate_id": estate_id, "topic": topic.name, **new}])
        except IntegrityError as error:
            raise Stale(topic.name) from error
        return
    moved = db.session.execute(
        update(Policy)
        .where(Policy.estate_id == estate_id, Policy.topic == topic.name, Policy.version == version)
        .values(**new)
        .returning(Policy.estate_id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise Stale(topic.name)
