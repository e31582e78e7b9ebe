"""Awards of a volunteer at the desk, and the honour roll of an estate."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access, clock
from core.access import SIGNED_IN, NotFound, Viewer
from core.web.blueprints import Pages
from volunteers.honours import queries, workflow
from volunteers.honours.forms import HonourForm, StrikeForm
from volunteers.hours import late
from volunteers.hours.queries import first_days

pages = Pages("honours", __name__)
Answer = Response | str | tuple[str, int]
MONTHS = 12


@pages.page("/honours", access=SIGNED_IN)
def roll() -> str:
    """The honour roll of my estate, or for staff of one within reach: by what was given, never by use of the site."""
    viewer, args = access.viewer(), request.args
    estate_id, estate_name, estates = _estate(viewer, args.get("estate", "")[:16])
    period, first, last = _period(args.get("period", ""))
    by = "services" if args.get("by") == "services" else "hours"
    return render_template(
        "volunteers/honours/roll.html", places=queries.list_roll(estate_id, first, last, by), by=by, period=period,
        months=first_days(MONTHS), first=first, last=last, estate_id=estate_id, estate_name=estate_name,
        estates=estates, me=viewer.person_id, is_volunteer=viewer.is_volunteer,
    )  # fmt: skip


def _estate(viewer: Viewer, wanted: str) -> tuple[str, str, list[tuple[str, str]]]:
    if viewer.may("hours:read") and (wanted or viewer.estate_id is None):
        found, estates = late.pick_estate(viewer, wanted)
        return found.id, found.name, [(one.id, one.name) for one in estates]
    if viewer.estate_id is None or wanted not in ("", viewer.estate_id):
        raise NotFound
    return viewer.estate_id, viewer.estate_name, []


def _period(text: str) -> tuple[str, date, date]:
    """A year (``2026``) or a month (``2026-11``) as first and last month; this year when it is neither."""
    today = clock.today()
    try:
        if len(text) == 7:
            month = date.fromisoformat(text + "-01")
            return text, month, month
        year = int(text) if len(text) == 4 else today.year
        return str(year), date(year, 1, 1), date(year, 12, 1)
    except ValueError:
        return str(today.year), date(today.year, 1, 1), date(today.year, 12, 1)


@pages.page("/volunteers/<volunteer_id>/honours", access="hours:read")
def index(volunteer_id: str) -> str:
    """Awards of a volunteer."""
    return _page(queries.get_holder(access.viewer(), volunteer_id))


def _page(
    holder: queries.Holder, form: HonourForm | None = None, struck: str = "", why: StrikeForm | None = None
) -> str:
    viewer = access.viewer()
    return render_template(
        "volunteers/honours/index.html", holder=holder, honours=queries.list_honours(holder.volunteer_id),
        form=form or HonourForm(formdata=None), may=viewer.may_at("hours:honour", holder.estate_path),
        struck=struck, why=why or StrikeForm(formdata=None),
    )  # fmt: skip


@pages.page("/volunteers/<volunteer_id>/honours/award", access="hours:honour", methods=("POST",), writes=True)
def award(volunteer_id: str) -> Answer:
    """Record an award."""
    viewer, form = access.viewer(), HonourForm()
    holder = queries.get_holder(viewer, volunteer_id, "hours:honour")
    if form.validate() and form.awarded_on.data:
        try:
            workflow.award(viewer, holder, form.name.data or "", form.body.data or "", form.awarded_on.data)
        except workflow.Refused as problem:
            form.awarded_on.errors = [*form.awarded_on.errors, str(problem)]
        else:
            flash("荣誉已登记", "success")
            return redirect(url_for("honours.index", volunteer_id=volunteer_id), 303)
    return _page(holder, form), 422


@pages.page("/honours/<honour_id>/strike", access="hours:honour", methods=("POST",), writes=True)
def strike(honour_id: str) -> Answer:
    """Strike out one recorded by mistake."""
    viewer, form = access.viewer(), StrikeForm()
    honour = queries.get_honour(viewer, honour_id)
    if form.validate():
        workflow.strike(viewer, honour, form.reason.data or "")
        flash("已删去，原记录留在操作记录里", "success")
        return redirect(url_for("honours.index", volunteer_id=honour.volunteer_id), 303)
    return _page(queries.get_holder(viewer, honour.volunteer_id), None, honour_id, form), 422
