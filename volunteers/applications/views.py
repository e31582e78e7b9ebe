"""Applying on the phone, and the desk on which a branch decides."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.web.blueprints import Pages
from core.web.forms import clean
from core.workflow import ReasonMissing
from volunteers.applications import checks, queries, workflow
from volunteers.applications.forms import ORDER, STEPS, ApplyForm, ApproveForm, EnterForm, RefuseForm, ReturnForm
from volunteers.applications.models import STATE_NAMES, VIA_NAMES, State
from volunteers.applications.queries import SERVING, Filed, Known
from volunteers.consents.texts import HOWS, TEXTS, VERSION
from volunteers.registry.availability import Window
from volunteers.registry.categories import category_names
from volunteers.registry.models import REACH_NAMES
from volunteers.registry.queries import get_candidate
from volunteers.registry.skills import SKILLS
from volunteers.registry.week import DAYS, PARTS, in_words
from volunteers.registry.workflow import GUARDIAN_AGE, Refused

pages = Pages("applications", __name__)
Answer = Response | str | tuple[str, int]
ONE = "/volunteers/applications/<application_id>"


# On the phone


@pages.page("/volunteer/apply", access="volunteers:apply", methods=("GET", "POST"), writes=True)
def apply() -> Answer:
    """Ask to become a volunteer, in four steps; or how one's application stands."""
    viewer = access.viewer()
    known, volunteer = queries.get_own_known(viewer), queries.find_volunteer(viewer.person_id)
    if volunteer is not None and volunteer.standing in SERVING:
        return redirect(url_for("registry.mine"))
    latest = queries.find_latest(viewer.person_id)
    if request.method == "GET" and latest is not None and _is_told(latest.state, request.args.get("again") == "1"):
        return render_template("volunteers/applications/state.html", one=latest, state=latest.state)
    form = ApplyForm()
    form.ask(known)
    if request.method == "POST":
        return _walk(form, known)
    if latest is not None:
        form.refill(latest)
    else:
        form.weekly_cap.data = 3
    return _step_page(form, known, ORDER[0])


def _is_told(state: str, again: bool) -> bool:
    """Whether the page tells how an application stands, rather than asking."""
    return state == State.SUBMITTED or (state == State.REFUSED and not again)


def _walk(form: ApplyForm, known: Known) -> Answer:
    """One step on, one back, or in: a step is left only when it is filled in well."""
    step = form.step.data if form.step.data in STEPS else ORDER[0]
    place, go = ORDER.index(step), request.form.get("go", "")
    form.validate()
    if go == "back":
        form.first_fault(ORDER[0])
        for name in form.fields_of(ORDER[0]):
            form[name].errors = []
        return _step_page(form, known, ORDER[max(place - 1, 0)])
    fault = form.first_fault(step)
    if fault is not None:
        return _step_page(form, known, fault), 422
    if step != ORDER[-1]:
        return _step_page(form, known, ORDER[place + 1])
    if form.errors:
        return _step_page(form, known, step), 422
    return _send(form, known)


def _send(form: ApplyForm, known: Known) -> Answer:
    viewer = access.viewer()
    live = queries.find_live(viewer.person_id)
    try:
        if live is not None and live.state == State.RETURNED:
            workflow.apply_again(viewer, live, known, form.wish(), form.seen_version())
        else:
            workflow.apply(viewer, known, form.wish())
    except Refused as problem:
        form.form_errors.append(str(problem))
        return _step_page(form, known, ORDER[-1]), 422
    flash("申请已交给支部，审核后会告诉您", "success")
    return redirect(url_for("applications.apply"), 303)


def _step_page(form: ApplyForm, known: Known, step: str) -> str:
    live = queries.find_live(known.person.id)
    form.step.data = step
    form.step.raw_data = None
    return render_template(
        "volunteers/applications/apply.html", form=form, known=known, step=step, steps=STEPS, order=ORDER,
        place=ORDER.index(step), returned=live if live is not None and live.state == State.RETURNED else None,
        shown=form.fields_of(step), texts=TEXTS, version=VERSION, days=DAYS, parts=PARTS,
    )  # fmt: skip


@pages.page("/volunteer/apply/withdraw", access="volunteers:apply", methods=("POST",), writes=True)
def withdraw() -> Response:
    """Take one's application back."""
    viewer = access.viewer()
    live = queries.find_live(viewer.person_id)
    if live is None:
        flash("没有在办的申请", "info")
    else:
        workflow.withdraw(viewer, live)
        flash("申请已撤回，填过的证件号和电话已删除", "success")
    return redirect(url_for("accounts.me"), 303)


# At the desk


@pages.page("/volunteers/applications", access="volunteers:read")
def index() -> str:
    """Applications within reach."""
    viewer, group = access.viewer(), request.args.get("state", "")
    group = group if group in queries.GROUPS else ""
    q = clean(request.args.get("q", ""))[:60]
    page = queries.list_applications(viewer, group, q, cursor=request.args.get("cursor"))
    return render_template(
        "volunteers/applications/index.html", page=page, group=group, q=q, waiting=queries.count_waiting(viewer),
        skills=SKILLS, vias=VIA_NAMES, state_names=STATE_NAMES,
    )  # fmt: skip


@pages.page(ONE, access="volunteers:read")
def show(application_id: str) -> str:
    """One application with its checks."""
    return _page(queries.get_filed(access.viewer(), application_id))


def _page(filed: Filed, **forms: object) -> str:
    one, viewer = filed.application, access.viewer()
    decides = one.state == State.SUBMITTED and viewer.may_at("volunteers:edit", filed.known.estate.path)
    blank = {"approve": ApproveForm(formdata=None, version=str(one.version)), "give_back": ReturnForm(formdata=None),
             "refuse": RefuseForm(formdata=None)}  # fmt: skip
    found = checks.checks_of(filed) if one.state in (State.SUBMITTED, State.RETURNED) else []
    minor = filed.age is not None and filed.age < GUARDIAN_AGE
    return render_template(
        "volunteers/applications/show.html", filed=filed, one=one, known=filed.known, checks=found,
        stopped=bool(checks.stops(found)), decides=decides, minor=minor, names=STATE_NAMES, vias=VIA_NAMES,
        skill_names=[name for code, name in SKILLS.items() if code in one.skills], hows=HOWS, texts=TEXTS,
        category_names=category_names(one.categories), hours=in_words([Window(*w) for w in one.windows]),
        reach_names=REACH_NAMES, **(blank | forms),
    )  # fmt: skip


@pages.page(
    "/volunteers/applications/<application_id>/approve", access="volunteers:edit", methods=("POST",), writes=True
)
def approve(application_id: str) -> Answer:
    """Register the applicant."""
    viewer, form = access.viewer(), ApproveForm()
    filed = queries.get_filed(viewer, application_id, "volunteers:edit")
    if form.validate():
        try:
            volunteer = workflow.approve(viewer, filed, form.seen_version(), form.guardian_how.data or "")
        except Refused as problem:
            form.guardian_how.errors = [str(problem)]
        else:
            flash(f"{filed.known.person.name}已登记为志愿者，编号{volunteer.number}", "success")
            return redirect(url_for("registry.show", person_id=volunteer.person_id), 303)
    return _page(filed, approve=form), 422


@pages.page(
    "/volunteers/applications/<application_id>/return", access="volunteers:edit", methods=("POST",), writes=True
)
def give_back(application_id: str) -> Answer:
    """Return it with what is missing."""
    viewer, form = access.viewer(), ReturnForm()
    filed = queries.get_filed(viewer, application_id, "volunteers:edit")
    if form.validate():
        workflow.return_(viewer, filed, form.missing.data or "")
        flash("已退回，请本人补充后再交", "success")
        return redirect(url_for("applications.index"), 303)
    return _page(filed, give_back=form), 422


@pages.page(
    "/volunteers/applications/<application_id>/refuse", access="volunteers:edit", methods=("POST",), writes=True
)
def refuse(application_id: str) -> Answer:
    """Do not register the applicant."""
    viewer, form = access.viewer(), RefuseForm()
    filed = queries.get_filed(viewer, application_id, "volunteers:edit")
    if form.validate():
        workflow.refuse(viewer, filed, form.reason.data or "")
        flash("已告诉本人没有批准和原因", "success")
        return redirect(url_for("applications.index"), 303)
    return _page(filed, refuse=form), 422


@pages.page("/people/<person_id>/volunteer", access="volunteers:edit", methods=("GET", "POST"), writes=True)
def register(person_id: str) -> Answer:
    """Register a person of the roll as a volunteer: an application that is approved at once."""
    viewer = access.viewer()
    person, _ = get_candidate(viewer, person_id)
    volunteer, known = queries.find_volunteer(person.id), queries.known_of(person.id)
    assert known is not None
    if volunteer is not None and volunteer.standing in SERVING:
        return redirect(url_for("registry.show", person_id=person.id))
    form, waiting = EnterForm(), queries.find_live(person.id)
    form.ask(known)
    status = 200
    if form.is_submitted():
        if form.validate():
            try:
                workflow.enter(viewer, known, form.wish())
            except (Refused, ReasonMissing) as problem:
                form.form_errors.append(str(problem))
            else:
                flash(f"{person.name}已登记为志愿者", "success")
                return redirect(url_for("registry.show", person_id=person.id))
        status = 422
    elif waiting is not None:
        form.refill(waiting)
    else:
        form.weekly_cap.data = 6
    return render_template(
        "volunteers/applications/register.html", form=form, known=known, waiting=waiting, name=person.name, days=DAYS,
        parts=PARTS, texts=TEXTS, version=VERSION,
    ), status  # fmt: skip
