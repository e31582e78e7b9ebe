"""The time bank: one's own saved time, gifts to relatives, and the branch that confirms them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.organisations.queries import find_person, search_people
from core import access
from core.access import SIGNED_IN
from core.web.blueprints import Pages
from volunteers.hours import late
from volunteers.hours.queries import get_ledger
from volunteers.timebank import queries, workflow
from volunteers.timebank.forms import OTHER, ConfirmForm, GiveForm, RefuseForm, ReverseForm, SaveForm
from volunteers.timebank.queries import Transfer
from volunteers.timebank.workflow import Gift

pages = Pages("timebank", __name__)
Answer = Response | str | tuple[str, int]


@pages.page("/timebank", access=SIGNED_IN)
def mine() -> str:
    """My saved time: balance, entries, what can be saved, gifts. Whoever was given time has a page, too."""
    return _own_page()


def _own_page(save: SaveForm | None = None) -> str:
    viewer = access.viewer()
    ledger = get_ledger(viewer, viewer.person_id, 1) if viewer.is_volunteer else None
    estate_id = ledger.estate_id if ledger else viewer.estate_id
    rules = queries.rules_of(estate_id) if estate_id else {"runs": False}
    months = queries.list_months(viewer.person_id, ledger.estate_id) if ledger and rules["runs"] else []
    form = save or SaveForm(formdata=None)
    form.offer(months)
    return render_template(
        "volunteers/timebank/mine.html", balance=queries.balance_of(viewer.person_id), rules=rules, months=months,
        form=form, page=queries.list_entries(viewer.person_id, request.args.get("cursor")),
        gifts=queries.list_own_transfers(viewer) if ledger else [], is_volunteer=ledger is not None,
    )  # fmt: skip


@pages.page("/timebank/save", access="orders:serve", methods=("POST",), writes=True)
def save() -> Answer:
    """Save minutes of a month."""
    viewer, form = access.viewer(), SaveForm()
    ledger = get_ledger(viewer, viewer.person_id, 1)
    form.offer(queries.list_months(viewer.person_id, ledger.estate_id))
    if form.validate():
        try:
            workflow.save(viewer, form.chosen, int(form.minutes.data or 0))
        except workflow.Refused as problem:
            field = form[problem.field]
            field.errors = [*field.errors, str(problem)]
        else:
            flash("已存入", "success")
            return redirect(url_for("timebank.mine"), 303)
    return _own_page(form), 422


@pages.page("/timebank/give", access="orders:serve", methods=("GET", "POST"), writes=True)
def give() -> Answer:
    """Give saved time to a relative; the branch confirms it."""
    viewer, form, status = access.viewer(), GiveForm(), 200
    form.offer(queries.list_household(viewer))
    if form.is_submitted():
        status = 422
        if form.validate():
            home = form.to.data != OTHER
            gift = Gift(int(form.minutes.data or 0), form.to.data if home else None,
                        "" if home else form.to_name.data or "", form.relation.data or "",
                        form.whereabouts.data or "", form.note.data or "")  # fmt: skip
            try:
                workflow.give(viewer, gift)
            except workflow.Refused as problem:
                field = form[problem.field]
                field.errors = [*field.errors, str(problem)]
            else:
                flash("已提交，支部核实对方同意后转过去", "success")
                return redirect(url_for("timebank.mine"), 303)
    page = render_template("volunteers/timebank/give.html", form=form, balance=queries.balance_of(viewer.person_id))
    return page if status == 200 else (page, status)


@pages.page("/timebank/gifts/<transfer_id>/back", access="orders:serve", methods=("POST",), writes=True)
def take_back(transfer_id: str) -> Answer:
    """Take a gift back before it is confirmed."""
    viewer = access.viewer()
    workflow.take_back(viewer, queries.get_own_transfer(viewer, transfer_id))
    flash("已撤回，时间还在您名下", "success")
    return redirect(url_for("timebank.mine"), 303)


@pages.page("/hours/desk/timebank", access="hours:read")
def index() -> str:
    """Gifts that wait, and who has saved time."""
    viewer = access.viewer()
    group = "done" if request.args.get("group") == "done" else "open"
    estate, estates = late.pick_estate(viewer, request.args.get("estate", "")[:16])
    return render_template(
        "volunteers/timebank/index.html", estate=estate, estates=estates, group=group,
        page=queries.list_transfers(viewer, group == "open", request.args.get("cursor")),
        holders=queries.list_holders(viewer, estate.id), rules=queries.rules_of(estate.id),
    )  # fmt: skip


@pages.page("/hours/desk/timebank/<transfer_id>", access="hours:read")
def show(transfer_id: str) -> str:
    """One gift: who gives what to whom, and confirming it."""
    return _gift_page(queries.get_transfer(access.viewer(), transfer_id))


def _gift_page(gift: Transfer, confirm: ConfirmForm | None = None, refuse: RefuseForm | None = None) -> str:
    viewer = access.viewer()
    may = viewer.may_at("hours:timebank", gift.estate_path) and gift.state == "requested"
    q = request.args.get("q", "").strip()[:60] or ("" if gift.to_id else gift.to_name)
    picked = request.args.get("person", "")[:16] or gift.to_id or (confirm.person.data if confirm else "") or ""
    form = confirm or ConfirmForm(formdata=None)
    if confirm is None:
        form.begin(picked)
    return render_template(
        "volunteers/timebank/show.html", gift=gift, may=may, q=q,
        found=search_people(viewer, q, "people:read") if may and not picked else [],
        picked=find_person(viewer, picked, "people:read") if may and picked else None, confirm=form,
        refuse=refuse or RefuseForm(formdata=None),
    )  # fmt: skip


@pages.page("/hours/desk/timebank/<transfer_id>/confirm", access="hours:timebank", methods=("POST",), writes=True)
def confirm(transfer_id: str) -> Answer:
    """Confirm a gift: the minutes move."""
    viewer, form = access.viewer(), ConfirmForm()
    gift = queries.get_transfer(viewer, transfer_id, "hours:timebank")
    person = find_person(viewer, form.person.data or "", "people:read")
    if form.validate() and form.consented_on.data and person is not None:
        try:
            workflow.confirm(viewer, gift, person.id, form.consented_on.data, form.answer.data or "")
        except workflow.Refused as problem:
            form.form_errors.append(str(problem))
        else:
            flash(f"已转给{person.name}", "success")
            return redirect(url_for("timebank.show", transfer_id=transfer_id), 303)
    elif person is None:
        form.form_errors.append("请先从名册里选接受的人")
    return _gift_page(gift, form), 422


@pages.page("/hours/desk/timebank/<transfer_id>/refuse", access="hours:timebank", methods=("POST",), writes=True)
def refuse(transfer_id: str) -> Answer:
    """Not confirm it, with a reason."""
    viewer, form = access.viewer(), RefuseForm()
    gift = queries.get_transfer(viewer, transfer_id, "hours:timebank")
    if form.validate():
        workflow.refuse(viewer, gift, form.reason.data or "")
        flash("已答复，对方会收到原因", "success")
        return redirect(url_for("timebank.show", transfer_id=transfer_id), 303)
    return _gift_page(gift, None, form), 422


@pages.page("/hours/desk/timebank/holders/<person_id>", access="hours:read")
def holder(person_id: str) -> str:
    """Someone's saved time at the desk."""
    return _holder_page(person_id)


def _holder_page(person_id: str, wrong: str = "", form: ReverseForm | None = None) -> str:
    viewer = access.viewer()
    found = queries.get_holder(viewer, person_id)
    return render_template(
        "volunteers/timebank/holder.html", holder=found, wrong=wrong, form=form or ReverseForm(formdata=None),
        page=queries.list_entries(person_id, request.args.get("cursor")),
        months=[one for one in queries.list_months(person_id, found.estate_id) if one.is_over],
        may=viewer.may_at("hours:timebank", found.path),
    )  # fmt: skip


@pages.page("/hours/desk/timebank/entries/<time_entry_id>/reverse", access="hours:timebank", methods=("POST",),
            writes=True)  # fmt: skip
def reverse(time_entry_id: str) -> Answer:
    """Take an entry back by its opposite, with a reason."""
    viewer, form = access.viewer(), ReverseForm()
    entry = queries.get_entry(viewer, time_entry_id)
    if form.validate():
        try:
            workflow.reverse(viewer, entry, form.reason.data or "")
        except workflow.Refused as problem:
            form.reason.errors = [*form.reason.errors, str(problem)]
        else:
            flash("已冲销，原来的一条留着", "success")
            return redirect(url_for("timebank.holder", person_id=entry.holder_id), 303)
    return _holder_page(entry.holder_id, time_entry_id, form), 422
