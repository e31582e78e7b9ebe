"""The form of a series: setting it up, looking at its days before, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for

from core import access, clock
from core.access import SIGNED_IN, Forbidden, NotFound, Viewer
from core.workflow import Stale
from services.catalogue import queries as catalogue
from services.orders import people
from services.orders.people import Target
from services.orders.place_queries import find_placing
from services.orders.queries import get_order
from services.orders.workflow import Refused
from services.standing import people as helpers
from services.standing import queries, wording, workflow
from services.standing.aggregate import HELD, Series, terms_of
from services.standing.forms import SeriesForm, offer_helpers
from services.standing.views.blueprint import Answer, pages
from services.standing.workflow import Agreement

EMERGENCY = "emergency"
_FIELDS = {"service_item": "item", "household": "person"}
_TITLES = {"self": "给自己", "home": "给家人{}", "family": "代{}定", "staff": "代{}定"}


@pages.page("/standing/new", access=SIGNED_IN, methods=("GET", "POST"))
def new() -> Answer:
    """Set up a series for oneself, one's home, a family that named one, or, as staff, for a household in reach."""
    viewer, form = access.viewer(), SeriesForm()
    asked = {key: value for key in ("household", "person") if (value := request.args.get(key, "")[:16])}
    order = get_order(viewer, request.args["order"][:16]) if request.args.get("order") else None
    if order is not None:
        asked = {"person": order.person_id}
    targets = people.list_targets(viewer, asked.get("household", ""), asked.get("person", ""))
    if asked and not any(target.kind != "self" or target.person_id in asked.values() for target in targets):
        raise NotFound
    person = form.person.data or _first(targets, asked)
    estate_id = next((target.estate_id for target in targets if target.person_id == person), viewer.estate_id)
    targets = [target for target in targets if target.estate_id == estate_id]
    form.person.offer((t.person_id, _TITLES[t.kind].format(t.name)) for t in targets)
    _offer_items(form, estate_id)
    if not form.is_submitted():
        form.begin(order.item_code if order is not None else request.args.get("item", "")[:30], person)
        if order is not None:
            form.copy_order(order)
    found = find_placing(viewer, form.item.data or "", form.person.data, None)
    offer_helpers(form, helpers.list_choices(viewer, found) if found is not None else [])
    lines: Sequence[wording.Line] = ()
    if form.is_submitted() and form.validate():
        try:
            agreement = form.agreement()
            workflow.check(agreement)
            lines = wording.preview(_terms(agreement), since=agreement.starts_on)
            if not form.preview.data:
                return _set_up(viewer, agreement, form.token.data or "")
        except Refused as refused:
            _attach(form, refused)
    subs = {t.person_id: (f"{t.name}，{t.label}" if t.kind == "self" else t.label) for t in targets}
    return _page(form, None, lines, subs, asked)


def _first(targets: list[Target], asked: dict[str, str]) -> str:
    """Who is picked on a fresh form: the one asked for, else whoever the household asked for begins with."""
    if asked.get("person") in {target.person_id for target in targets}:
        return asked["person"]
    kinds = ("staff", "family", "self", "home") if asked else ("self", "home", "family", "staff")
    ordered = sorted(targets, key=lambda target: kinds.index(target.kind))
    return ordered[0].person_id if ordered else ""


def _offer_items(form: SeriesForm, estate_id: str | None) -> None:
    items = [(item.code, item.name) for item in catalogue.list_open(estate_id) if item.code != EMERGENCY]
    form.item.offer([("", "请选一项服务"), *items])


def _terms(agreement: Agreement, series: Series | None = None) -> Any:
    pause = {name: series.row[name] if series is not None else None for name in ("pause_from", "pause_until")}
    return terms_of(agreement.row() | pause)


def _set_up(viewer: Viewer, agreement: Agreement, token: str) -> Answer:
    standing_id = workflow.set_up_once(viewer, agreement, token)
    workflow.catch_up(standing_id)
    waits = queries.get_series(viewer, standing_id).state == "proposed"
    flash("已提交，支部同意后开始排单" if waits else "定好了，到日子前会自动排单", "success")
    return redirect(url_for("standing.show", standing_id=standing_id), 303)


@pages.page("/standing/<standing_id>/edit", access=SIGNED_IN, methods=("GET", "POST"))
def edit(standing_id: str) -> Answer:
    """Change a series from now on; what somebody has accepted stays as it is, and is named."""
    viewer, form = access.viewer(), SeriesForm()
    series = queries.get_series(viewer, standing_id)
    if "change_series" not in workflow.allowed(series, viewer):
        raise Forbidden("这个定期服务现在不能改")
    form.person.offer([(series.person_id, series.person_name)])
    _offer_items(form, series.estate_id)
    if not form.is_submitted():
        form.fill(series)
    else:
        form.person.data = series.person_id
    found = find_placing(viewer, form.item.data or "", series.person_id, None)
    named = [helper for helper in series.helpers if helper.state in HELD]
    offer_helpers(form, helpers.list_choices(viewer, found) if found is not None else [], named)
    coming, lines = queries.list_coming(standing_id), list[wording.Line]()
    if form.is_submitted() and form.validate():
        try:
            agreement = form.agreement()
            workflow.check(agreement, series)
            lines = wording.preview(_terms(agreement, series), coming)
            if not form.preview.data:
                return _change(viewer, series, agreement, form)
        except Refused as refused:
            _attach(form, refused)
        except Stale:
            series = queries.get_series(viewer, standing_id)
            form.version.data, form.version.raw_data = series.version, None
            return _page(form, series, lines, {}, {}, status=409)
    return _page(form, series, lines, {}, {}, kept=[visit for visit in coming if visit.is_taken and visit.is_ahead])


def _change(viewer: Viewer, series: Series, agreement: Agreement, form: SeriesForm) -> Answer:
    changed, settled = workflow.change(viewer, series.id, agreement, form.version.data or 0)
    workflow.catch_up(series.id)
    kept = "、".join(f"{visit.held_on.month}月{visit.held_on.day}日" for visit in settled.kept)
    flash("已改好，支部同意后照新的排" if changed.state == "proposed" else "已改好，从现在起照新的排", "success")
    if kept:
        flash(f"{kept}那次已有人接单，不改动", "warning")
    return redirect(url_for("standing.show", standing_id=series.id), 303)


def _attach(form: SeriesForm, refused: Refused) -> None:
    name = _FIELDS.get(refused.field, refused.field)
    if name in form:
        form[name].errors = [*form[name].errors, str(refused)]
    else:
        form.form_errors.append(str(refused))


def _page(
    form: SeriesForm, series: Series | None, lines: Sequence[wording.Line], subs: dict[str, str],
    asked: dict[str, str], *, kept: Sequence[Any] = (), status: int = 200,
) -> Answer:  # fmt: skip
    wrong = bool(form.errors or form.form_errors)
    page = render_template(
        "services/standing/form.html", form=form, series=series, lines=[] if wrong else lines, subs=subs, asked=asked,
        kept=kept, is_stale=status == 409, order=request.args.get("order", "")[:16], today=clock.today(),
    )  # fmt: skip
    status = 422 if status == 200 and form.is_submitted() and wrong else status
    return page if status == 200 else (page, status)
