"""The one set of pages that the modules of this folder fill."""

from werkzeug.wrappers import Response

from core.web.blueprints import Pages

pages = Pages("hours", __name__)
Answer = Response | str | tuple[str, int]
