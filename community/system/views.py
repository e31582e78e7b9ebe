"""Pages for those who keep the system: the audit trail, deliveries of messages, jobs."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.system import queries, workflow
from community.system.forms import AuditFilter
from community.system.queries import Wanted, reach_of
from community.system.words import name_of_subject, name_of_verb, told_details
from core import access
from core.access import NotFound
from core.channels import CHANNEL_NAMES, configured
from core.config import Settings
from core.jobs import STATE_NAMES
from core.web.blueprints import Pages
from core.web.paging import Page

pages = Pages("system", __name__)


@pages.page("/audit", access="system:audit")
def audit() -> tuple[str, int]:
    """What was done within reach, newest first; ``?verify=1`` proves the chains."""
    reach = reach_of(access.viewer(), "system:audit")
    form = AuditFilter(request.args)
    form.offer(reach)
    valid = form.validate()
    wanted = form.wanted() if valid else Wanted()
    page = queries.list_events(reach, wanted, cursor=request.args.get("cursor")) if valid else Page((), None)
    kept = {name: value for name, value in request.args.items() if value and name in form and name != "cursor"}
    proof = queries.prove(reach) if request.args.get("verify") == "1" else None
    body = render_template(
        "community/system/audit.html", form=form, page=page, reach=reach, kept=kept, proof=proof,
        verb_name=name_of_verb, subject_name=name_of_subject, told=told_details,
    )  # fmt: skip
    return body, 200 if valid else 422


@pages.page("/outbox", access="system:outbox")
def outbox() -> str:
    """Deliveries of messages beside the inbox, and how the channels stand."""
    viewer = access.viewer()
    reach = reach_of(viewer, "system:outbox")
    state, channel = request.args.get("state", ""), request.args.get("channel", "")
    state = state if state in queries.STATES else "dead"
    channel = channel if channel in CHANNEL_NAMES else ""
    settings: Settings = current_app.extensions["linju.settings"]
    return render_template(
        "community/system/outbox.html", reach=reach, state=state, channel=channel, channel_names=CHANNEL_NAMES,
        page=queries.list_deliveries(reach, state, channel, cursor=request.args.get("cursor")),
        counts=queries.count_open(reach), ways=queries.ways_out(viewer, reach, configured(settings)),
        channels=[("", "全部渠道"), *CHANNEL_NAMES.items()],
    )  # fmt: skip


@pages.page("/outbox/<delivery_id>/again", access="system:outbox", methods=("POST",), writes=True)
def send_again(delivery_id: str) -> Response:
    """Give a dead letter another round of tries."""
    viewer = access.viewer()
    workflow.send_again(viewer, reach_of(viewer, "system:outbox"), delivery_id)
    flash("已放回待发，一分钟内再发", "success")
    return redirect(url_for("system.outbox"))


@pages.page("/outbox/again", access="system:outbox", methods=("POST",), writes=True)
def send_all_again() -> Response:
    """Give every dead letter of a channel another round of tries."""
    viewer, channel = access.viewer(), request.form.get("channel", "")
    if channel not in CHANNEL_NAMES:
        raise NotFound
    count = workflow.send_all_again(viewer, reach_of(viewer, "system:outbox"), channel)
    flash(f"{CHANNEL_NAMES[channel]}的{count}条已放回待发", "success")
    return redirect(url_for("system.outbox"))


@pages.page("/jobs", access="system:jobs")
def jobs() -> str:
    """The timetable, what ran last, and what failed."""
    failures = queries.recent_failures()
    return render_template(
        "community/system/jobs.html", rows=queries.last_runs(), failures=failures, state_names=STATE_NAMES
    )


@pages.page("/jobs/<name>/run", access="system:jobs", methods=("POST",))
def run_job(name: str) -> Response:
    """Run a job now."""
    done = workflow.run_job(access.viewer(), name)
    flash(f"{STATE_NAMES[done.state]}：{done.outcome}", "success" if done.state == "done" else "error")
    return redirect(url_for("system.jobs"))
