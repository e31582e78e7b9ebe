"""Courses at the desk, and what lapses soon."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for

from community.organisations.queries import get_organisation, list_choices
from core import access, clock
from core.web.forms import choices
from core.workflow import Stale
from volunteers.training import queries, workflow
from volunteers.training.forms import CourseForm
from volunteers.training.queries import REQUIRED_BY
from volunteers.training.views.blueprint import Answer, pages
from volunteers.training.workflow import Refused

MANAGE = "training:manage"


@pages.page("/training", access="training:read")
def index() -> str:
    """Sessions ahead and the courses."""
    viewer = access.viewer()
    return render_template(
        "volunteers/training/index.html", sessions=queries.list_sessions(viewer), courses=queries.list_courses(viewer),
        may_manage=viewer.may(MANAGE), now=clock.now(),
    )  # fmt: skip


@pages.page("/training/lapsing", access="training:read")
def lapsing() -> str:
    """Whose training lapses soon, or has lapsed and was not renewed."""
    viewer = access.viewer()
    return render_template(
        "volunteers/training/lapsing.html", rows=queries.list_lapsing(*queries.window(), viewer), today=clock.today(),
        soon=queries.SOON,
    )  # fmt: skip


@pages.page("/training/courses/<course_id>", access="training:read")
def course(course_id: str) -> str:
    """A course: what it is, its sessions, who holds a valid pass."""
    viewer = access.viewer()
    found = queries.get_course(viewer, course_id)
    required = [name for ask in REQUIRED_BY for name in ask(found.code, viewer)]
    return render_template(
        "volunteers/training/course.html", course=found, sessions=queries.list_sessions(viewer, course_id),
        holders=queries.list_holders(viewer, course_id), required=required,
        may_manage=viewer.may_at(MANAGE, found.path), now=clock.now(),
    )  # fmt: skip


@pages.page("/training/courses/new", access=MANAGE, methods=("GET", "POST"), writes=True)
def new_course() -> Answer:
    """A new course."""
    viewer, form, status = access.viewer(), CourseForm(), 200
    form.organisation_id.choices = choices(list_choices(viewer, MANAGE))
    if form.is_submitted():
        status = 422
        if form.validate():
            body = get_organisation(viewer, form.organisation_id.data or "", MANAGE)
            try:
                made = workflow.add_course(viewer, body, form.code.data or "", form.plan())
            except Refused as refused:
                form[refused.field].errors = [str(refused)]
            else:
                flash("课开好了，接着安排第一场", "success")
                return redirect(url_for("training.new_session", course_id=made), 303)
    else:
        form.valid_months.data, form.places.data, form.is_active.data = 24, 20, True
    return render_template("volunteers/training/course_form.html", form=form, course=None), status


@pages.page("/training/courses/<course_id>/edit", access=MANAGE, methods=("GET", "POST"), writes=True)
def edit_course(course_id: str) -> Answer:
    """Change a course, or stop giving it."""
    viewer, form, status = access.viewer(), CourseForm(), 200
    found = queries.get_course(viewer, course_id, MANAGE)
    form.organisation_id.choices = choices([(found.organisation_id, "")])
    if form.is_submitted():
        status = 422
        form.organisation_id.data, form.code.data = found.organisation_id, found.code
        if form.validate():
            try:
                workflow.change_course(
                    viewer, course_id, form.plan(), form.seen_version(), is_active=bool(form.is_active.data)
                )
            except Stale:
                status, form.version.data = 409, str(found.version)
            else:
                flash("课程已改好", "success")
                return redirect(url_for("training.course", course_id=course_id), 303)
    else:
        form.fill(found)
    page = render_template("volunteers/training/course_form.html", form=form, course=found, is_stale=status == 409)
    return page, status
