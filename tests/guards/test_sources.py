"""Where things may be done: the shape of a capability, read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.sources import modules, tree

DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc"}
QUERY_WORDS = {"select", "insert", "update", "delete", "text"}
DATABASE_WORDS = {"session", "engine", "engines", "fast", "connect"}


def views() -> list[Path]:
    return [path for path in modules() if path.name == "views.py" or "views" in path.parts]


def outside_workflow() -> list[Path]:
    """Modules that may not change a state: all but the workflows."""
    return [path for path in modules() if "workflow" not in {*path.parts, path.stem}]


def names_from_the_database(path: Path) -> Iterator[str]:
    """Each use of the session, an engine, or SQLAlchemy's statement builders."""
    built = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            built |= {alias.asname or alias.name for alias in node.names}
            yield from (f"{node.lineno} imports {alias.name}" for alias in node.names if alias.name in QUERY_WORDS)
        elif isinstance(node, ast.ImportFrom) and node.module == "core.database":
            words = DATABASE_WORDS | {"db"}
            yield from (f"{node.lineno} imports {alias.name}" for alias in node.names if alias.name in words)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "db":
            yield f"{node.lineno} db.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in built & QUERY_WORDS:
            yield f"{node.lineno} {node.func.id}()"


def assigned_states(path: Path) -> Iterator[str]:
    """Each ``something.state = …`` and each ``….values(state=…)``."""
    for node in ast.walk(tree(path)):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called == "values" and any(keyword.arg == "state" for keyword in node.keywords):
                yield f"{node.lineno} values(state=…)"
            if isinstance(node.func, ast.Name) and node.func.id == "setattr" and _is_state(node.args[1:2]):
                yield f"{node.lineno} setattr"
        yield from (f"{t.lineno} .state =" for t in targets if isinstance(t, ast.Attribute) and t.attr == "state")


def _is_state(arguments: list[ast.expr]) -> bool:
    return any(isinstance(argument, ast.Constant) and argument.value == "state" for argument in arguments)


def test_views_do_not_touch_the_database() -> None:
    found = {str(path): uses for path in views() if (uses := list(names_from_the_database(path)))}
    assert not found


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    assert [str(path) for path in modules() if DRAWERS & {path.stem, *path.parts[:-1]}] == []


def test_states_change_only_in_workflow_modules() -> None:
    found = {str(path): uses for path in outside_workflow() if (uses := list(assigned_states(path)))}
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "order.state = 'closed'",
        "order.state: str = 'closed'",
        "update(Order).values(state='closed')",
        "setattr(order, 'state', 'closed')",
    ],
)
def test_the_guard_sees_a_state_set_by_hand(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.guards.test_sources.tree", lambda _path: ast.parse(source))
    assert list(assigned_states(Path("any.py")))


@pytest.mark.parametrize(
    "source",
    [
        "from core.database import db\n",
        "from core.database import fast\n",
        "from sqlalchemy import select\n",
        "db.session.get(Order, 1)",
    ],
)
def test_the_guard_sees_a_query_in_a_view(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.guards.test_sources.tree", lambda _path: ast.parse(source))
    assert list(names_from_the_database(Path("views.py")))
