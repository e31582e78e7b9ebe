"""The web base: guarded pages, forms, responses, paging."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app, request, url_for

from core.access import Viewer


def navigation(viewer: Viewer, entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, bool]]:
    """The bar's entries (label, address, is current) that this viewer may open."""
    known = [entry for entry in entries if entry[1] in current_app.view_functions]
    shown = [(label, url_for(endpoint), endpoint) for label, endpoint, needed in known if viewer.may(needed)]
    here = _current([(url, endpoint) for _, url, endpoint in shown])
    return [(label, url, url == here) for label, url, _ in shown]


def _current(entries: list[tuple[str, str]]) -> str:
    """The address of the entry that the page belongs to: the one above it, else the first of its capability."""
    above = [url for url, _ in entries if request.path == url or request.path.startswith(url + "/")]
    if above:
        return max(above, key=len)
    here = (request.endpoint or "").partition(".")[0]
    return next((url for url, endpoint in entries if endpoint.partition(".")[0] == here), "")
