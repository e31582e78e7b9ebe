"""The one set of pages that the modules of this folder fill."""

from __future__ import annotations

from werkzeug.wrappers import Response

from core.web.blueprints import Pages

pages = Pages("training", __name__)
Answer = Response | str | tuple[str, int]
CHECK_IN = "training"
"""The kind of passes that lead to the check-in of a session."""
