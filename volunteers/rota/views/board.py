"""The week at the desk: posts × days, who is missing, fair shares, the list as a file."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Response as FlaskResponse
from flask import render_template, request

from core import access, clock
from volunteers.rota import board as reading
from volunteers.rota import queries
from volunteers.rota.views.blueprint import pages

FORTNIGHT = timedelta(days=28)
LONGEST = timedelta(days=366)


@pages.page("/rota", access=queries.READ)
def week() -> str:
    """The week's board."""
    viewer = access.viewer()
    monday = reading.monday_of(request.args.get("week", ""))
    found = reading.get_board(viewer, monday)
    return render_template(
        "volunteers/rota/week.html", board=found, monday=monday, before=monday - timedelta(days=7),
        after=monday + timedelta(days=7), today=clock.today(), now=clock.now(), may_manage=viewer.may(queries.MANAGE),
    )  # fmt: skip


@pages.page("/rota/export", access=queries.READ, methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The week as CSV; that it was taken out is written down."""
    monday = reading.monday_of(request.form.get("week", ""))
    data, name = reading.export(access.viewer(), monday)
    answer = FlaskResponse(data, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@pages.page("/rota/shares", access=queries.READ)
def shares() -> str:
    """How the shifts of a period are shared among people."""
    viewer = access.viewer()
    last = _day("to", clock.today() + timedelta(days=6))
    first = _day("from", last - FORTNIGHT + timedelta(days=1))
    if not timedelta(0) <= last - first <= LONGEST:
        first = last - FORTNIGHT + timedelta(days=1)
    posts = queries.list_posts(viewer)
    chosen = request.args.get("post", "")[:16]
    chosen = chosen if chosen in {post.id for post in posts} else ""
    found = reading.list_shares(viewer, first, last, chosen)
    return render_template(
        "volunteers/rota/shares.html", shares=found, posts=posts, chosen=chosen, first=first, last=last,
        most=max((share.shifts for share in found), default=1),
    )  # fmt: skip


def _day(name: str, usual: date) -> date:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return usual
    return day if date(2020, 1, 1) <= day <= date(2100, 1, 1) else usual
