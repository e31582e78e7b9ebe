"""Templates under the strict Content-Security-Policy, and every page in a layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.config import ROOT
from tests.guards.sources import templates

FORBIDDEN = {
    "style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "inline script": re.compile(r"<script\b(?![^>]*\ssrc\s*=)", re.IGNORECASE),
    "event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "escaping switched off": re.compile(r"\|\s*safe\b|autoescape\s+false"),
}
EXTENDS = re.compile(r"""\{%-?\s*extends\s+["']([\w./-]+)["']""")
# What these folders hold is put together by pages: layouts themselves, macros, and texts of messages.
PARTS = {"layouts", "components", "messages"}


def problems(source: str) -> list[str]:
    """What a template must not contain, by name."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    return [name for name, pattern in FORBIDDEN.items() if pattern.search(source)]


def is_page(path: Path) -> bool:
    """Whether a template is a page; a file whose name begins with an underscore is a part of one."""
    return path.parts[0] not in PARTS and not path.name.startswith("_")


def has_layout(path: Path) -> bool:
    """Whether a template extends a layout, by itself or through another template."""
    while path.parts[0] != "layouts":
        parent = EXTENDS.search(read(path))
        if parent is None:
            return False
        path = Path(parent[1])
    return True


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    found = {str(path): names for path in templates() if (names := problems(read(path)))}
    assert not found


def test_every_page_extends_a_layout() -> None:
    assert [str(path) for path in templates() if is_page(path) and not has_layout(path)] == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('<p class="a" style="color: red">', "style attribute"),
        ("<style>p {}</style>", "style element"),
        ("<script>go()</script>", "inline script"),
        ('<script src="x.js"></script><button\n onclick="go()">', "event handler"),
        ('<a href="javascript:go()">', "javascript: address"),
        ("{{ note | safe }}", "escaping switched off"),
    ],
)
def test_the_guard_sees(source: str, problem: str) -> None:
    assert problems(source) == [problem]


def test_the_guard_passes_what_is_allowed() -> None:
    source = '<script src="/static/queue.js" defer></script><p data-style="a" class="on">{{ note }}</p>{# style="x" #}'
    assert problems(source) == []


def read(path: Path) -> str:
    return (ROOT / "templates" / path).read_text("utf-8")
