"""The pages that the views of this capability register with, and where a certificate is checked."""

from __future__ import annotations

from flask import current_app, request, url_for
from werkzeug.wrappers import Response

from core.config import Settings
from core.web.blueprints import Pages

pages = Pages("certificates", __name__)
Answer = Response | str | tuple[str, int]


def verify_url(number: str) -> str:
    """The absolute address that a paper carries."""
    settings: Settings = current_app.extensions["linju.settings"]
    base = settings.public_url or request.host_url.rstrip("/")
    return base + url_for("certificates.verify", number=number)
