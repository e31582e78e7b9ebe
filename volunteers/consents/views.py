"""What one has agreed to and how to take it back, for volunteers, for guardians, and at the branch."""

from __future__ import annotations

from contextlib import suppress

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import SIGNED_IN, Forbidden, NotFound
from core.web.blueprints import Pages
from volunteers.consents import queries, workflow
from volunteers.consents.forms import GuardianForm, WithdrawForm
from volunteers.consents.texts import HOWS, NAMING, NEEDED, TEXTS, VERSION
from volunteers.registry.queries import get_card, get_own_card
from volunteers.registry.workflow import GUARDIAN_AGE, LEAST_AGE, Refused

pages = Pages("consents", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/volunteer/consents", access="orders:serve", methods=("GET", "POST"), writes=True)
def mine() -> Answer:
    """My consents: the texts, which of them stand, giving and withdrawing."""
    viewer, card = access.viewer(), get_own_card(access.viewer())
    if request.method == "POST":
        kinds = [kind for kind in request.form.getlist("consents") if kind in TEXTS]
        given = queries.given_by(viewer.person_id)
        lacking = [kind for kind in given.missing if kind not in kinds]
        if not lacking and kinds:
            workflow.give(viewer, viewer.person_id, card.volunteer.estate_id, kinds, "online")
            flash("同意已记下，随时可以撤回", "success")
            return redirect(url_for("consents.mine"), 303)
        told = f"“{TEXTS[lacking[0]].title}”还没有勾，不同意就不能服务" if lacking else "请勾上要同意的"
        return _mine(told), 422
    return _mine()


def _mine(problem: str = "") -> str:
    given = queries.given_by(access.viewer().person_id)
    return render_template(
        "volunteers/consents/mine.html", given=given, texts=TEXTS, version=VERSION, hows=HOWS, needed=NEEDED,
        problem=problem,
    )  # fmt: skip


@pages.page("/volunteer/consents/<kind>/withdraw", access="orders:serve", methods=("POST",), writes=True)
def withdraw(kind: str) -> Response:
    """Take a consent back; without a needed one the service stops."""
    viewer = access.viewer()
    get_own_card(viewer)
    workflow.withdraw(viewer, viewer.person_id, kind)
    if kind in NEEDED:
        flash("已撤回，服务已暂停。以前的服务记录保留；要退出请联系支部", "success")
    else:
        flash("已撤回", "success")
    return redirect(url_for("consents.mine"), 303)


@pages.page("/consents/<kind>", access="orders:serve", methods=("POST",), writes=True)
def switch(kind: str) -> Response:
    """Agree to be named in public, or take it back; at once, from one's hours."""
    viewer, card = access.viewer(), get_own_card(access.viewer())
    if kind not in NAMING:
        raise NotFound
    if request.form.get("on") == "1":
        if card.age is not None and card.age < GUARDIAN_AGE:
            raise Forbidden("未满18岁的志愿者不公开姓名")
        workflow.give(viewer, viewer.person_id, card.volunteer.estate_id, [kind], "online")
        flash("已记下您的同意，随时可以收回", "success")
    else:
        # Pressed twice, or on two phones: it is as they want it already.
        with suppress(NotFound):
            workflow.withdraw(viewer, viewer.person_id, kind)
        flash("已收回同意，马上生效", "success")
    return redirect(url_for("hours.mine") + "#consents", 303)


@pages.page("/wards", access=SIGNED_IN)
def wards() -> str:
    """The volunteers under 18 for whom I have consented as their guardian."""
    return _wards(WithdrawForm(formdata=None))


def _wards(form: WithdrawForm, about: str = "") -> str:
    rows = queries.list_wards(access.viewer())
    return render_template("volunteers/consents/wards.html", rows=rows, form=form, about=about)


@pages.page("/wards/<person_id>/withdraw", access=SIGNED_IN, methods=("POST",), writes=True)
def withdraw_ward(person_id: str) -> Answer:
    """A guardian takes the consent back by themselves."""
    viewer, form = access.viewer(), WithdrawForm()
    ward = queries.get_ward(viewer, person_id)
    if form.validate():
        workflow.withdraw_guardian(viewer, ward.person_id, form.reason.data or "")
        flash(f"已撤回，{ward.name}的服务马上停止，支部已收到通知", "success")
        return redirect(url_for("consents.wards"), 303)
    return _wards(form, person_id), 422


@pages.page("/volunteers/<person_id>/guardian", access="volunteers:edit", methods=("GET", "POST"), writes=True)
def guardian(person_id: str) -> Answer:
    """Write down that a guardian consents."""
    viewer, form = access.viewer(), GuardianForm()
    card = get_card(viewer, person_id, "volunteers:edit")
    form.estate_id = card.volunteer.estate_id
    form.child = card.age is not None and card.age < LEAST_AGE
    status = 200
    if form.is_submitted():
        if form.validate():
            try:
                workflow.name_guardian(viewer, person_id, card.volunteer.estate_id, form.guardian())
            except Refused as problem:
                form.companion_no.errors = [str(problem)]
            else:
                flash("监护人的同意已记下", "success")
                return redirect(url_for("registry.show", person_id=person_id), 303)
        status = 422
    page = render_template("volunteers/consents/guardian.html", form=form, card=card)
    return page, status


@pages.page("/volunteers/<person_id>/guardian/withdraw", access="volunteers:edit", methods=("POST",), writes=True)
def withdraw_guardian(person_id: str) -> Answer:
    """A guardian has told the branch that they take the consent back."""
    viewer, form = access.viewer(), WithdrawForm(prefix="guardian-")
    card = get_card(viewer, person_id, "volunteers:edit")
    if form.validate():
        workflow.withdraw_guardian(viewer, person_id, form.reason.data or "")
        flash(f"监护人的同意已撤回，{card.name}的服务已暂停", "success")
        return redirect(url_for("registry.show", person_id=person_id), 303)
    flash("请写明原因，监护人的同意没有撤回", "error")
    return redirect(url_for("registry.show", person_id=person_id), 303)
