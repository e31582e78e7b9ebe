"""What a reader chooses for this device."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, redirect, request
from werkzeug.wrappers import Response

from core.access import PUBLIC
from core.web.addresses import came_from, own_path
from core.web.blueprints import Pages
from core.web.responses import SIZE_COOKIE, page_size

pages = Pages("preferences", __name__, url_prefix="/preferences")
KEPT = timedelta(days=365)


@pages.page("/size", access=PUBLIC, methods=("POST",))
def size() -> Response:
    """Turn 长辈版 on or off on this device, and go back to the page where that was asked."""
    wanted = request.form.get("size")
    if wanted not in ("normal", "large"):
        wanted = "normal" if page_size() == "large" else "large"
    response = redirect(own_path(request.form.get("next"), came_from()))
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(SIZE_COOKIE, wanted, max_age=KEPT, httponly=True, samesite="Lax", secure=secure)
    return response
