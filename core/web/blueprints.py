"""Pages with declared access: an endpoint that names no permission cannot be registered.

A view stays small: it loads, validates, calls one verb and redirects. Before it runs the request's viewer is known and
its access checked; a POST that writes through ``db.session`` runs in one transaction, committed when the view
succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, current_user, logout_user
from werkzeug.wrappers import Response

from core import access
from core.access import PUBLIC, SIGNED_IN, Forbidden, NotFound, Viewer
from core.config import Settings
from core.database import begin_write, db

View = TypeVar("View", bound=Callable[..., Any])
Resolver = Callable[[str], Viewer | None]
_FREE = frozenset({"accounts.sign_in", "accounts.sign_out", "accounts.change_password", "preferences.size", "static"})


class Pages(Blueprint):
    """A capability's pages. Every route names its access: ``PUBLIC``, ``SIGNED_IN`` or a permission."""

    def __init__(self, name: str, import_name: str, url_prefix: str = "") -> None:
        super().__init__(name, import_name, url_prefix=url_prefix or None)
        self.accesses: dict[str, str] = {}
        self.passive: set[str] = set()
        self.at_once: set[str] = set()

    def page(
        self,
        rule: str,
        *,
        access: str,
        methods: Sequence[str] = ("GET",),
        writes: bool = False,
        passive: bool = False,
        at_once: bool = False,
    ) -> Callable[[View], View]:
        """Register a view. ``writes``: its POST changes things through ``db.session``, in one transaction;
        ``passive``: a page left open asks for it by itself, which is no sign that somebody sits before it;
        ``at_once``: it does not wait until somebody has changed a first password."""

        def register(view: View) -> View:
            self.accesses[f"{self.name}.{view.__name__}"] = access
            if passive:
                self.passive.add(f"{self.name}.{view.__name__}")
            if at_once:
                self.at_once.add(f"{self.name}.{view.__name__}")
            self.add_url_rule(rule, view.__name__, _in_transaction(view) if writes else view, methods=list(methods))
            return view

        return register


def _in_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(*args, **kwargs)
        begin_write()
        try:
            response = current_app.make_response(view(*args, **kwargs))
            if response.status_code < 400:
                db.session.commit()
            else:
                db.session.rollback()
        except BaseException:
            db.session.rollback()
            raise
        return response

    return run


def register(app: Flask, pages: Pages) -> None:
    """Add a capability's pages to the application. Raises ``ValueError`` for an access nobody declared."""
    for endpoint, needed in pages.accesses.items():
        if not access.known(needed):
            raise ValueError(f"{endpoint} names the unknown access {needed!r}")
    app.extensions.setdefault("linju.accesses", {}).update(pages.accesses)
    app.extensions.setdefault("linju.passive", set()).update(pages.passive)
    app.extensions.setdefault("linju.at_once", set(_FREE)).update(pages.at_once)
    app.register_blueprint(pages)


def init_app(app: Flask, settings: Settings, resolve: Resolver) -> None:
    """Guard every request; ``resolve`` turns a sign-in token into its viewer."""
    login = LoginManager()
    login.session_protection = None
    login.init_app(app)

    @login.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> Viewer | None:
        return resolve(token)

    @app.before_request
    def guard() -> Response | None:
        endpoint = request.endpoint
        if endpoint is None or endpoint == "static" or endpoint.startswith("api."):
            return None
        # No text of ours holds a NUL, and PostgreSQL refuses to be asked for one.
        if "\0" in request.path or any("\0" in value for value in request.args.values()):
            abort(404)
        needed = app.extensions["linju.accesses"].get(endpoint)
        if needed is None:
            abort(403)
        return _admit(needed, settings)


def _admit(needed: str, settings: Settings) -> Response | None:
    found = current_user._get_current_object() if session.get("_user_id") else None
    if isinstance(found, Viewer):
        if _is_idle(found, settings):
            logout_user()
            session.clear()
            flash("您有一段时间没有操作，请重新登录", "info")
        else:
            g.viewer = found
    if needed == PUBLIC:
        return None
    viewer = access.find_viewer()
    if viewer is None:
        if request.method == "GET":
            if session.pop("_user_id", None):
                flash("登录已过期，请重新登录", "info")
            return redirect(url_for("accounts.sign_in", next=_here()))
        flash("登录已过期，请重新登录。刚才填写的内容没有提交", "error")
        return redirect(url_for("accounts.sign_in"))
    if viewer.must_change_password and request.endpoint not in current_app.extensions["linju.at_once"]:
        return redirect(url_for("accounts.change_password"))
    if needed != SIGNED_IN and not viewer.may(needed):
        raise Forbidden
    return None


def _here() -> str:
    return quote(request.full_path.rstrip("?"), safe="/?=&%")


def _is_idle(viewer: Viewer, settings: Settings) -> bool:
    """Whether the time-out has passed: minutes for staff at a desk, days for a resident on an own phone."""
    now = int(time.time())
    allowed = settings.staff_idle_minutes * 60 if viewer.is_staff else settings.resident_idle_days * 86400
    seen = int(session.get("seen", now))
    if now - seen > allowed:
        return True
    if (now - seen >= 60 or "seen" not in session) and request.endpoint not in current_app.extensions["linju.passive"]:
        session["seen"] = now
    return False


__all__ = ["NotFound", "Pages", "init_app", "register"]
