"""The desk's list of standing orders, and the list as a file."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import render_template, request, stream_with_context

from core import access, clock
from services.standing import board
from services.standing.board import Filters
from services.standing.views.blueprint import pages
from services.standing.wording import HELPER_WORDS, STATES


@pages.page("/desk/standing", access="standing:read")
def desk() -> str:
    """Standing orders within reach."""
    viewer, filters = access.viewer(), Filters.read(request.args)
    cursor = request.args.get("cursor")
    return render_template(
        "services/standing/desk.html", board=board.get_board(viewer, filters, cursor), filters=filters, tabs=board.TABS,
        cursor=cursor, states=STATES, helper_words=HELPER_WORDS,
    )  # fmt: skip


@pages.page("/desk/standing/export", access="standing:read", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The filtered list as CSV; that it was taken out is written down."""
    viewer, filters = access.viewer(), Filters.read(request.form)
    board.record_export(viewer, filters)
    answer = FlaskResponse(stream_with_context(board.export(viewer, filters)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="standing-{clock.today():%Y%m%d}.csv"'
    return answer
