"""A post under a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask

from tests.factories import World
from tests.volunteers.rota.duty import Duty


@pytest.fixture
def duty(app: Flask, world: World, at: Callable[[datetime], None]) -> Duty:
    """The gate of Banyan."""
    return Duty(app, world)
