"""People on the page: found, shown, registered, changed, moved, revealed."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.grid import queries
from community.grid import search as finder
from community.grid.forms import RELATIONS, MoveForm, PersonForm, RevealForm
from community.grid.search import LENGTH, PersonPage
from community.grid.views.estates import EVENT_WORDS, may_order_for
from community.grid.workflow import people as workflow
from core import access, clock
from core.identity import POLITICAL_STATUSES
from core.web.blueprints import Pages
from core.web.forms import clean
from core.workflow import Stale

pages = Pages("people", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/people", access="people:read")
def search() -> str:
    """People and doors by whatever one has of them."""
    q = clean(request.args.get("q", ""))[:LENGTH]
    found = finder.search(access.viewer(), q, cursor=request.args.get("cursor"))
    return render_template("community/grid/search.html", q=q, found=found)


@pages.page("/people/<person_id>", access="people:read")
def show(person_id: str) -> str:
    """One person."""
    return _page(finder.get_person(access.viewer(), person_id))


def _page(page: PersonPage, form: RevealForm | None = None, revealed: tuple[str, str] | None = None) -> str:
    viewer = access.viewer()
    return render_template(
        "community/grid/person.html",
        page=page, person=page.person, form=form or RevealForm(formdata=None, field="phone"), revealed=revealed,
        events=queries.list_events([("person", page.person.id)]), words=EVENT_WORDS, sexes=workflow.SEXES,
        statuses=POLITICAL_STATUSES, may_edit=viewer.may_at("people:edit", page.path),
        may_reveal=viewer.may_at("people:reveal", page.path), may_care=viewer.may_at("people:care", page.path),
        may_issue=access.known("accounts:issue") and viewer.may_at("accounts:issue", page.path),
        may_order=may_order_for(viewer, page.path),
    )  # fmt: skip


@pages.page("/people/<person_id>/reveal", access="people:reveal", methods=("POST",), writes=True)
def reveal(person_id: str) -> Answer:
    """One number in the clear, on this page alone; who looked and why is recorded."""
    viewer, form = access.viewer(), RevealForm()
    page = finder.get_person(viewer, person_id, "people:reveal")
    if not form.validate():
        return _page(page, form), 422
    value = workflow.reveal(viewer, page, form.field.data, form.reason.data or "")
    return _page(page, revealed=({"phone": "手机号", "id_number": "身份证号"}[form.field.data], value or "没有登记"))


@pages.page("/people/new", access="people:edit", methods=("GET", "POST"), writes=True)
def new() -> Answer:
    """Register somebody in a household."""
    viewer = access.viewer()
    home = queries.get_household(viewer, request.args.get("household", ""), "people:edit")
    form = PersonForm()
    form.offer_care([])
    if not form.is_submitted():
        return _form_page(form, home=home)
    if form.validate():
        try:
            person_id = workflow.add(viewer, home.household, form.values(with_care=True))
        except ValueError as problem:
            form.id_number.errors = [str(problem)]
        else:
            flash(f"{form.name.data}已登记在{home.household.label}", "success")
            return redirect(url_for("people.show", person_id=person_id))
    return _form_page(form, home=home), 422


def _form_page(form: PersonForm, **more: Any) -> str:
    return render_template("community/grid/person_form.html", form=form, relations=RELATIONS, **more)


@pages.page("/people/<person_id>/edit", access="people:edit", methods=("GET", "POST"), writes=True)
def edit(person_id: str) -> Answer:
    """Change somebody's data; a page that is no longer up to date shows what others did and keeps what was typed."""
    viewer = access.viewer()
    page = finder.get_person(viewer, person_id, "people:edit")
    form = PersonForm() if request.method == "POST" else PersonForm.of(page.person)
    form.offer_care(page.person.care)
    if request.method == "GET":
        return _form_page(form, page=page)
    if not form.validate():
        return _form_page(form, page=page), 422
    seen = form.seen_version()
    try:
        if seen != page.person.version:
            raise Stale("person")
        changed = workflow.edit(viewer, page.person, seen, form.values(with_care=True))
    except Stale:
        form.version.data = str(page.person.version)
        form.version.raw_data = None
        return _form_page(form, page=page, changed=workflow.changed_since(person_id, seen), stale=True), 409
    except ValueError as problem:
        form.id_number.errors = [str(problem)]
        return _form_page(form, page=page), 422
    flash("已保存" if changed else "没有改动", "success" if changed else "info")
    return redirect(url_for("people.show", person_id=person_id))


@pages.page("/people/<person_id>/move", access="people:edit", methods=("GET", "POST"), writes=True)
def move(person_id: str) -> Answer:
    """Somebody goes to another door, away, or comes back."""
    viewer, form = access.viewer(), MoveForm()
    page = finder.get_person(viewer, person_id, "people:edit")
    if not form.is_submitted():
        form.version.data, form.kind.data = str(page.person.version), "house"
        form.on.data = clock.today()
        return render_template("community/grid/move.html", form=form, page=page)
    if form.validate() and form.seen_version() != page.person.version:
        changed = workflow.changed_since(person_id, form.seen_version())
        form.version.data = str(page.person.version)
        return render_template("community/grid/move.html", form=form, page=page, changed=changed, stale=True), 409
    if not form.errors and _moved(page, form):
        return redirect(url_for("people.show", person_id=person_id))
    return render_template("community/grid/move.html", form=form, page=page), 422


def _moved(page: PersonPage, form: MoveForm) -> bool:
    """Do it; False when the form has to be mended."""
    viewer, person = access.viewer(), page.person
    if form.kind.data == "out":
        if person.moved_out_on:
            form.kind.errors = ["已经登记为搬走，不用再登记"]
            return False
        workflow.move_out(viewer, page, form.seen_version(), form.on.data or clock.today())
        flash(f"{person.name}已登记为搬走", "success")
        return True
    home = finder.find_door(viewer, person.estate_id or "", form.door.data or "")
    if home is None:
        form.door.errors = ["本小区没有这个门牌，请核对"]
        return False
    if home.id == person.household_id:
        form.door.errors = ["现在就住这一户，请填另一个门牌"]
        return False
    workflow.move(viewer, page, form.seen_version(), home)
    flash(f"{person.name}已登记到{home.label}", "success")
    return True
