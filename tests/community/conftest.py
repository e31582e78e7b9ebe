"""A small community for the pages of this room."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.community.making import Town, make_town


@pytest.fixture
def town(app: Flask) -> Town:
    """Two estates with their people, on this test's database."""
    return make_town(app)
