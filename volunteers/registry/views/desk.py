"""The register of volunteers at the desk."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for

from core import access
from core.access import NotFound, Viewer
from core.web.forms import clean
from volunteers.consents import queries as consents
from volunteers.consents.forms import WithdrawForm
from volunteers.consents.texts import HOWS, TEXTS, VERSION
from volunteers.hours.queries import sums
from volunteers.hours.stars import NAMES, of_row
from volunteers.registry import closed, exports, queries, workflow
from volunteers.registry.commitments import Commitment
from volunteers.registry.forms import ReasonForm, StandingForm, VerifyForm, VolunteerForm
from volunteers.registry.models import REACH_NAMES, Standing
from volunteers.registry.queries import Card, Wanted
from volunteers.registry.skills import SKILLS
from volunteers.registry.views.blueprint import Answer, pages
from volunteers.registry.week import DAYS, PARTS, in_words, key, split
from volunteers.registry.workflow import Evidence
from volunteers.teams.queries import list_teams_of


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
        "volunteers/registry/volunteers.html", page=page, wanted=wanted, skills=SKILLS, team_names=queries.team_names,
        may_export=viewer.may("volunteers:edit"), may_certify=viewer.may("certificates:batch"),
        may_exchange=viewer.may("exchange:read"),
        levels={row.id: of_row(row).level(row.total_minutes) for row in page.items},
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


def _page(card: Card, form: StandingForm, held: Sequence[Commitment] = ()) -> str:
    viewer, person_id = access.viewer(), card.volunteer.person_id
    total = sums(person_id, None, None)
    level = total.level
    return render_template(
        "volunteers/registry/show.html", card=card, total=total, level=level, level_name=NAMES[level],
        recent=queries.list_recent(person_id), week=_week(card), form=form, held=held, reach_names=REACH_NAMES,
        steps=workflow.next_standings(card.volunteer.standing), teams=list_teams_of(person_id),
        given=consents.given_by(person_id), texts=TEXTS, hows=HOWS, version=VERSION,
        guardian_form=WithdrawForm(formdata=None, prefix="guardian-"),
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
            number = form.national_no.data or ""
            workflow.change(viewer, card, form.offer(), form.seen_version(), national_no=number, mended=True)
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
    """Suspend, send on leave, take back or let go."""
    viewer, form = access.viewer(), StandingForm()
    card = queries.get_card(viewer, person_id, "volunteers:edit")
    if standing not in queries.STANDINGS:
        raise NotFound
    held: Sequence[Commitment] = ()
    if form.validate():
        try:
            _stand(viewer, card, Standing(standing), form)
        except workflow.HandOverFirst as problem:
            form.reason.errors, held = [str(problem)], problem.held
        except workflow.Refused as problem:
            form.reason.errors = [str(problem)]
        else:
            told = {"suspended": "已暂停，不再派单给他", "active": "已恢复服务", "on_leave": "已登记请假，到期自动恢复",
                    "left": "已退出，时长记录保留"}  # fmt: skip
            flash(f"{card.name}{told[standing]}", "success")
            return redirect(url_for("registry.show", person_id=person_id))
    return _page(card, form, held), 422


def _stand(viewer: Viewer, card: Card, target: Standing, form: StandingForm) -> None:
    one, reason = card.volunteer, form.reason.data or ""
    match target:
        case Standing.SUSPENDED:
            workflow.suspend(viewer, one, reason)
        case Standing.ON_LEAVE:
            if form.until.data is None:
                raise workflow.Refused("请填请假到哪天")
            workflow.take_leave(viewer, one, form.until.data, reason)
        case Standing.LEFT:
            workflow.leave(viewer, one, reason, form.custodian.data or "")
        case _:
            workflow.come_back(viewer, one, reason)


@pages.page("/volunteers/archive", access="volunteers:read")
def archive() -> str:
    """Records of those who have left, sealed until their time is over."""
    q = clean(request.args.get("q", ""))[:60]
    page = closed.list_closed(access.viewer(), q, cursor=request.args.get("cursor"))
    return render_template("volunteers/registry/archive.html", page=page, q=q)


@pages.page("/volunteers/<person_id>/skills/<skill>", access="volunteers:edit", methods=("GET", "POST"), writes=True)
def verify(person_id: str, skill: str) -> Answer:
    """Note that a declared skill was checked, and against what."""
    viewer, form = access.viewer(), VerifyForm()
    card = queries.get_card(viewer, person_id, "volunteers:edit")
    if skill not in card.skills:
        raise NotFound
    status = 200
    if form.is_submitted():
        if form.validate():
            evidence = Evidence(form.evidence.data or "", form.certificate.data or "", form.expires_on.data)
            try:
                workflow.verify(viewer, card, skill, evidence)
            except workflow.Refused as problem:
                form.expires_on.errors = [str(problem)]
            else:
                flash(f"“{SKILLS[skill]}”已核实", "success")
                return redirect(url_for("registry.show", person_id=person_id), 303)
        status = 422
    one = card.skills[skill]
    page = render_template(
        "volunteers/registry/verify.html", card=card, one=one, form=form, doubt=ReasonForm(formdata=None)
    )
    return page, status


@pages.page("/volunteers/<person_id>/skills/<skill>/doubt", access="volunteers:edit", methods=("POST",), writes=True)
def doubt(person_id: str, skill: str) -> Answer:
    """Take a verification back; the skill stays declared."""
    viewer, form = access.viewer(), ReasonForm()
    card = queries.get_card(viewer, person_id, "volunteers:edit")
    if skill not in card.skills:
        raise NotFound
    if form.validate():
        try:
            workflow.unverify(viewer, card, skill, form.reason.data or "")
        except workflow.Refused as problem:
            form.reason.errors = [str(problem)]
        else:
            flash(f"“{SKILLS[skill]}”的核实已取消，本人声明的技能还在", "success")
            return redirect(url_for("registry.show", person_id=person_id), 303)
    page = render_template(
        "volunteers/registry/verify.html", card=card, one=card.skills[skill], form=VerifyForm(formdata=None), doubt=form
    )
    return page, 422
