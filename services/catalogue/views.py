"""The services list at the desk."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import NotFound
from core.web.blueprints import Pages
from core.workflow import Stale
from services.catalogue import queries, workflow
from services.catalogue.forms import FIELDS, ItemForm, duration
from services.catalogue.models import CLOCK_NAMES, WHO_NAMES, ServiceItem
from volunteers.registry.skills import SKILLS
from volunteers.training import queries as training

pages = Pages("catalogue", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/items", access="catalogue:read")
def items() -> str:
    """An estate's whole list; whoever leads several estates picks one."""
    viewer = access.viewer()
    estates = queries.list_estates(viewer)
    wanted = request.args.get("estate", "")[:16] or next((estate.id for estate in estates), "")
    estate = next((estate for estate in estates if estate.id == wanted), None)
    if estate is None and (wanted or not estates):
        raise NotFound
    assert estate is not None
    return render_template(
        "services/catalogue/items.html", estates=estates, estate=estate, items=queries.list_all(estate.id),
        may_edit=viewer.may_at("catalogue:edit", estate.path), duration=duration, clocks=CLOCK_NAMES,
        who_names=WHO_NAMES, skills=SKILLS,
    )  # fmt: skip


@pages.page("/items/new", access="catalogue:edit", methods=("GET", "POST"), writes=True)
def new() -> Answer:
    """A service of the estate's own."""
    viewer, form, status = access.viewer(), _form(), 200
    estate = queries.get_estate(viewer, request.args.get("estate", "")[:16])
    if form.is_submitted():
        if form.validate():
            try:
                item = workflow.add(viewer, estate.id, form.values())
            except workflow.NameTaken as problem:
                form.name.errors = [str(problem)]
            else:
                flash(f"已加上“{item.name}”，居民现在可以点", "success")
                return redirect(url_for("catalogue.items", estate=estate.id))
        status = 422
    else:
        form.process(data={"icon": "i-c-more", "clock": "around_the_clock", "who_may_order": "everyone",
                           "usual_minutes": 60, "volunteers_needed": 1, "deadline_minutes": 1440,
                           "offer_minutes": 240})  # fmt: skip
    return render_template(
        "services/catalogue/item.html", form=form, item=None, estate_id=estate.id, changed=()
    ), status


@pages.page("/items/<item_id>", access="catalogue:edit", methods=("GET", "POST"), writes=True)
def edit(item_id: str) -> Answer:
    """Change a service. When somebody else has changed it meanwhile, both versions stand side by side."""
    viewer, form, status = access.viewer(), _form(), 200
    item = queries.get_item(viewer, item_id, "catalogue:edit")
    changed: list[tuple[str, str, str]] = []
    if form.is_submitted():
        status = 422
        form.offer_own(item)
        if form.validate():
            try:
                workflow.change(viewer, item, form.values(), form.seen_version())
            except workflow.NameTaken as problem:
                form.name.errors = [str(problem)]
            except Stale:
                status, changed = 409, _differences(form, item)
                form.version.data = str(item.version)
            else:
                flash(f"“{form.name.data}”已改好，之后点的单按新的办", "success")
                return redirect(url_for("catalogue.items", estate=item.estate_id))
    else:
        form.fill(item)
    page = render_template(
        "services/catalogue/item.html", form=form, item=item, estate_id=item.estate_id, changed=changed,
        is_stale=status == 409,
    )  # fmt: skip
    return page, status


def _form() -> ItemForm:
    return ItemForm(training.names(access.viewer(), "catalogue:edit"))


def _differences(form: ItemForm, item: ServiceItem) -> list[tuple[str, str, str]]:
    """Label, what stands now, and what was filled in, where the two differ."""
    wanted = form.values()
    return [
        (form[name].label.text, form.told(name, getattr(item, name)), form.told(name, wanted[name]))
        for name in FIELDS
        if getattr(item, name) != wanted[name]
    ]


@pages.page("/items/<item_id>/withdraw", access="catalogue:edit", methods=("POST",), writes=True)
def withdraw(item_id: str) -> Response:
    """Take a service off the list."""
    return _set_active(item_id, False)


@pages.page("/items/<item_id>/restore", access="catalogue:edit", methods=("POST",), writes=True)
def restore(item_id: str) -> Response:
    """Put a service back on the list."""
    return _set_active(item_id, True)


def _set_active(item_id: str, active: bool) -> Response:
    item = queries.get_item(access.viewer(), item_id, "catalogue:edit")
    workflow.set_active(access.viewer(), item, active)
    flash(f"“{item.name}”已恢复，居民可以点" if active else f"“{item.name}”已停用，已点的单照常办", "success")
    return redirect(url_for("catalogue.items", estate=item.estate_id))


@pages.page("/items/<item_id>/move/<way>", access="catalogue:edit", methods=("POST",), writes=True)
def move(item_id: str, way: str) -> Response:
    """One place up or down."""
    item = queries.get_item(access.viewer(), item_id, "catalogue:edit")
    if way not in ("up", "down"):
        raise NotFound
    workflow.shift(access.viewer(), item, way == "up")
    return redirect(url_for("catalogue.items", estate=item.estate_id, _anchor=item.id))
