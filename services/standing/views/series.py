"""One's own standing orders, and the one page of a series as the resident, the volunteer or the desk needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template

from core import access, clock
from core.access import SIGNED_IN, Viewer
from services.orders.place_queries import find_placing
from services.standing import forms, people, queries, wording, workflow
from services.standing.aggregate import HELD, Series
from services.standing.models import HelperState
from services.standing.views.blueprint import Answer, pages
from services.standing.wording import STATES

FORMS: Mapping[str, type[Any]] = {
    "approve_series": forms.ApproveForm, "turn_down_series": forms.ReasonForm, "skip_visit": forms.SkipForm,
    "restore_visit": forms.DayForm, "pause_series": forms.PauseForm, "resume_series": forms.StepForm,
    "end_series": forms.EndForm, "agree_series": forms.StepForm, "leave_series": forms.LeaveForm,
}  # fmt: skip


@pages.page("/standing", access=SIGNED_IN)
def mine() -> str:
    """My series: those of my home and of families who named me, and those in which I come regularly."""
    viewer = access.viewer()
    served = queries.list_served(viewer) if viewer.is_volunteer else []
    asked = [series for series in served if series.helper(viewer.person_id, (HelperState.ASKED,))]
    return render_template(
        "services/standing/mine.html", series=queries.list_mine(viewer), asked=asked, states=STATES,
        served=[series for series in served if series not in asked], conclusion=wording.conclusion,
        at_home=bool(viewer.household_id) or not viewer.is_volunteer,
    )  # fmt: skip


@pages.page("/standing/<standing_id>", access=SIGNED_IN)
def show(standing_id: str) -> Answer:
    """One series."""
    return series_page(queries.get_series(access.viewer(), standing_id))


def form_for(verb: str, series: Series | None = None) -> Any:
    """The form of a verb: as sent, or (given the series) filled with what its page begins with."""
    if series is None:
        return FORMS[verb](prefix=f"{verb}-")
    form = FORMS[verb](formdata=None, prefix=f"{verb}-")
    if "version" in form:
        form.version.data = series.version
    return form


def audience(series: Series, viewer: Viewer) -> str:
    """Whose page of the series this is: ``desk``, ``volunteer`` or ``resident``."""
    if series.reads(viewer) and not series.is_ours(viewer):
        return "desk"
    helps = series.helper(viewer.person_id) is not None
    near = series.is_ours(viewer) or viewer.may_at("orders:place_for", series.node_path)
    return "volunteer" if helps and not near else "resident"


def series_page(series: Series, status: int = 200, sent: Mapping[str, Any] | None = None, notice: str = "") -> Answer:
    """The page of a series. ``sent`` holds the form that was refused, ``notice`` what has changed meanwhile."""
    viewer, kind = access.viewer(), audience(series, access.viewer())
    visits = queries.list_visits(series.id)
    lines = wording.coming(series, visits)
    verbs = workflow.allowed(series, viewer)
    asked = {verb: (sent or {}).get(verb) or form_for(verb, series) for verb in verbs if verb in FORMS}
    prepare(asked, series, viewer, lines)
    page = render_template(
        f"services/standing/show_{'desk' if kind == 'desk' else 'phone'}.html", series=series, verbs=verbs, forms=asked,
        conclusion=wording.conclusion(series), kind=kind,
        coming=lines, past=[visit for visit in visits if visit.held_on < clock.today()],
        facts=wording.facts(series), helpers=wording.helper_words(series), states=STATES, notice=notice,
        log=wording.record(queries.list_events(series.id)) if kind != "volunteer" else [],
        own=series.helper(viewer.person_id),
    )  # fmt: skip
    return page if status == 200 else (page, status)


def prepare(asked: Mapping[str, Any], series: Series, viewer: Viewer, lines: list[wording.Line]) -> None:
    """Offer what depends on the series: the days that can be skipped, the volunteers who can be asked."""
    if "skip_visit" in asked:
        free = [line for line in lines if line.is_held and line.order_state in (None, "placed", "dispatched")]
        asked["skip_visit"].day.offer([(line.day.isoformat(), wording.day_words(line.on)) for line in free])
    if "pause_series" in asked and not asked["pause_series"].pause_from.data:
        asked["pause_series"].pause_from.data = clock.today()
    if "approve_series" in asked:
        found = find_placing(viewer, series.item_code, series.person_id, None)
        choices = people.list_choices(viewer, found) if found is not None else []
        offer_helpers(asked["approve_series"], choices, series)


def offer_helpers(form: Any, choices: list[Any], series: Series) -> None:
    """The volunteers who can be asked; those named already are chosen on a fresh form."""
    named = [helper for helper in series.helpers if helper.state in HELD]
    forms.offer_helpers(form, choices, named)
    for helper in named:
        form[helper.role].data = form[helper.role].data or helper.volunteer_id
