"""Choosing, subscribing a device, and looking after robots. Callers commit, except where it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import delete

from community.channels.models import (
    DEVICE_COLUMN,
    SECRET_COLUMN,
    WEBHOOK_COLUMN,
    MessageChoice,
    PushDevice,
    Robot,
)
from community.channels.queries import webhook_of
from community.channels.quiet import Hours
from community.organisations.models import Organisation
from community.organisations.queries import estate_at
from core import audit, clock
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.channels import Channel
from core.channels.robots import VENDORS
from core.channels.subscriptions import Subscription
from core.database import begin_write, db
from core.ids import new_id
from core.outbox import Gateway, Parcel, try_out
from core.sealing import sealer

DEVICES = 10
"""How many devices a person may have; the oldest gives way."""
BETWEEN_TESTS = timedelta(seconds=60)


class TooSoon(Exception):
    """A robot was tested a moment ago."""


def choose(viewer: Viewer, chosen: Mapping[str, Mapping[str, bool]], quiet: Hours | None) -> None:
    """Keep what a person chose about messages, all of it."""
    row = db.session.get(MessageChoice, viewer.person_id)
    if row is None:
        row = MessageChoice(person_id=viewer.person_id)
        db.session.add(row)
    row.chosen = {group: dict(channels) for group, channels in chosen.items()}
    row.quiet_from, row.quiet_until = quiet or (None, None)
    row.updated_at = clock.now()
    _note(viewer, "choose_messages", Subject("account", viewer.account_id, viewer.estate_id or EVERYWHERE))


def _note(viewer: Viewer, verb: str, subject: Subject, **details: str) -> None:
    audit.record(viewer.person_id, viewer.name, verb, subject, details=dict(details))


def subscribe(viewer: Viewer, found: Subscription, name: str) -> None:
    """Send the viewer's notes to this device from now on, and to nobody else on it."""
    key = sealer().index(found.endpoint, DEVICE_COLUMN)
    db.session.execute(delete(PushDevice).where(PushDevice.endpoint_key == key))
    mine = db.session.query(PushDevice).filter_by(person_id=viewer.person_id).order_by(PushDevice.created_at).all()
    for old in mine[: max(len(mine) - DEVICES + 1, 0)]:
        db.session.delete(old)
    plain = orjson.dumps({"endpoint": found.endpoint, "p256dh": found.p256dh, "auth": found.auth}).decode()
    db.session.add(
        PushDevice(id=new_id(), person_id=viewer.person_id, endpoint_key=key, host=found.host[:50], name=name[:40],
                   sealed=sealer().seal(plain, DEVICE_COLUMN), created_at=clock.now())
    )  # fmt: skip
    _note(viewer, "add_device", Subject("account", viewer.account_id, viewer.estate_id or EVERYWHERE))


def unsubscribe(viewer: Viewer, device_id: str) -> None:
    """Send nothing to one of the viewer's devices any more. Raises ``NotFound``."""
    found = db.session.get(PushDevice, device_id)
    if found is None or found.person_id != viewer.person_id:
        raise NotFound
    db.session.delete(found)
    _note(viewer, "drop_device", Subject("account", viewer.account_id, viewer.estate_id or EVERYWHERE))


def forget_device(device_id: str) -> None:
    """A push service says that the device has gone."""
    db.session.execute(delete(PushDevice).where(PushDevice.id == device_id))


@dataclass(frozen=True)
class Filled:
    """What was filled in about a robot; an empty webhook or secret leaves the one that stands."""

    name: str
    vendor: str
    webhook: str
    secret: str
    kinds: Sequence[str]


def add_robot(viewer: Viewer, body: Organisation, filled: Filled) -> Robot:
    """Enter a robot, switched on."""
    robot = Robot(
        id=new_id(), organisation_id=body.id, vendor=filled.vendor, name=filled.name, kinds=sorted(filled.kinds),
        webhook_sealed=sealer().seal(filled.webhook, WEBHOOK_COLUMN), secret_sealed="", is_enabled=True,
        created_at=clock.now(), created_by=viewer.person_id,
    )  # fmt: skip
    _seal_secret(robot, filled)
    db.session.add(robot)
    db.session.flush()
    _tell(viewer, "add_robot", robot, body)
    return robot


def _seal_secret(robot: Robot, filled: Filled) -> None:
    if not VENDORS[robot.vendor].has_secret:
        robot.secret_sealed = ""
    elif filled.secret:
        robot.secret_sealed = sealer().seal(filled.secret, SECRET_COLUMN)


def _tell(viewer: Viewer, verb: str, robot: Robot, body: Organisation) -> None:
    estate = estate_at(body.path) or EVERYWHERE
    _note(viewer, verb, Subject("robot", robot.id, estate), robot=robot.name, organisation=body.name)


def change_robot(viewer: Viewer, robot: Robot, body: Organisation, filled: Filled) -> None:
    """Change a robot. With another platform it needs its address and secret anew."""
    if filled.vendor != robot.vendor:
        robot.vendor, robot.secret_sealed = filled.vendor, ""
    robot.name, robot.kinds = filled.name, sorted(filled.kinds)
    if filled.webhook:
        robot.webhook_sealed = sealer().seal(filled.webhook, WEBHOOK_COLUMN)
    _seal_secret(robot, filled)
    _tell(viewer, "change_robot", robot, body)


def switch_robot(viewer: Viewer, robot: Robot, body: Organisation, is_on: bool) -> None:
    """Switch a robot on or off; nothing happens when it is so already."""
    if robot.is_enabled != is_on:
        robot.is_enabled = is_on
        _tell(viewer, "switch_on_robot" if is_on else "switch_off_robot", robot, body)


def remove_robot(viewer: Viewer, robot: Robot, body: Organisation) -> None:
    """Remove a robot with its address and secret; what still waits for it is dropped."""
    _tell(viewer, "remove_robot", robot, body)
    db.session.execute(delete(Gateway).where(Gateway.name == f"robot:{robot.id}"))
    db.session.delete(robot)


def try_robot(viewer: Viewer, robot: Robot, body: Organisation, channel: Channel) -> str:
    """Have a robot say that it is there; the problem, or nothing. Commits by itself, for the call takes its time.

    Raises ``TooSoon`` within a minute of the last test: platforms count how often a robot speaks.
    """
    now = clock.now()
    if robot.tested_at is not None and robot.tested_at > now - BETWEEN_TESTS:
        raise TooSoon
    hook, number = webhook_of(robot), new_id()
    begin_write()
    robot.tested_at = now
    _tell(viewer, "test_robot", robot, body)
    db.session.commit()
    words = f"测试：{robot.name}已接通，{body.name}的提醒会发到这里"
    return try_out(channel, f"robot:{robot.id}", "robot", Parcel(number, number, words, text=words), hook)
