"""The blueprint that the pages of figures share."""

from __future__ import annotations

from werkzeug.wrappers import Response

from core.web.blueprints import Pages

pages = Pages("reports", __name__)
Answer = Response | str | tuple[str, int]
