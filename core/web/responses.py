"""What every response carries, and how failures look."""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path

from flask import Flask, Request, current_app, render_template, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from core.access import Forbidden, NotFound
from core.api.endpoints import is_api, problem_of
from core.config import Settings
from core.database import db
from core.ids import digits
from core.web.paging import BadCursor
from core.workflow import InvalidStep, Stale

log = logging.getLogger(__name__)
SIZE_COOKIE = "size"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
PAGES = frozenset({400, 401, 403, 404, 409, 413, 422, 429, 500})


class PageSessions(SecureCookieSessionInterface):
    """Cookie sessions for pages; the API knows no cookies, so none is opened or saved there."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith("/api/"):
            return SecureCookieSession()
        return super().open_session(app, request)


def init_app(app: Flask, settings: Settings) -> None:
    """Headers, template context and error pages."""
    app.after_request(_headers)
    app.jinja_env.globals["asset"] = asset
    app.context_processor(lambda: {"page_size": page_size(), "is_demo": settings.is_demo})
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Forbidden, lambda error: page_for(403, str(error)))
    app.register_error_handler(NotFound, lambda _error: page_for(404))
    app.register_error_handler(Stale, lambda _error: page_for(409))
    app.register_error_handler(InvalidStep, lambda error: page_for(409, str(error)))
    app.register_error_handler(BadCursor, lambda error: page_for(400, str(error)))
    app.register_error_handler(CSRFError, lambda _error: page_for(400, "页面放得太久，请返回刷新后再提交"))
    app.register_error_handler(Exception, _crash)


def page_size() -> str:
    """``large`` when the reader chose 长辈版 on this device, else ``normal``."""
    return "large" if request.cookies.get(SIZE_COOKIE) == "large" else "normal"


@cache
def _fingerprint(path: Path, _changed: float) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a static file, with a fingerprint so that it may be cached for a year."""
    path = Path(str(current_app.static_folder)) / name
    return url_for("static", filename=name, v=_fingerprint(path, path.stat().st_mtime))


def _headers(response: Response) -> Response:
    headers = response.headers
    if is_api():
        headers["Cache-Control"] = "no-store"
        return response
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
    if request.endpoint == "static":
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if request.args.get("v") else "no-cache"
    else:
        headers.setdefault("Cache-Control", "no-store")
    return response


def page_for(status: int, detail: str = "", code: str = "") -> tuple[str, int]:
    """The page for a failure; ``detail`` replaces the usual advice, ``code`` is a number to quote on the phone."""
    db.session.rollback()
    name = status if status in PAGES else 500 if status >= 500 else 404 if status == 405 else 400
    return render_template(f"errors/{name}.html", detail=detail, error_code=code), status


def _http_error(error: HTTPException) -> tuple[str, int] | Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    if is_api():
        return problem_of(error).response()
    return page_for(status)


def _crash(_error: Exception) -> tuple[str, int]:
    code = "E-" + digits(6)
    log.exception("error %s at %s %s", code, request.method, request.endpoint)
    return page_for(500, code=code)
