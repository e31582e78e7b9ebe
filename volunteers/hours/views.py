"""One's own hours, and those of volunteers in reach with their correction."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import NotFound
from core.web.blueprints import Pages
from volunteers.hours import queries, workflow
from volunteers.hours.forms import CorrectForm
from volunteers.hours.stars import NAMES, next_threshold, star_level

pages = Pages("hours", __name__)
Answer = Response | str | tuple[str, int]
MONTHS = 12


@pages.page("/hours", access="orders:serve")
def mine() -> str:
    """My hours: in all, towards the next star, by month and one by one."""
    return _page(access.viewer().person_id, "volunteers/hours/mine.html")


@pages.page("/volunteers/<volunteer_id>/hours", access="hours:read")
def volunteer(volunteer_id: str) -> str:
    """A volunteer's hours, as the branch sees them."""
    return _page(volunteer_id, "volunteers/hours/volunteer.html")


def _page(volunteer_id: str, template: str, entry_id: str = "", form: CorrectForm | None = None) -> str:
    viewer = access.viewer()
    found = queries.get_ledger(viewer, volunteer_id, MONTHS)
    level, goal = star_level(found.minutes), next_threshold(found.minutes)
    return render_template(
        template,
        ledger=found,
        page=queries.list_entries(volunteer_id, cursor=request.args.get("cursor")),
        level=level,
        goal=goal,
        next_name=NAMES[level + 1] if goal else "",
        most=max((minutes for _, minutes, _ in found.months), default=0),
        may_correct=viewer.may_at("hours:correct", found.estate_path),
        wrong=entry_id,
        form=form or CorrectForm(formdata=None),
    )


@pages.page("/volunteers/<volunteer_id>/hours/<entry_id>", access="hours:correct", methods=("POST",), writes=True)
def correct(volunteer_id: str, entry_id: str) -> Answer:
    """Reverse an entry and write it anew with other minutes."""
    viewer, form = access.viewer(), CorrectForm()
    entry = queries.get_entry(viewer, entry_id)
    if entry.volunteer_id != volunteer_id:
        raise NotFound
    if form.validate():
        try:
            workflow.correct(viewer, entry, int(form.minutes.data or 0), form.reason.data or "")
        except workflow.NotCorrectable as problem:
            flash(str(problem), "warning")
            return _page(volunteer_id, "volunteers/hours/volunteer.html"), 409
        except ValueError as problem:
            form.minutes.errors = [*form.minutes.errors, str(problem)]
        else:
            flash("已更正，原来的一条用冲销记下", "success")
            return redirect(url_for("hours.volunteer", volunteer_id=volunteer_id), 303)
    return _page(volunteer_id, "volunteers/hours/volunteer.html", entry_id, form), 422
