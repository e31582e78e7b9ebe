"""The desk: the list of calls with an export, and the strip on top of every page while a call is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response as FlaskResponse
from flask import make_response, render_template, request, stream_with_context
from werkzeug.wrappers import Response

from core import access, clock
from core.access import SIGNED_IN, Viewer
from services.sos import queries, queue, wording
from services.sos.queue import Filters
from services.sos.views.blueprint import pages

IN_NEED = "in_need"
"""The signal of the sign-in that a call is open somewhere."""


@pages.page("/emergency", access="emergency:read")
def calls() -> str:
    """Calls within reach, newest first."""
    viewer, filters = access.viewer(), Filters.read(request.args)
    return render_template(
        "services/sos/calls.html", page=queue.list_calls(viewer, filters, request.args.get("cursor")), filters=filters,
        tabs=queue.TABS, estates=queue.list_estates(viewer), names=wording.STATE_NAMES, took=queue.minutes_between,
        cursor=request.args.get("cursor"), may_export=viewer.may("emergency:export"),
    )  # fmt: skip


@pages.page("/emergency/export", access="emergency:export", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The filtered list as CSV; that it was taken out is written down."""
    viewer, filters = access.viewer(), Filters.read(request.form)
    queue.record_export(viewer, filters)
    name = f"emergencies-{clock.today():%Y%m%d}.csv"
    lines = stream_with_context(queue.export(viewer, filters))
    return FlaskResponse(
        lines, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip


@pages.page("/emergency/strip", access=SIGNED_IN, passive=True)
def strip() -> Response:
    """The strip anew, for a page that stays open; 304 when nothing has changed."""
    viewer = access.viewer()
    found = queries.list_open(viewer) if IN_NEED in viewer.signals else ()
    mark = strip_mark(found)
    if request.if_none_match.contains_weak(mark):
        answer = FlaskResponse(status=304)
    else:
        answer = make_response(render_template("services/sos/_strip_news.html", calls=found))
    answer.set_etag(mark, weak=True)
    return answer


def strip_mark(calls: Sequence[Any]) -> str:
    """What a strip was made from."""
    return "-".join(f"{row.id}.{row.version}" for row in calls) or "none"


def _sees_strip(viewer: Viewer) -> bool:
    """Staff and volunteers see it on every page, whoever lives here on the home page."""
    helps = viewer.is_volunteer or viewer.may("emergency:read")
    return helps or (request.endpoint == "orders.home" and viewer.household_id is not None)


def _open_emergencies() -> dict[str, Any] | None:
    viewer = access.find_viewer()
    own_pages = (request.endpoint or "").startswith("sos.")
    if viewer is None or own_pages or not _sees_strip(viewer):
        return None
    found = queries.list_open(viewer) if IN_NEED in viewer.signals else ()
    return {"calls": found, "mark": strip_mark(found)}


@pages.app_context_processor
def _strip() -> dict[str, Any]:
    """For the layouts: the open calls that concern the viewer, read only where the strip is shown and one is open."""
    return {"open_emergencies": _open_emergencies}
