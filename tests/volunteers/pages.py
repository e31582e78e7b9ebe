"""Sending the forms of pages, as browsers do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

HIDDEN = re.compile(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"')


def post(client: FlaskClient, path: str, data: Mapping[str, Any] | None = None, page: str = "") -> TestResponse:
    """Send a form with the token of ``page``, or of the page itself."""
    found = re.search(r'name="csrf_token"\s+value="([^"]+)"', client.get(page or path).text)
    return client.post(path, data={"csrf_token": found[1] if found else "", **(data or {})})


def hidden(answer: TestResponse) -> dict[str, Any]:
    """The hidden inputs of a page: what a form carries along; those named alike as a list."""
    kept: dict[str, Any] = {}
    for name, value in HIDDEN.findall(answer.text):
        if name in kept:
            kept[name] = [*kept[name], value] if isinstance(kept[name], list) else [kept[name], value]
        else:
            kept[name] = value
    return {name: value for name, value in kept.items() if name not in ("size", "next")}
