"""The page of an estate's open figures."""

from __future__ import annotations

from flask import render_template

from core import access
from core.access import PUBLIC
from services.reports import opened
from services.reports.views.blueprint import pages


@pages.page("/open/<estate_id>", access=PUBLIC)
def open_figures(estate_id: str) -> str:
    """What a resident, or anybody when the estate says so, may know of the help given: figures without names."""
    found = opened.get_open(access.find_viewer(), estate_id[:16])
    return render_template("services/reports/open.html", open=found, few=opened.FEW)
