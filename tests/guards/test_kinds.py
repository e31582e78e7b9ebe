"""Every message is of a declared kind, and its short text is thought of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from core.outbox import kinds
from tests.guards.sources import modules, tree

FIELDS = ("recipient_id", "kind", "title", "body", "link", "sms", "urgent", "matter")


def drafts(path: Path) -> Iterator[tuple[int, dict[str, ast.expr]]]:
    """Each call of ``Draft`` with what it is given, by field."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "Draft":
            given = dict(zip(FIELDS, node.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            yield node.lineno, given


def problems(path: Path) -> Iterator[str]:
    """What is wrong with the messages that a module makes."""
    for line, given in drafts(path):
        kind = given.get("kind")
        if not isinstance(kind, ast.Constant) or not isinstance(kind.value, str):
            yield f"{line}: the kind of a message is written out where it is made"
        elif kind.value not in kinds.kinds():
            yield f"{line}: {kind.value} is no declared kind"
        elif "sms" not in given and (kinds.find(kind.value)[1].robot or kinds.find(kind.value)[1].sms):
            yield f"{line}: {kind.value} goes over the air and has no short text"


def test_every_message_is_of_a_declared_kind(app: Flask) -> None:
    found = {str(path): told for path in modules() if (told := list(problems(path)))}
    assert not found


def test_every_declared_kind_is_used(app: Flask) -> None:
    used = {
        kind.value for path in modules() for _, given in drafts(path)
        if isinstance(kind := given.get("kind"), ast.Constant)
    }  # fmt: skip
    assert set(kinds.kinds()) <= used


@pytest.mark.parametrize(
    "source",
    ["Draft(person, 'order.unheard_of', title)", "Draft(person, kind, title)", "outbox.Draft(p, kind='order.offered')"],
)
def test_the_guard_sees(app: Flask, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.guards.test_kinds.tree", lambda _path: ast.parse(source))
    assert list(problems(Path("any.py")))
