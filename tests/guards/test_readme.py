"""What the README and the handbooks say is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.cli import FlaskGroup

from core.config import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_make_targets_exist() -> None:
    made = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    asked = set(re.findall(r"\bmake ([a-z0-9-]+)", README))
    assert asked and asked <= made


def test_flask_commands_exist(app: Flask) -> None:
    group = FlaskGroup(create_app=lambda: app)
    asked = set(re.findall(r"flask --app app ([a-z-]+)(?: ([a-z]+))?", README))
    assert asked
    for name, action in asked - {("", "")}:
        command = app.cli.commands.get(name) or group.commands.get(name)
        assert command is not None, name
        if action and hasattr(command, "commands"):
            assert action in command.commands, (name, action)


def test_settings_are_read_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.py"))
    for name in set(re.findall(r"`(LINJU_[A-Z_]+)`", README)):
        assert name in code, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target
