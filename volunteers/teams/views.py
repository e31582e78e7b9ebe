"""Teams: the list at the desk, a volunteer's teams on the phone, the page of a team, and what its leaders do there."""

from __future__ import annotations

from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.grid import queries as grid
from community.grid.workflow import imports
from core import access, clock
from core.access import SIGNED_IN, Forbidden, NotFound
from core.sheets import SheetError
from core.web.blueprints import Pages
from core.web.forms import choices, clean
from volunteers.teams import exports, figures, people, queries, workflow
from volunteers.teams.forms import ReasonForm, RollForm, TeamForm, WishForm
from volunteers.teams.models import KIND_NAMES, ROLE_NAMES, Kind
from volunteers.teams.queries import TeamPage, Wanted
from volunteers.teams.workflow import Refused

pages = Pages("teams", __name__)
Answer = Response | str | tuple[str, int]


def _wanted() -> Wanted:
    args = request.args
    kind = args.get("kind", "")
    return Wanted(clean(args.get("q", ""))[:60], kind if kind in set(Kind) else "", args.get("ended") == "1")


@pages.page("/teams", access="teams:read")
def index() -> str:
    """Teams that touch the viewer's subtrees, with what they did this year."""
    viewer, wanted = access.viewer(), _wanted()
    page = queries.list_teams(viewer, wanted, cursor=request.args.get("cursor"))
    return render_template(
        "volunteers/teams/index.html", page=page, wanted=wanted, kinds=KIND_NAMES,
        done=figures.figures_of([row.id for row in page.items], *figures.this_year()),
        leaders={row.id: queries.leaders_of(viewer, row) for row in page.items},
        may_found=viewer.may("teams:manage"),
    )  # fmt: skip


@pages.page("/teams/export", access="teams:read", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The list as a table file; that it was taken, and by whom, is kept."""
    data, name = exports.table(access.viewer(), _wanted())
    answer = FlaskResponse(data, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@pages.page("/teams/mine", access="teams:join")
def mine() -> str:
    """My teams, and those of my estate that I could join."""
    rows = queries.list_near(access.viewer())
    return render_template("volunteers/teams/mine.html", rows=rows, kinds=KIND_NAMES)


@pages.page("/teams/<team_id>", access=SIGNED_IN)
def show(team_id: str) -> str:
    """One team: who leads it, who is in it, what it has done."""
    return _page(queries.get_team(access.viewer(), team_id))


def _page(page: TeamPage, **forms: Any) -> str:
    viewer = access.viewer()
    blank = {"wish": WishForm(formdata=None), "reason": ReasonForm(formdata=None), "about": ""}
    return render_template(
        "volunteers/teams/show_desk.html" if page.reads else "volunteers/teams/show_phone.html", page=page,
        team=page.team, people=people.people_of(viewer, page), work=figures.work_of(page.team.id),
        detachments=queries.list_detachments(page.team.id) if page.is_corps else (), kinds=KIND_NAMES,
        roles=queries.roles_in(page), may_join=viewer.may("teams:join"), may_import=viewer.may("people:import"),
        **(blank | forms),
    )  # fmt: skip


@pages.page("/teams/new", access="teams:manage", methods=("GET", "POST"), writes=True)
def new() -> Answer:
    """Found a team, or a corps of detachments."""
    viewer, form = access.viewer(), TeamForm()
    homes = queries.list_homes(viewer)
    form.offer(homes, queries.list_corps(), queries.list_free_detachments(viewer), may_corps=viewer.may("teams:corps"))
    status = 200
    if form.is_submitted():
        if form.validate():
            try:
                team_id = workflow.found(viewer, form.values(), form.chosen() or ())
            except Refused as problem:
                _attach(form, problem)
            else:
                flash(f"{form.name.data}已建好", "success")
                return redirect(url_for("teams.show", team_id=team_id), 303)
        status = 422
    else:
        form.founded_on.data, form.kind.data = clock.today(), Kind.SQUAD
        form.organisation_id.data = homes[0][0] if len(homes) == 1 else ""
    return render_template("volunteers/teams/form.html", form=form, page=None), status


def _attach(form: TeamForm, problem: Refused) -> None:
    if problem.field and problem.field in form:
        form[problem.field].errors = [str(problem)]
    else:
        form.form_errors.append(str(problem))


@pages.page("/teams/<team_id>/edit", access="teams:manage", methods=("GET", "POST"), writes=True)
def edit(team_id: str) -> Answer:
    """Change what a team says of itself."""
    viewer, form = access.viewer(), TeamForm()
    page = queries.get_team(viewer, team_id, manage=True)
    detachments = queries.list_free_detachments(viewer, team_id) if page.is_corps else []
    form.offer([], queries.list_corps(), detachments, may_corps=page.is_corps, team=page.team)
    status = 200
    if form.is_submitted():
        if form.validate():
            try:
                workflow.change(viewer, page, form.values(), form.seen_version(), form.chosen())
            except Refused as problem:
                _attach(form, problem)
            else:
                flash(f"{form.name.data}已改好", "success")
                return redirect(url_for("teams.show", team_id=team_id), 303)
        status = 422
    else:
        form.fill(page.team)
        if "detachments" in form:
            form.detachments.data = [row.id for row in queries.list_detachments(team_id)]
    return render_template("volunteers/teams/form.html", form=form, page=page), status


@pages.page("/teams/<team_id>/end", access="teams:manage", methods=("POST",), writes=True)
def end(team_id: str) -> Answer:
    """A team is no more."""
    viewer, form = access.viewer(), ReasonForm()
    page = queries.get_team(viewer, team_id, manage=True)
    if not form.validate():
        return _page(page, reason=form, about="end"), 422
    workflow.end(viewer, page, form.reason.data or "")
    flash("队伍已撤销，队员已告知，以前的服务都留着", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/reopen", access="teams:manage", methods=("POST",), writes=True)
def reopen(team_id: str) -> Answer:
    """A team that was ended by mistake."""
    viewer = access.viewer()
    page = queries.get_team(viewer, team_id, manage=True)
    try:
        workflow.reopen(viewer, page)
    except Refused as problem:
        flash(str(problem), "error")
    else:
        flash("队伍已恢复，队员要重新加入", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


# Joining and leaving


@pages.page("/teams/<team_id>/join", access="teams:join", methods=("POST",), writes=True)
def join(team_id: str) -> Answer:
    """Ask the leader to be taken in."""
    viewer, form = access.viewer(), WishForm()
    page = queries.get_team(viewer, team_id)
    if form.validate():
        try:
            workflow.ask(viewer, page, form.wish.data or "")
        except Refused as problem:
            form.wish.errors = [str(problem)]
        else:
            flash("申请已交给队长，答复会告诉您", "success")
            return redirect(url_for("teams.show", team_id=team_id), 303)
    return _page(page, wish=form), 422


@pages.page("/teams/<team_id>/take-back", access="teams:join", methods=("POST",), writes=True)
def take_back(team_id: str) -> Response:
    """Not want to join after all."""
    viewer = access.viewer()
    try:
        workflow.take_back(viewer, queries.get_team(viewer, team_id))
    except Refused as problem:
        flash(str(problem), "error")
    else:
        flash("入队申请已撤回", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/leave", access="teams:join", methods=("POST",), writes=True)
def leave(team_id: str) -> Response:
    """Leave a team."""
    viewer = access.viewer()
    try:
        workflow.leave(viewer, queries.get_team(viewer, team_id))
    except Refused as problem:
        flash(str(problem), "error")
        return redirect(url_for("teams.show", team_id=team_id), 303)
    flash("已退出这支队伍，以前的服务仍算在队里", "success")
    return redirect(url_for("teams.mine"), 303)


def _taking(team_id: str) -> TeamPage:
    """A team whose people the viewer looks after. Raises ``NotFound`` and ``Forbidden``."""
    page = queries.get_team(access.viewer(), team_id)
    if not page.takes_people:
        raise Forbidden("收人和请出队要由队长或支部来办")
    return page


@pages.page("/teams/<team_id>/members/<membership_id>/accept", access=SIGNED_IN, methods=("POST",), writes=True)
def accept(team_id: str, membership_id: str) -> Response:
    """Take in whoever asked."""
    page = _taking(team_id)
    one = people.get_membership(page, membership_id)
    try:
        workflow.accept(access.viewer(), page, one)
    except Refused as problem:
        flash(str(problem), "error")
    else:
        flash("已收入队，本人会收到消息", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/members/<membership_id>/decline", access=SIGNED_IN, methods=("POST",), writes=True)
def decline(team_id: str, membership_id: str) -> Answer:
    """Not take in whoever asked."""
    page, form = _taking(team_id), ReasonForm()
    one = people.get_membership(page, membership_id)
    if not form.validate():
        return _page(page, reason=form, about=membership_id), 422
    workflow.decline(access.viewer(), page, one, form.reason.data or "")
    flash("已婉拒，原因会告诉本人", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/members/<membership_id>/remove", access=SIGNED_IN, methods=("POST",), writes=True)
def remove(team_id: str, membership_id: str) -> Answer:
    """Let a member go."""
    page, form = _taking(team_id), ReasonForm()
    one = people.get_membership(page, membership_id)
    if not form.validate():
        return _page(page, reason=form, about=membership_id), 422
    workflow.remove(access.viewer(), page, one, form.reason.data or "")
    flash("已请出队，原因会告诉本人", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/members/<membership_id>/role", access="teams:manage", methods=("POST",), writes=True)
def role(team_id: str, membership_id: str) -> Response:
    """Make a member leader, deputy, or member again."""
    viewer = access.viewer()
    page = queries.get_team(viewer, team_id, manage=True)
    one, chosen = people.get_membership(page, membership_id), request.form.get("role", "")
    if chosen not in ROLE_NAMES:
        raise NotFound
    try:
        workflow.set_role(viewer, page, one, chosen)
    except Refused as problem:
        flash(str(problem), "error")
    else:
        flash(f"已改为{queries.roles_in(page)[chosen]}", "success")
    return redirect(url_for("teams.show", team_id=team_id), 303)


@pages.page("/teams/<team_id>/add", access="teams:manage", methods=("GET", "POST"), writes=True)
def add(team_id: str) -> Answer:
    """Find a volunteer in reach and take them in."""
    viewer = access.viewer()
    page = queries.get_team(viewer, team_id, manage=True)
    problem, status = "", 200
    if request.method == "POST":
        volunteer = people.get_recruit(viewer, request.form.get("person", "")[:16])
        chosen = request.form.get("role", "member")
        try:
            workflow.add(viewer, page, volunteer, chosen if chosen in ROLE_NAMES else "member")
        except Refused as refused:
            problem, status = str(refused), 422
        else:
            flash("已收入队，本人会收到消息", "success")
            return redirect(url_for("teams.show", team_id=team_id), 303)
    q = clean(request.args.get("q", ""))[:60]
    found = people.find_volunteers(viewer, page, q)
    roles = queries.roles_in(page)
    return render_template(
        "volunteers/teams/add.html", page=page, q=q, found=found, problem=problem, roles=roles
    ), status


@pages.page("/teams/<team_id>/import", access="teams:manage", methods=("GET", "POST"))
def roll(team_id: str) -> Answer:
    """Bring a roll of people into a team: read here, looked at and confirmed among the imports."""
    viewer, form = access.viewer(), RollForm()
    page = queries.get_team(viewer, team_id, manage=True)
    if page.is_corps or not page.is_open:
        raise NotFound
    form.estate.choices = choices(queries.list_estates(viewer, page))
    status = 200
    if form.is_submitted():
        if form.validate():
            estate = grid.get_estate(viewer, form.estate.data, "people:import")
            name = clean(form.file.data.filename).replace("/", "_").replace("\\", "_")
            try:
                import_id = imports.upload(viewer, estate, name, form.file.data.read(), team_id)
            except SheetError as error:
                form.file.errors = [error.message_zh]
            else:
                return redirect(url_for("grid.preview", import_id=import_id), 303)
        status = 422
    return render_template("volunteers/teams/roll.html", form=form, page=page), status
