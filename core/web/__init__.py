"""The web base: guarded pages, forms, responses, paging."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app, request, url_for

from core.access import Viewer


def navigation(viewer: Viewer, entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, bool]]:
    """The bar's entries (label, address, is current) that this viewer may open."""
    here = (request.endpoint or "").partition(".")[0]
    known = [entry for entry in entries if entry[1] in current_app.view_functions]
    shown = [(label, endpoint) for label, endpoint, needed in known if viewer.may(needed)]
    in_bar = request.endpoint in {endpoint for _, endpoint in shown}
    return [
        (label, url_for(endpoint), request.endpoint == endpoint if in_bar else endpoint.partition(".")[0] == here)
        for label, endpoint in shown
    ]
