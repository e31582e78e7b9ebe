"""Posts: making and changing them, what repeats every week, laying weeks forward."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for

from community.organisations.queries import get_organisation, list_choices
from core import access, clock
from core.web.forms import choices
from core.workflow import Stale
from volunteers.rota import queries, workflow
from volunteers.rota.forms import WEEKDAYS, LayForm, PatternForm, PostForm, ShiftForm
from volunteers.rota.needs import Need
from volunteers.rota.needs import read as read_needs
from volunteers.rota.queries import MANAGE, READ
from volunteers.rota.views.blueprint import Answer, attach, pages
from volunteers.rota.workflow import Refused
from volunteers.training.queries import names

USUAL = Need("1", "值班员", 2)


@pages.page("/rota/posts", access=READ)
def posts() -> str:
    """Posts within reach."""
    viewer = access.viewer()
    return render_template(
        "volunteers/rota/posts.html", posts=queries.list_posts(viewer), may_manage=viewer.may(MANAGE)
    )


@pages.page("/rota/posts/<rota_id>", access=READ)
def post(rota_id: str) -> str:
    """A post: what it is, what repeats, the shifts ahead."""
    viewer = access.viewer()
    found = queries.get_post(viewer, rota_id)
    return render_template(
        "volunteers/rota/post.html", post=found, patterns=queries.list_patterns(rota_id), weekdays=WEEKDAYS,
        shifts=queries.list_coming(rota_id), may_manage=viewer.may_at(MANAGE, found.path), read_needs=read_needs,
    )  # fmt: skip


@pages.page("/rota/posts/new", access=MANAGE, methods=("GET", "POST"), writes=True)
def new_post() -> Answer:
    """A new post."""
    viewer, form, status = access.viewer(), PostForm(), 200
    form.organisation_id.choices = choices(list_choices(viewer, MANAGE))
    if form.is_submitted():
        status = 422
        if form.validate():
            body = get_organisation(viewer, form.organisation_id.data or "", MANAGE)
            made = workflow.add_post(viewer, body, form.post())
            flash("岗位建好了，接着写每周怎么排", "success")
            return redirect(url_for("rota.new_pattern", rota_id=made), 303)
    else:
        form.is_open.data = form.is_active.data = True
    return render_template("volunteers/rota/post_form.html", form=form, post=None), status


@pages.page("/rota/posts/<rota_id>/edit", access=MANAGE, methods=("GET", "POST"), writes=True)
def edit_post(rota_id: str) -> Answer:
    """Change a post; another place is told to everybody with a shift ahead."""
    viewer, form, status = access.viewer(), PostForm(), 200
    found = queries.get_post(viewer, rota_id, MANAGE)
    form.organisation_id.choices = choices([(found.organisation_id, "")])
    if form.is_submitted():
        status, form.organisation_id.data = 422, found.organisation_id
        if form.validate():
            try:
                told = workflow.change_post(
                    viewer, rota_id, form.post(), form.seen_version(), is_active=bool(form.is_active.data)
                )
            except Refused as refused:
                attach(form, refused)
            except Stale:
                status, form.version.data = 409, str(found.version)
            else:
                flash("岗位已改好" + (f"，告诉了{told}人" if told else ""), "success")
                return redirect(url_for("rota.post", rota_id=rota_id), 303)
    else:
        form.fill(found)
    page = render_template("volunteers/rota/post_form.html", form=form, post=found, is_stale=status == 409)
    return page, status


@pages.page("/rota/posts/<rota_id>/patterns/new", access=MANAGE, methods=("GET", "POST"), writes=True)
def new_pattern(rota_id: str) -> Answer:
    """Slots that repeat every week."""
    viewer, form, status = access.viewer(), PatternForm(), 200
    found = queries.get_post(viewer, rota_id, MANAGE)
    form.offer(names(viewer))
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                count = workflow.add_patterns(viewer, rota_id, form.weeklies())
            except Refused as refused:
                attach(form, refused)
            else:
                flash(f"每周{count}班写好了，还要往后铺几周，志愿者才看得到", "success")
                return redirect(url_for("rota.post", rota_id=rota_id), 303)
    else:
        form.fill_needs([USUAL])
        form.fill_times(8 * 60, 4 * 60)
        form.weekdays.data = [str(day) for day in range(7)]
    return render_template("volunteers/rota/pattern_form.html", form=form, post=found, pattern=None), status


@pages.page("/rota/patterns/<pattern_id>", access=MANAGE, methods=("GET", "POST"), writes=True)
def edit_pattern(pattern_id: str) -> Answer:
    """Change what repeats; only shifts that nobody is in follow."""
    viewer, form, status = access.viewer(), PatternForm(), 200
    row, found = queries.get_pattern(viewer, pattern_id)
    needs = list(read_needs(row.needs).values())
    form.offer(names(viewer), needs)
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                changed, kept = workflow.change_pattern(viewer, pattern_id, form.weeklies()[0], form.seen_version())
            except Refused as refused:
                attach(form, refused)
            except Stale:
                status, form.version.data = 409, str(row.version)
            else:
                tail = f"；有人的{kept}班没有动，需要的话逐班改" if kept else ""
                flash(f"改好了，后面没人的{changed}班跟着改了{tail}", "success")
                return redirect(url_for("rota.post", rota_id=found.id), 303)
    else:
        form.fill(row, needs)
    page = render_template(
        "volunteers/rota/pattern_form.html", form=form, post=found, pattern=row, is_stale=status == 409
    )
    return page, status


@pages.page("/rota/patterns/<pattern_id>/drop", access=MANAGE, methods=("POST",), writes=True)
def drop_pattern(pattern_id: str) -> Answer:
    """Not to repeat any more."""
    viewer = access.viewer()
    _, found = queries.get_pattern(viewer, pattern_id)
    gone, kept = workflow.drop_pattern(viewer, pattern_id)
    tail = f"，有人的{kept}班留着" if kept else ""
    flash(f"以后不再重复，后面没人的{gone}班已去掉{tail}", "success")
    return redirect(url_for("rota.post", rota_id=found.id), 303)


@pages.page("/rota/posts/<rota_id>/lay", access=MANAGE, methods=("GET", "POST"), writes=True)
def lay(rota_id: str) -> Answer:
    """Lay the repeated weeks forward: first what it would do, then do it."""
    viewer = access.viewer()
    found = queries.get_post(viewer, rota_id, MANAGE)
    asked = request.method == "GET" and "first" in request.args
    form = LayForm(request.args, meta={"csrf": False}) if asked else LayForm()
    status, proposals = 200, []
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                count = workflow.lay(viewer, rota_id, *form.asked())
            except Refused as refused:
                attach(form, refused)
            else:
                flash(f"铺好了{count}班" if count else "没有要新铺的班", "success" if count else "info")
                return redirect(url_for("rota.week", week=form.asked()[0].isoformat()), 303)
    elif asked:
        status = 200 if form.validate() else 422
        proposals = workflow.propose(rota_id, *form.asked()) if status == 200 else []
    else:
        form.first.data, form.weeks.data = clock.today(), 2
    return render_template(
        "volunteers/rota/lay.html", form=form, post=found, proposals=proposals, asked=asked and status == 200,
        fresh=sum(one.what == "new" for one in proposals),
    ), status  # fmt: skip


@pages.page("/rota/posts/<rota_id>/shifts/new", access=MANAGE, methods=("GET", "POST"), writes=True)
def new_shift(rota_id: str) -> Answer:
    """One shift by itself."""
    viewer, form, status = access.viewer(), ShiftForm(), 200
    found = queries.get_post(viewer, rota_id, MANAGE)
    form.offer(names(viewer))
    if form.is_submitted():
        status = 422
        if form.validate():
            try:
                made = workflow.plan_shift(viewer, rota_id, form.slot())
            except Refused as refused:
                attach(form, refused)
            else:
                flash("这一班排好了，志愿者看得到了", "success")
                return redirect(url_for("rota.shift", shift_id=made), 303)
    else:
        form.day.data = clock.today()
        form.fill_times(8 * 60, 4 * 60)
        form.fill_needs([USUAL])
    return render_template("volunteers/rota/shift_form.html", form=form, post=found, shift=None), status
