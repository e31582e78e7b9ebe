"""The inbox: what the site has to tell a person."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.inbox import queries, workflow
from core import access
from core.access import SIGNED_IN
from core.web.addresses import own_path
from core.web.blueprints import Pages

pages = Pages("inbox", __name__)


@pages.page("/inbox", access=SIGNED_IN)
def index() -> str:
    """My messages, newest first."""
    me = access.viewer().person_id
    page = queries.list_messages(me, cursor=request.args.get("cursor"))
    return render_template("community/inbox/index.html", page=page, unread=queries.unread_count(me))


@pages.page("/inbox/<message_id>", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def open(message_id: str) -> Response:
    """Go where a message leads. A POST marks it as read on the way; a plain link, as from a mail, only leads."""
    message = queries.get_message(access.viewer().person_id, message_id)
    if request.method == "POST":
        workflow.mark_read(message)
    return redirect(own_path(message.link, url_for("inbox.index")))


@pages.page("/inbox/read-all", access=SIGNED_IN, methods=("POST",), writes=True)
def read_all() -> Response:
    """Mark everything as read."""
    workflow.mark_all_read(access.viewer().person_id)
    flash("全部标为已读", "success")
    return redirect(url_for("inbox.index"))
