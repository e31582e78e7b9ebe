"""What a person chooses about messages, and the devices they want them on."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.channels import queries, workflow
from community.channels.forms import ChoiceForm, choice_form
from community.channels.quiet import DEFAULT, Hours
from community.channels.routes import hours_of
from community.channels.views.site import Answer, settings
from core import access
from core.access import SIGNED_IN, NotFound, Viewer
from core.channels.parcels import Refused
from core.channels.subscriptions import Subscription, check_subscription, public_key
from core.identity import mask_phone
from core.outbox.kinds import Audience, groups
from core.web.blueprints import Pages

pages = Pages("channels", __name__)
SYSTEMS = (("iPhone", "苹果手机"), ("iPad", "苹果平板"), ("Android", "安卓手机"), ("Windows", "Windows电脑"),
           ("Macintosh", "苹果电脑"), ("Linux", "Linux电脑"))  # fmt: skip
BROWSERS = (("Edg", "Edge"), ("Firefox", "火狐"), ("Chrome", "Chrome"), ("Safari", "Safari"))


def _audiences(viewer: Viewer) -> list[Audience]:
    found: list[Audience] = ["everyone"]
    return found + (["volunteers"] if viewer.is_volunteer else []) + (["staff"] if viewer.is_staff else [])


def _form(viewer: Viewer) -> tuple[ChoiceForm, Hours]:
    channels = ["email", "sms", *(["push"] if settings().push else [])]
    form = choice_form(groups(_audiences(viewer)), channels)
    usual = hours_of([viewer.estate_id]).get(viewer.estate_id, DEFAULT) if viewer.estate_id else DEFAULT
    form.offer(usual)
    return form, usual


@pages.page("/me/messages", access=SIGNED_IN, methods=("GET", "POST"), writes=True)
def mine() -> Answer:
    """What comes over which channel, and when not to be disturbed. The inbox has everything in any case."""
    viewer = access.viewer()
    form, usual = _form(viewer)
    choice = queries.choice_of(viewer)
    if not form.is_submitted():
        form.fill(choice, usual)
        return _page(viewer, form)
    if not form.validate():
        return _page(viewer, form), 422
    workflow.choose(viewer, form.chosen(choice.chosen), form.quiet_hours())
    flash("消息提醒的选择已保存", "success")
    return redirect(url_for("channels.mine"), 303)


def _page(viewer: Viewer, form: ChoiceForm) -> str:
    known, where = settings(), queries.reachable(viewer)
    return render_template(
        "community/channels/mine.html", form=form, email=where.email, phone=mask_phone(where.phone),
        is_open={"email": bool(known.smtp_host), "sms": known.sms is not None},
        push_key=public_key(known.push.key) if known.push else "",
        devices=queries.list_devices(viewer) if known.push else (),
    )  # fmt: skip


@pages.page("/me/messages/devices", access=SIGNED_IN, methods=("POST",), writes=True)
def add_device() -> Response:
    """Send notes to the browser that asks."""
    push = settings().push
    if push is None:
        raise NotFound
    parts = (request.form.get(name, "")[:1000] for name in ("endpoint", "p256dh", "auth"))
    found = Subscription(*parts)
    try:
        check_subscription(found, push.hosts)
    except Refused as problem:
        flash(f"没有打开：{problem}", "error")
    else:
        workflow.subscribe(access.viewer(), found, _device_name(request.user_agent.string))
        flash("这台设备会收到提醒", "success")
    return redirect(url_for("channels.mine"), 303)


def _device_name(agent: str) -> str:
    system = next((name for mark, name in SYSTEMS if mark in agent), "设备")
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    return f"{system} {browser}".strip()


@pages.page("/me/messages/devices/<device_id>/drop", access=SIGNED_IN, methods=("POST",), writes=True)
def drop_device(device_id: str) -> Response:
    """Send nothing to a device any more."""
    workflow.unsubscribe(access.viewer(), device_id)
    flash("这台设备不再收到提醒", "success")
    return redirect(url_for("channels.mine"), 303)
