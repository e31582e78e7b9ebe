"""The one set of pages that the modules of this folder fill."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from core.web.blueprints import Pages
from volunteers.rota.workflow import Refused

pages = Pages("rota", __name__)
Answer = Response | str | tuple[str, int]
CHECK_IN = "shift"
"""The kind of passes that lead to the check-in of a shift."""


def attach(form: Any, refused: Refused) -> None:
    """Show on a form why something does not go: at the input that it names, else above all."""
    if refused.field and refused.field in form:
        field = form[refused.field]
        field.errors = [*field.errors, str(refused)]
    else:
        form.form_errors.append(str(refused))
