"""The scene of every test here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask

from services.sos import circle
from tests.factories import World
from tests.services.sos.scene import Scene


@pytest.fixture
def scene(app: Flask, world: World, at: Callable[[datetime], None]) -> Scene:
    """The town, on a clock that stands still; its forms need no token."""
    app.config["WTF_CSRF_ENABLED"] = False
    return Scene(app, world, at)


@pytest.fixture(autouse=True)
def hooks() -> Iterator[None]:
    """What a test hangs on the hooks is taken off again."""
    before = list(circle.ON_DUTY), list(circle.TELL_OUTSIDER)
    yield
    circle.ON_DUTY[:], circle.TELL_OUTSIDER[:] = before
