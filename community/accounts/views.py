"""Signing in and out, one's own page, and the accounts that staff issue."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response

from community.accounts import queries, workflow
from community.accounts.forms import EmailForm, HelperForm, IssueForm, PasswordForm, SignInForm
from community.accounts.queries import Holder
from community.organisations.permissions import outranks
from community.organisations.queries import posts_of
from core import access
from core.access import PUBLIC, ROLE_NAMES, SIGNED_IN, Forbidden, Viewer
from core.config import Settings
from core.identity import mask_phone
from core.web.addresses import own_path
from core.web.blueprints import Pages

pages = Pages("accounts", __name__)
Answer = Response | str | tuple[str, int]


@pages.app_context_processor
def _who() -> dict[str, Any]:
    """The signed-in person at the end of the desk's bar."""
    viewer = access.find_viewer()
    if viewer is None:
        return {}
    post = ROLE_NAMES[viewer.roles[-1]] if viewer.roles else ""
    return {"who": {"name": viewer.name, "post": post, "party": False}, "me_url": url_for("accounts.me")}


@pages.page("/sign-in", access=PUBLIC, methods=("GET", "POST"))
def sign_in() -> Answer:
    """Phone and password; the answer to a wrong one never tells which of the two it was."""
    form = SignInForm()
    if request.method == "GET":
        if access.find_viewer() is not None:
            return redirect("/")
        form.next.data = own_path(request.args.get("next"), "")
        return _sign_in_page(form)
    if not form.validate():
        return _sign_in_page(form), 422
    settings: Settings = current_app.extensions["linju.settings"]
    phone = form.phone.data or ""
    try:
        started = workflow.sign_in(settings, phone, form.password.data or "", request.remote_addr or "", "web")
    except workflow.TooManyAttempts:
        return _sign_in_page(form, f"试的次数太多了，请{settings.sign_in_window_minutes}分钟后再试"), 429
    except workflow.WrongCredentials:
        return _sign_in_page(form, "手机号或密码不对"), 422
    session.clear()
    login_user(queries.resolve_web(started.token))
    session.permanent = True
    return redirect(own_path(form.next.data))


def _sign_in_page(form: SignInForm, problem: str = "") -> str:
    return render_template("community/accounts/sign_in.html", form=form, problem=problem)


@pages.page("/sign-out", access=PUBLIC, methods=("POST",))
def sign_out() -> Response:
    """End this sign-in."""
    viewer = access.find_viewer()
    if viewer is not None:
        workflow.sign_out(viewer.token_id)
        logout_user()
    session.clear()
    flash("已退出登录", "success")
    return redirect(url_for("accounts.sign_in"))


@pages.page("/me/password", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def change_password() -> Answer:
    """Change one's own password; somebody with a first password gets no further before that."""
    viewer, form = access.viewer(), PasswordForm()
    if not form.is_submitted():
        return render_template("community/accounts/change_password.html", form=form)
    if form.validate():
        try:
            workflow.change_password(viewer, queries.get_account(viewer), form.old.data or "", form.new.data or "")
        except workflow.WrongCredentials:
            form.old.errors = ["现在的密码不对，请重新填写"]
        except workflow.PasswordProblem as problem:
            form.new.errors = [str(problem)]
        else:
            flash("密码改好了，其他设备上的登录已退出", "success")
            return redirect("/" if viewer.must_change_password else url_for("accounts.me"))
    return render_template("community/accounts/change_password.html", form=form), 422


@pages.page("/me", access=SIGNED_IN)
def me() -> str:
    """One's own page."""
    return _me_page()


def _me_page(email: EmailForm | None = None, helper: HelperForm | None = None) -> str:
    profile = queries.profile_of(access.viewer())
    return render_template(
        "community/accounts/me.html",
        profile=profile,
        email_form=email or EmailForm(formdata=None, email=profile.email),
        helper_form=helper or HelperForm(formdata=None),
        role_names=ROLE_NAMES,
    )


@pages.page("/me/email", access=SIGNED_IN, methods=("POST",), writes=True)
def set_email() -> Answer:
    """Set or clear the address for notices."""
    form = EmailForm()
    if not form.validate():
        return _me_page(email=form), 422
    viewer = access.viewer()
    workflow.set_email(viewer, queries.get_account(viewer), form.email.data or "")
    flash("邮箱已保存" if form.email.data else "邮箱已清除，通知只进收件箱", "success")
    return redirect(url_for("accounts.me"))


@pages.page("/me/helpers", access=SIGNED_IN, methods=("POST",), writes=True)
def name_helper() -> Answer:
    """Name a family member who may order for one's household."""
    viewer, form = access.viewer(), HelperForm()
    if viewer.household_id is None:
        raise Forbidden("您的档案里没有住址，不能添加代点单的家人，请找支部登记")
    if form.validate():
        helper = queries.find_helper(viewer, form.name.data or "", form.phone.data or "")
        try:
            if helper is None:
                raise ValueError("没有找到姓名和手机号都对得上的人，请核对，或请支部先登记")
            workflow.name_helper(viewer, helper, form.relation.data)
        except ValueError as problem:
            form.phone.errors = [str(problem)]
        else:
            flash(f"{form.name.data}现在可以替您家点单", "success")
            return redirect(url_for("accounts.me"))
    return _me_page(helper=form), 422


@pages.page("/me/helpers/<helper_id>/drop", access=SIGNED_IN, methods=("POST",), writes=True)
def drop_helper(helper_id: str) -> Response:
    """End a family member's right to order for one's household."""
    workflow.drop_helper(access.viewer(), helper_id)
    flash("已移除，这位家人不能再替您家点单", "success")
    return redirect(url_for("accounts.me"))


@pages.page("/accounts", access="accounts:issue")
def accounts() -> str:
    """Accounts within reach."""
    q, state = request.args.get("q", "").strip()[:60], request.args.get("state", "")
    state = state if state in queries.STATES else ""
    found = queries.list_accounts(access.viewer(), q=q, state=state, cursor=request.args.get("cursor"))
    rows = [(row, mask_phone(queries.open_phone(row.phone_sealed))) for row in found.items]
    return render_template("community/accounts/accounts.html", rows=rows, page=found, q=q, state=state)


@pages.page("/people/<person_id>/account", access="accounts:issue", methods=("GET", "POST"), writes=True)
def issue(person_id: str) -> Answer:
    """The account of a person on the roll: issue it, or look after it."""
    viewer, form = access.viewer(), IssueForm()
    holder = queries.get_holder(viewer, person_id)
    form.offer([mask_phone(phone) for phone in holder.phones])
    if not form.is_submitted():
        return _issue_page(holder, form)
    if holder.account is not None:
        return _issue_page(holder, form, "已经开过账号，不用再开"), 409
    _check_rank(viewer, holder)
    if form.validate():
        try:
            account, password = workflow.issue(viewer, holder.person, form.chosen(holder.phones))
        except ValueError as problem:
            form.phone.errors = [str(problem)]
        else:
            return _first_password_page(holder, queries.open_phone(account.phone_sealed), password, False)
    return _issue_page(holder, form), 422


def _issue_page(holder: Holder, form: IssueForm, problem: str = "") -> str:
    viewer, account = access.viewer(), holder.account
    return render_template(
        "community/accounts/issue.html",
        holder=holder,
        form=form,
        problem=problem,
        phone=mask_phone(queries.open_phone(account.phone_sealed)) if account else "",
        own=holder.person.id == viewer.person_id,
        may_manage=outranks(viewer, posts_of(holder.person.id)),
    )


def _first_password_page(holder: Holder, phone: str, password: str, again: bool) -> str:
    """Shows the first password, this once: nothing keeps it in the clear."""
    settings: Settings = current_app.extensions["linju.settings"]
    return render_template(
        "community/accounts/first_password.html",
        holder=holder,
        phone=mask_phone(phone),
        password=password,
        again=again,
        address=(settings.public_url or request.host_url.rstrip("/")) + url_for("accounts.sign_in"),
    )


def _check_rank(viewer: Viewer, holder: Holder) -> None:
    if holder.person.id == viewer.person_id:
        raise Forbidden("自己的账号请到“我的账号”里改密码")
    if not outranks(viewer, posts_of(holder.person.id)):
        raise Forbidden("这位的职务不低于您，账号请上级办理")


@pages.page("/accounts/<account_id>/reset", access="accounts:issue", methods=("POST",), writes=True)
def reset(account_id: str) -> str:
    """A new first password for somebody who forgot theirs."""
    viewer = access.viewer()
    holder, account = queries.get_account_holder(viewer, account_id)
    _check_rank(viewer, holder)
    password = workflow.reset(viewer, account, holder.person.estate_id)
    return _first_password_page(holder, queries.open_phone(account.phone_sealed), password, True)


@pages.page("/accounts/<account_id>/disable", access="accounts:issue", methods=("POST",), writes=True)
def disable(account_id: str) -> Response:
    """Close an account and end its sign-ins."""
    return _set_disabled(account_id, True)


@pages.page("/accounts/<account_id>/enable", access="accounts:issue", methods=("POST",), writes=True)
def enable(account_id: str) -> Response:
    """Open a closed account again."""
    return _set_disabled(account_id, False)


def _set_disabled(account_id: str, disabled: bool) -> Response:
    viewer = access.viewer()
    holder, account = queries.get_account_holder(viewer, account_id)
    _check_rank(viewer, holder)
    workflow.set_disabled(viewer, account, holder.person.estate_id, disabled)
    name = holder.person.name
    flash(f"{name}的账号已停用，所有登录已退出" if disabled else f"{name}的账号已恢复", "success")
    return redirect(url_for("accounts.issue", person_id=holder.person.id))
