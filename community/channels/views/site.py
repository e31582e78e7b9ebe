"""What the pages of this folder know of the site."""

from flask import current_app
from werkzeug.wrappers import Response

from core.config import Settings

Answer = Response | str | tuple[str, int]


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.extensions["linju.settings"]
    return found
