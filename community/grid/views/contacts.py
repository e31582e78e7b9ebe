"""Whom to reach when a household is in need: a resident's own list, and the same for a home that staff look after."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from community.grid import contacts
from community.grid.contacts import CONTACTS, RELATIONS, Door
from community.grid.forms import ContactForm, RevealForm
from community.grid.workflow import contacts as workflow
from core import access
from core.access import SIGNED_IN
from core.web.blueprints import Pages
from core.workflow import Stale

pages = Pages("contacts", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/me/contacts", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def mine() -> Answer:
    """My home's contacts, and one more."""
    return _list(contacts.get_own_door(access.viewer()))


@pages.page("/households/<household_id>/contacts", access="people:edit", methods=("GET", "POST"), writes=True)
def household(household_id: str) -> Answer:
    """The contacts of a home in reach, and one more."""
    return _list(contacts.get_door(access.viewer(), household_id))


def _list(door: Door) -> Answer:
    viewer, form = access.viewer(), ContactForm()
    if not form.is_submitted():
        return _page(door, form)
    if form.validate() and form.require_phone():
        try:
            workflow.add(viewer, door, form.name.data or "", form.relation.data or "", form.phone.data or "")
        except ValueError as problem:
            form.phone.errors = [str(problem)]
        else:
            flash(f"{form.relation.data}已加进紧急联系人", "success")
            return redirect(_back(door), 303)
    return _page(door, form), 422


def _page(door: Door, form: ContactForm, revealed: tuple[str, str] | None = None, **more: Any) -> str:
    viewer = access.viewer()
    listed = contacts.list_contacts(door)
    return render_template(
        "community/grid/contacts.html", door=door, contacts=listed, form=form, relations=RELATIONS,
        is_full=len(listed) >= CONTACTS, is_own=door.id == viewer.household_id, revealed=revealed,
        may_reveal=viewer.may_at("people:reveal", door.path), **more,
    )  # fmt: skip


def _back(door: Door) -> str:
    if door.id == access.viewer().household_id:
        return url_for("contacts.mine")
    return url_for("contacts.household", household_id=door.id)


@pages.page("/contacts/<contact_id>", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def edit(contact_id: str) -> Answer:
    """Change one."""
    viewer, form, status = access.viewer(), ContactForm(), 200
    contact, door = contacts.get_contact(viewer, contact_id)
    if not form.is_submitted():
        form.name.data, form.relation.data, form.version.data = contact.name, contact.relation, str(contact.version)
    elif form.validate():
        try:
            workflow.change(
                viewer, contact, door, form.seen_version(), form.name.data or "", form.relation.data or "",
                form.phone.data or "",
            )  # fmt: skip
        except Stale:
            form.version.data, form.version.raw_data, status = str(contact.version), None, 409
        else:
            flash("已改好", "success")
            return redirect(_back(door), 303)
    else:
        status = 422
    page = render_template(
        "community/grid/contact.html", form=form, contact=contact, door=door, relations=RELATIONS, back=_back(door),
        masked=contacts.masked(contact.phone_sealed), is_stale=status == 409,
    )  # fmt: skip
    return page if status == 200 else (page, status)


@pages.page("/contacts/<contact_id>/first", access=SIGNED_IN, methods=("POST",), writes=True)
def first(contact_id: str) -> Response:
    """Reach this one before the others."""
    viewer = access.viewer()
    contact, door = contacts.get_contact(viewer, contact_id)
    workflow.put_first(viewer, contact, door)
    flash(f"{contact.relation}排到了第一位", "success")
    return redirect(_back(door), 303)


@pages.page("/contacts/<contact_id>/drop", access=SIGNED_IN, methods=("POST",), writes=True)
def drop(contact_id: str) -> Response:
    """Take one off the list."""
    viewer = access.viewer()
    contact, door = contacts.get_contact(viewer, contact_id)
    workflow.drop(viewer, contact, door)
    flash(f"{contact.relation}已移除，不再通知", "success")
    return redirect(_back(door), 303)


@pages.page("/contacts/<contact_id>/reveal", access="people:reveal", methods=("POST",), writes=True)
def reveal(contact_id: str) -> Answer:
    """One number in the clear, on this page alone; who looked and why is recorded."""
    viewer, form = access.viewer(), RevealForm()
    contact, door = contacts.get_contact(viewer, contact_id)
    empty = ContactForm(formdata=None)
    if not form.reason.validate(form):
        return _page(door, empty, reveal_form=form, reveal_of=contact_id), 422
    number = workflow.reveal(viewer, contact, door, form.reason.data or "")
    return _page(door, empty, (contact.relation, number))
