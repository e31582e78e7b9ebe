"""The web base: guarded pages, forms, responses, paging."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app, request, url_for

from core.access import Viewer


def navigation(viewer: Viewer, entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, bool]]:
    """The bar's entries (label, address, is current) that this viewer may open."""
    here = (request.endpoint or "").partition(".")[0]
    shown = [(label, endpoint) for label, endpoint, needed in entries if viewer.may(needed)]
    return [
        (label, url_for(endpoint), request.endpoint == endpoint or endpoint.partition(".")[0] == here)
        for label, endpoint in shown
        if endpoint in current_app.view_functions
    ]
