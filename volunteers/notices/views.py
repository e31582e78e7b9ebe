"""A month's hours on public notice: made at the desk, read by anybody, objected to by whoever is signed in or calls."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import PUBLIC, SIGNED_IN, NotFound, Viewer
from core.web.blueprints import Pages
from volunteers.disputes import queries as disputes
from volunteers.disputes import workflow as objections
from volunteers.disputes.forms import ObjectForm, PhoneForm
from volunteers.disputes.workflow import Claim
from volunteers.hours import late
from volunteers.notices import queries, workflow
from volunteers.notices.forms import MonthForm, ReasonForm
from volunteers.notices.queries import Notice

pages = Pages("notices", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/hours/desk/notices", access="hours:read", methods=("GET",))
def index() -> str:
    """An estate's notices, and the months that can be put on notice."""
    return _index_page(request.args.get("estate", "")[:16])


def _index_page(estate_id: str, sent: MonthForm | None = None) -> str:
    viewer = access.viewer()
    estate, estates = late.pick_estate(viewer, estate_id)
    form = sent or MonthForm(formdata=None)
    months = queries.months_to_notice(estate.id)
    form.offer(months)
    return render_template(
        "volunteers/notices/index.html", estate=estate, estates=estates, form=form, months=months,
        notices=queries.list_notices(viewer, estate.id), may_make=viewer.may_at("hours:notice", estate.path),
    )  # fmt: skip


@pages.page("/hours/desk/notices/draft", access="hours:notice", methods=("POST",), writes=True)
def draft() -> Answer:
    """Begin a notice."""
    viewer, form = access.viewer(), MonthForm()
    estate, _ = late.pick_estate(viewer, request.args.get("estate", "")[:16], "hours:notice")
    form.offer(queries.months_to_notice(estate.id))
    if form.validate():
        try:
            notice_id = workflow.draft(viewer, estate.id, form.chosen)
        except workflow.Refused as problem:
            form.month.errors = [str(problem)]
        else:
            return redirect(url_for("notices.desk_show", notice_id=notice_id), 303)
    return _index_page(estate.id, form), 422


@pages.page("/hours/desk/notices/<notice_id>", access="hours:read")
def desk_show(notice_id: str) -> str:
    """A notice at the desk: full names, objections, what can be done."""
    return _desk_page(queries.get_notice(access.viewer(), notice_id))


def _desk_page(notice: Notice, withdrawal: ReasonForm | None = None) -> str:
    viewer = access.viewer()
    return render_template(
        "volunteers/notices/desk_show.html", notice=notice, lines=queries.list_lines(notice),
        objections=disputes.list_of_notice(notice.id), may=viewer.may_at("hours:notice", notice.estate_path),
        withdrawal=withdrawal or ReasonForm(formdata=None),
    )  # fmt: skip


def _step(notice_id: str, act: Any, done: str) -> Answer:
    viewer = access.viewer()
    notice = queries.get_notice(viewer, notice_id, "hours:notice")
    try:
        act(viewer, notice)
    except workflow.Refused as problem:
        flash(str(problem), "warning")
    else:
        flash(done, "success")
    return redirect(url_for("notices.desk_show", notice_id=notice_id), 303)


@pages.page("/hours/desk/notices/<notice_id>/open", access="hours:notice", methods=("POST",), writes=True)
def open_(notice_id: str) -> Answer:
    """Put it on notice from now on."""
    return _step(notice_id, workflow.open_, "公示开始了，名单上的志愿者都会收到通知")


@pages.page("/hours/desk/notices/<notice_id>/close", access="hours:notice", methods=("POST",), writes=True)
def close(notice_id: str) -> Answer:
    """End it: the month is confirmed."""
    return _step(notice_id, workflow.close, "公示结束，这个月的时长已确认")


@pages.page("/hours/desk/notices/<notice_id>/withdraw", access="hours:notice", methods=("POST",), writes=True)
def withdraw(notice_id: str) -> Answer:
    """Take it down, with a reason."""
    viewer, form = access.viewer(), ReasonForm()
    notice = queries.get_notice(viewer, notice_id, "hours:notice")
    if not form.validate():
        return _desk_page(notice, form), 422
    workflow.withdraw(viewer, notice, form.reason.data or "")
    flash("已撤下，可以重新起草", "success")
    return redirect(url_for("notices.desk_show", notice_id=notice_id), 303)


@pages.page("/hours/desk/notices/<notice_id>/phone", access="hours:notice", methods=("GET", "POST"), writes=True)
def phone(notice_id: str) -> Answer:
    """Write down an objection told by phone."""
    viewer = access.viewer()
    notice = queries.get_notice(viewer, notice_id, "hours:notice")
    form, status = PhoneForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate() and _object(viewer, notice, form, form.caller.data or ""):
            flash("已记下，请在期限内核实答复", "success")
            return redirect(url_for("notices.desk_show", notice_id=notice_id), 303)
    page = render_template("volunteers/notices/phone.html", notice=notice, form=form)
    return page if status == 200 else (page, status)


def _object(viewer: Viewer, notice: Notice, form: ObjectForm, caller: str = "") -> bool:
    """Write an objection down; False when it cannot be, and the form says why."""
    if not notice.takes_objections:
        form.form_errors.append("公示已经结束，时长有问题请联系支部")
        return False
    volunteer_id = None
    text = (form.line.data or "").strip()
    if text:
        lines = {str(line.position): line.volunteer_id for line in queries.list_lines(notice)}
        volunteer_id = lines.get(text)
        if volunteer_id is None:
            form.line.errors = [*form.line.errors, f"公示里没有第{text}行，请看前面的序号"]
            return False
    what = f"{notice.month.month}月公示" + (f"第{text}行" if text else "")
    kind = "other"
    claim = Claim(notice.estate_id, kind, form.text.data or "", what, volunteer_id, notice_id=notice.id, caller=caller)
    try:
        objections.raise_(viewer, claim)
    except objections.Refused as problem:
        form.text.errors = [*form.text.errors, str(problem)]
        return False
    return True


# What everybody may read


@pages.page("/notices/hours", access=SIGNED_IN)
def mine() -> str:
    """What my estate has on notice."""
    viewer = access.viewer()
    estate_id = viewer.estate_id
    return render_template(
        "volunteers/notices/mine.html", notices=queries.list_public(estate_id) if estate_id else [],
        is_volunteer=viewer.is_volunteer,
    )  # fmt: skip


@pages.page("/notices/hours/<notice_id>", access=PUBLIC)
def show(notice_id: str) -> str:
    """A notice for anybody: no name beyond a surname, and that by consent; children never named."""
    notice = queries.get_public(notice_id)
    viewer = access.find_viewer()
    return render_template(
        "volunteers/notices/show.html", notice=notice, lines=queries.list_lines(notice),
        me=viewer.person_id if viewer else "", is_signed_in=viewer is not None,
    )  # fmt: skip


@pages.page("/notices/hours/<notice_id>/object", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def object_(notice_id: str) -> Answer:
    """Object to a notice. Those of the estate may, and whoever else is signed in, too: it is public."""
    viewer = access.viewer()
    notice = queries.get_public(notice_id)
    form, status = ObjectForm(), 200
    if not notice.takes_objections and request.method == "GET":
        raise NotFound
    if form.is_submitted():
        status = 422
        if form.validate() and _object(viewer, notice, form):
            flash("已提交，支部会核实，答复会发给您", "success")
            return redirect(url_for("disputes.mine"), 303)
    elif "line" in request.args:
        form.line.data = request.args["line"][:4]
    page = render_template("volunteers/notices/object.html", notice=notice, form=form)
    return page if status == 200 else (page, status)
