"""Posts: who holds which, giving one, ending one."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.accounts.workflow import appoint as give_post
from community.accounts.workflow import end_appointment
from community.organisations import queries
from community.organisations.forms import AppointForm, EndForm
from community.organisations.permissions import may_give, roles_given
from core import access, clock
from core.access import ROLE_NAMES, Forbidden, NotFound, Role, Viewer
from core.web.blueprints import Pages

pages = Pages("organisations", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/posts", access="accounts:appoint")
def posts() -> str:
    """The organisations within reach and who holds posts in them."""
    viewer = access.viewer()
    page = queries.list_bodies(viewer, cursor=request.args.get("cursor"))
    return render_template(
        "community/organisations/posts.html", page=page, may_give=lambda role, path: may_give(viewer, role, path)
    )


@pages.page("/posts/new", access="accounts:appoint", methods=("GET", "POST"), writes=True)
def appoint() -> Answer:
    """Find a person, then give a post."""
    viewer = access.viewer()
    q = request.args.get("q", "").strip()[:60]
    chosen = request.args.get("organisation", "")[:16]
    person_id = request.args.get("person", "")[:16]
    if not person_id:
        found = queries.search_people(viewer, q)
        return render_template("community/organisations/find.html", q=q, found=found, organisation=chosen)
    person = queries.find_person(viewer, person_id)
    if person is None:
        raise NotFound
    form = AppointForm()
    form.offer(roles_given(viewer), queries.list_choices(viewer), chosen)
    status = 200
    if form.is_submitted():
        if form.validate() and _give(viewer, form, person.id):
            flash(f"{person.name}任{ROLE_NAMES[Role(form.role.data)]}，已经生效或到日子生效", "success")
            return redirect(url_for("organisations.posts"))
        status = 422
    page = render_template("community/organisations/appoint.html", form=form, person=person, organisation=chosen)
    return page, status


def _give(viewer: Viewer, form: AppointForm, person_id: str) -> bool:
    role, starts_on = Role(form.role.data), form.starts_on.data
    assert starts_on is not None
    organisation = queries.get_organisation(viewer, form.organisation.data)
    if not may_give(viewer, role, organisation.path):
        form.role.errors = [f"您不能在{organisation.name}任命{ROLE_NAMES[role]}，请上级办理"]
    elif queries.holds(person_id, organisation.id, role, starts_on):
        form.role.errors = [f"这个人已经是{organisation.name}的{ROLE_NAMES[role]}"]
    else:
        give_post(
            viewer.person_id, viewer.name, person_id, role, organisation, starts_on, form.ends_on.data,
            queries.estate_at(organisation.path),
        )  # fmt: skip
        return True
    return False


@pages.page("/posts/<post_id>/end", access="accounts:appoint", methods=("GET", "POST"), writes=True)
def end_post(post_id: str) -> Answer:
    """End a post with a day; the record of it stays."""
    viewer = access.viewer()
    post, organisation, name = queries.get_post(viewer, post_id)
    role = Role(post.role)
    if not may_give(viewer, role, organisation.path):
        raise Forbidden(f"您不能免去{ROLE_NAMES[role]}，请上级办理")
    form = EndForm()
    status = 200
    if form.is_submitted():
        if form.validate() and (on := form.on.data) is not None:
            try:
                end_appointment(viewer, post, on, queries.estate_at(organisation.path))
            except ValueError as problem:
                form.on.errors = [str(problem)]
            else:
                flash(f"{name}的{ROLE_NAMES[role]}任职已写明最后一天", "success")
                return redirect(url_for("organisations.posts"))
        status = 422
    else:
        form.on.data = max(clock.today(), post.starts_on)
    page = render_template(
        "community/organisations/end_post.html", form=form, post=post, organisation=organisation, name=name,
        role=ROLE_NAMES[role],
    )  # fmt: skip
    return page, status
