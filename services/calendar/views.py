"""A volunteer's calendar, the branch's calendar, and private feeds for calendar programs."""

from __future__ import annotations

from datetime import UTC

from flask import Response as FlaskResponse
from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.http import http_date
from werkzeug.wrappers import Response

from core import access, diary
from core.access import PUBLIC, NotFound
from core.config import Settings
from core.diary import Asked
from core.web.blueprints import Pages
from services.calendar import feeds, queries, workflow
from services.calendar.forms import FeedForm
from services.calendar.months import SHOWN, VIEWS, Span, days_of, span_of

pages = Pages("calendar", __name__)
Answer = Response | str | tuple[str, int]
OF_A_FEED, OF_AN_ADDRESS = feeds.Pace(120), feeds.Pace(240)


def _span() -> Span:
    view = request.args.get("view", "month")
    return span_of(view if view in VIEWS else "month", queries.day_of(request.args.get("day")))


@pages.page("/calendar", access="orders:serve")
def mine() -> str:
    """My month or week: what I have accepted, what is offered to me, where I come regularly, and my days off."""
    return _mine(FeedForm(formdata=None))


def _mine(form: FeedForm, token: str = "") -> str:
    viewer, span = access.viewer(), _span()
    found = diary.entries(viewer, Asked(span.first, span.last, viewer.person_id))
    return render_template(
        "services/calendar/mine.html", span=span, days=days_of(span, found), shown=SHOWN, form=form,
        feeds=queries.list_feeds(viewer), address=_address(token) if token else "",
    )  # fmt: skip


def _address(token: str) -> str:
    settings: Settings = current_app.extensions["linju.settings"]
    site = settings.public_url or request.host_url.rstrip("/")
    return site + url_for("calendar.feed", token=token)


@pages.page("/calendar/feeds", access="orders:serve", methods=("POST",), writes=True)
def open_feed() -> Answer:
    """A new address for a calendar program, shown this once."""
    form = FeedForm()
    if form.validate():
        try:
            token = workflow.open_feed(access.viewer(), form.label.data or "")
        except workflow.TooMany as problem:
            form.label.errors = [str(problem)]
        else:
            return _mine(FeedForm(formdata=None), token)
    return _mine(form), 422


@pages.page("/calendar/feeds/<feed_id>/withdraw", access="orders:serve", methods=("POST",), writes=True)
def withdraw_feed(feed_id: str) -> Response:
    """End a feed."""
    workflow.withdraw_feed(access.viewer(), feed_id)
    flash("已停用，这个地址再也打不开", "success")
    return redirect(url_for("calendar.mine") + "#feeds", 303)


@pages.page("/desk/calendar", access="orders:read")
def desk() -> str:
    """An estate's month or week, narrowed to a building or a volunteer."""
    viewer, span, args = access.viewer(), _span(), request.args
    picks = queries.get_picks(viewer, args.get("estate", "")[:16].replace("\0", ""))
    building = args.get("building", "") if args.get("building", "") in dict(picks.buildings) else ""
    volunteer = args.get("volunteer", "") if args.get("volunteer", "") in dict(picks.volunteers) else ""
    estate_id, name = picks.estate
    found = diary.entries(viewer, Asked(span.first, span.last, volunteer, estate_id, building))
    kept = {"estate": estate_id if len(picks.estates) > 1 else "", "building": building, "volunteer": volunteer}
    return render_template(
        "services/calendar/desk.html", span=span, days=days_of(span, found), shown=SHOWN, picks=picks,
        estate=estate_id, name=name, building=building, volunteer=volunteer,
        kept={key: value for key, value in kept.items() if value}, is_cut=len(found) >= queries.MOST,
    )  # fmt: skip


@pages.page("/feeds/<token>.ics", access=PUBLIC)
def feed(token: str) -> FlaskResponse:
    """A volunteer's calendar for a calendar program: whoever has the address reads it, so it tells little."""
    key = queries.digest_of(token)
    if not (OF_AN_ADDRESS.allows(request.remote_addr or "") and OF_A_FEED.allows(key)):
        return _plain("读得太勤了，请过一会儿再来\n", 429, {"Retry-After": "900"})
    try:
        opened = queries.get_opened(token)
    except NotFound:
        return _plain("没有这个日历\n", 404, {})
    body, tag, changed = feeds.written(feeds.entries_of(opened.person_id, opened.name), opened.created_at)
    workflow.note_reading(opened)
    answer = FlaskResponse(body, mimetype="text/calendar")
    answer.set_etag(tag)
    answer.headers["Last-Modified"] = http_date(changed.astimezone(UTC))
    answer.headers["Content-Disposition"] = 'inline; filename="linju.ics"'
    answer.headers["Cache-Control"] = "private, no-cache"
    _guard(answer)
    answer.make_conditional(request)
    return answer


def _plain(text: str, status: int, headers: dict[str, str]) -> FlaskResponse:
    answer = FlaskResponse(text, status, mimetype="text/plain")
    answer.headers.update(headers)
    _guard(answer)
    return answer


def _guard(answer: FlaskResponse) -> None:
    """The address is a secret: it is told to no other site and kept by no search engine."""
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
