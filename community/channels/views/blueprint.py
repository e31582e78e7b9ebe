"""The one set of pages that the modules of this folder fill."""

from flask import current_app
from werkzeug.wrappers import Response

from core.config import Settings
from core.web.blueprints import Pages

pages = Pages("channels", __name__)
Answer = Response | str | tuple[str, int]


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.extensions["linju.settings"]
    return found
