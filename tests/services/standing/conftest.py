"""The town with a clock that stands still, and its series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask

from tests.factories import World
from tests.services.standing.making import Making


@pytest.fixture
def town(app: Flask, world: World, at: Callable[[datetime], None]) -> Iterator[Making]:
    """Inside an application context, on Wednesday, 18 November 2026, ten in the morning."""
    with app.app_context():
        yield Making(app, world)
