"""The sources that the guards read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from core.config import ROOT

ROOMS = ("core", "community", "volunteers", "services")


@cache
def modules() -> tuple[Path, ...]:
    """Every Python file of the product (no tests, no migrations, no measurements), relative to the project."""
    found = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return (Path("app.py"), *sorted(found))


@cache
def lines(path: Path) -> int:
    """How many lines a file has."""
    return len((ROOT / path).read_text("utf-8").splitlines())


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def templates() -> tuple[Path, ...]:
    """Every template, relative to the templates folder."""
    folder = ROOT / "templates"
    return tuple(sorted(path.relative_to(folder) for path in folder.rglob("*.html")))
