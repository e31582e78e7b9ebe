"""The register of volunteers at the desk, and each volunteer's own page."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import NotFound
from core.web.blueprints import Pages
from volunteers.hours.queries import sums
from volunteers.hours.stars import NAMES, star_level
from volunteers.registry import exports, queries, workflow
from volunteers.registry.forms import DaysOffForm, OfferForm, StandingForm, VolunteerForm
from volunteers.registry.models import REACH_NAMES
from volunteers.registry.queries import Card, Wanted
from volunteers.registry.skills import SKILLS
from volunteers.registry.week import DAYS, PARTS, in_words, key, split

pages = Pages("registry", __name__)
Answer = Response | str | tuple[str, int]


def _wanted() -> Wanted:
    args = request.args
    standing, skill = args.get("standing", ""), args.get("skill", "")
    return Wanted(
        q=args.get("q", "").strip()[:60], skill=skill if skill in SKILLS else "",
        standing=standing if standing in queries.STANDINGS else "", free_now=args.get("free") == "1",
        unclear=args.get("unclear") == "1",
    )  # fmt: skip


@pages.page("/volunteers", access="volunteers:read")
def volunteers() -> str:
    """Volunteers within reach."""
    viewer, wanted = access.viewer(), _wanted()
    page = queries.list_volunteers(viewer, wanted, cursor=request.args.get("cursor"))
    return render_template(
        "volunteers/registry/volunteers.html", page=page, wanted=wanted, skills=SKILLS,
        may_export=viewer.may("volunteers:edit"), levels={row.id: star_level(row.total_minutes) for row in page.items},
    )  # fmt: skip


@pages.page("/volunteers/export", access="volunteers:edit", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The list as a table file; that it was taken, and by whom, is kept."""
    data, name = exports.table(access.viewer(), _wanted())
    answer = FlaskResponse(data, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@pages.page("/volunteers/<person_id>", access="volunteers:read")
def show(person_id: str) -> str:
    """One volunteer."""
    viewer = access.viewer()
    return _page(queries.get_card(viewer, person_id), StandingForm(formdata=None))


def _page(card: Card, form: StandingForm) -> str:
    viewer, person_id = access.viewer(), card.volunteer.person_id
    total = sums(person_id, None, None)
    level = star_level(total.total)
    return render_template(
        "volunteers/registry/show.html", card=card, total=total, level=level, level_name=NAMES[level],
        recent=queries.list_recent(person_id), week=_week(card), form=form,
        steps=workflow.STEPS[card.volunteer.standing], reach_names=REACH_NAMES,
        may_edit=viewer.may_at("volunteers:edit", card.estate_path),
    )  # fmt: skip


def _week(card: Card) -> dict[str, object]:
    """The week for a picture: the parts that are free, and the rest in words."""
    keys, rest = split(card.windows)
    return {"days": DAYS, "parts": PARTS, "free": frozenset(keys), "key": key, "rest": in_words(rest)}


@pages.page("/volunteers/<person_id>/edit", access="volunteers:edit", methods=("GET", "POST"), writes=True)
def edit(person_id: str) -> Answer:
    """Change what a volunteer offers, and mend what the roll's reader did not understand."""
    viewer, form = access.viewer(), VolunteerForm()
    card = queries.get_card(viewer, person_id, "volunteers:edit")
    status = 200
    if form.is_submitted():
        if form.validate():
            workflow.change(
                viewer, card, form.offer(), form.seen_version(), team=form.team.data or "",
                national_no=form.national_no.data or "", mended=True, verified=form.verified.data or (),
                guardian=bool(form.guardian.data) if card.is_minor else None,
            )  # fmt: skip
            flash(f"{card.name}的登记已改好", "success")
            return redirect(url_for("registry.show", person_id=person_id))
        status = 422
    else:
        form.fill(card)
    return render_template(
        "volunteers/registry/edit.html", form=form, card=card, name=card.name, days=DAYS, parts=PARTS
    ), status


@pages.page("/volunteers/<person_id>/standing/<standing>", access="volunteers:edit", methods=("POST",), writes=True)
def standing(person_id: str, standing: str) -> Answer:
    """Suspend, take back or let go."""
    viewer, form = access.viewer(), StandingForm()
    card = queries.get_card(viewer, person_id, "volunteers:edit")
    if standing not in queries.STANDINGS:
        raise NotFound
    if form.validate():
        try:
            workflow.set_standing(viewer, card, standing, form.reason.data or "")
        except workflow.Refused as problem:
            form.reason.errors = [str(problem)]
        else:
            told = {"suspended": "已暂停，不再派单给他", "active": "已恢复服务", "left": "已退出，时长记录保留"}
            flash(f"{card.name}{told[standing]}", "success")
            return redirect(url_for("registry.show", person_id=person_id))
    return _page(card, form), 422


@pages.page("/people/<person_id>/volunteer", access="volunteers:edit", methods=("GET", "POST"), writes=True)
def new(person_id: str) -> Answer:
    """Register a person of the roll as a volunteer."""
    viewer, form = access.viewer(), VolunteerForm()
    person, estate = queries.get_candidate(viewer, person_id)
    if queries.is_volunteer(person.id):
        return redirect(url_for("registry.show", person_id=person.id))
    status = 200
    if form.is_submitted():
        if form.validate():
            try:
                workflow.register(viewer, person, estate, form.team.data or "", form.offer(), bool(form.guardian.data))
            except workflow.Refused as problem:
                form.guardian.errors = [str(problem)]
            else:
                flash(f"{person.name}已登记为志愿者", "success")
                return redirect(url_for("registry.show", person_id=person.id))
        status = 422
    else:
        form.weekly_cap.data = 6
    return render_template(
        "volunteers/registry/edit.html", form=form, card=None, name=person.name, days=DAYS, parts=PARTS
    ), status


@pages.page("/volunteer", access="orders:serve", methods=("GET", "POST"), writes=True)
def mine() -> Answer:
    """My skills and hours, declared by myself."""
    viewer, form = access.viewer(), OfferForm()
    card, status = queries.get_own_card(viewer), 200
    if form.is_submitted():
        if form.validate():
            workflow.change(viewer, card, form.offer(), form.seen_version())
            flash("已改好，派单时按新的时间和技能推荐", "success")
            return redirect(url_for("registry.mine"))
        status = 422
    else:
        form.fill(card)
    return _mine(card, form, DaysOffForm(formdata=None)), status


def _mine(card: Card, form: OfferForm, off: DaysOffForm) -> str:
    return render_template("volunteers/registry/mine.html", form=form, off=off, card=card, days=DAYS, parts=PARTS)


@pages.page("/volunteer/days-off", access="orders:serve", methods=("POST",), writes=True)
def take_off() -> Answer:
    """Say that one has no time on some days."""
    viewer, off = access.viewer(), DaysOffForm()
    card = queries.get_own_card(viewer)
    if off.validate():
        try:
            workflow.take_off(viewer, card, *off.days, off.note.data or "")
        except workflow.Refused as problem:
            off.first_day.errors = [str(problem)]
        else:
            flash("已记下，这几天不给您派单", "success")
            return redirect(url_for("registry.mine", _anchor="days-off"), 303)
    form = OfferForm(formdata=None)
    form.fill(card)
    return _mine(card, form, off), 422


@pages.page("/volunteer/days-off/<day_off_id>/drop", access="orders:serve", methods=("POST",), writes=True)
def give_back(day_off_id: str) -> Response:
    """Have time on those days after all."""
    viewer = access.viewer()
    workflow.give_back(viewer, queries.get_own_card(viewer), day_off_id)
    flash("已去掉，这几天照常派单", "success")
    return redirect(url_for("registry.mine", _anchor="days-off"), 303)


@pages.page("/volunteer/on-call", access="orders:serve", methods=("POST",), writes=True)
def on_call() -> Response:
    """May be called when a neighbour is in need, or not."""
    on = request.form.get("on") == "1"
    try:
        workflow.set_on_call(access.viewer(), on)
    except workflow.Refused as problem:
        flash(str(problem), "error")
    else:
        flash("已打开。邻居求助时会叫您，去不去由您" if on else "已关闭，邻居求助时不再叫您", "success")
    return redirect(url_for("registry.mine"), 303)


@pages.page("/volunteer/available", access="orders:serve", methods=("POST",), writes=True)
def available() -> Response:
    """Take orders, or not."""
    on = request.form.get("on") == "1"
    workflow.set_available(access.viewer(), on)
    flash("可以接单了" if on else "暂不接单，支部不会派单给您", "success")
    return redirect(url_for("registry.mine"))
