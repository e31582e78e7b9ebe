"""Reading choices, devices and robots. What serves the carrying of messages asks for no viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from community.accounts.models import Account
from community.accounts.queries import open_phone
from community.channels.models import (
    DEVICE_COLUMN,
    SECRET_COLUMN,
    WEBHOOK_COLUMN,
    MessageChoice,
    PushDevice,
    Robot,
)
from community.channels.quiet import Hours
from community.grid.models import Estate
from community.organisations.models import KIND_NAMES, Organisation, OrganisationKind
from community.organisations.queries import under
from core.access import NotFound, Viewer
from core.channels.robots import VENDORS, Webhook
from core.channels.subscriptions import Subscription
from core.database import db, fast
from core.outbox import Gateway
from core.outbox.kinds import Chosen
from core.sealing import sealer

WITH_ROBOTS = (
    OrganisationKind.SUBDISTRICT, OrganisationKind.COMMUNITY, OrganisationKind.BRANCH, OrganisationKind.PARTY_GROUP,
    OrganisationKind.TEMPORARY_BRANCH,
)  # fmt: skip
"""Bodies that may have a group chat of their own matters."""


@dataclass(frozen=True)
class Choice:
    """What a person chose; by default nothing, which leaves everything at its default."""

    chosen: Chosen = field(default_factory=dict)
    quiet: Hours | None = None


def choices_of(person_ids: Iterable[str]) -> Mapping[str, Choice]:
    """What people chose, by person; who never chose is not there."""
    rows = select(MessageChoice).where(MessageChoice.person_id.in_(sorted(set(person_ids))))
    return {row.person_id: _choice(row) for row in db.session.scalars(rows.execution_options(populate_existing=True))}


def _choice(row: MessageChoice) -> Choice:
    hours = None if row.quiet_from is None or row.quiet_until is None else (row.quiet_from, row.quiet_until)
    return Choice(row.chosen, hours)


def choice_of(viewer: Viewer) -> Choice:
    """What the viewer chose."""
    return choices_of([viewer.person_id]).get(viewer.person_id, Choice())


def devices_of(person_ids: Iterable[str]) -> Mapping[str, list[tuple[str, str]]]:
    """The devices that people want notes on, by person: id and push service. A closed account has none."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = select(PushDevice.person_id, PushDevice.id, PushDevice.host)
    rows = rows.join(Account, Account.person_id == PushDevice.person_id).where(Account.disabled_at.is_(None))
    for person_id, id_, host in db.session.execute(rows.where(PushDevice.person_id.in_(sorted(set(person_ids))))):
        found.setdefault(person_id, []).append((id_, host))
    return found


def list_devices(viewer: Viewer) -> Sequence[Any]:
    """The viewer's own devices, oldest first: id, name, created_at."""
    rows = select(PushDevice.id, PushDevice.name, PushDevice.created_at)
    return fast().execute(rows.where(PushDevice.person_id == viewer.person_id).order_by(PushDevice.created_at)).all()


def subscriptions_of(device_ids: Sequence[str]) -> Mapping[str, Subscription]:
    """How devices are spoken to, by id."""
    rows = db.session.execute(select(PushDevice.id, PushDevice.sealed).where(PushDevice.id.in_(device_ids)))
    return {id_: Subscription(**orjson.loads(sealer().open(sealed, DEVICE_COLUMN))) for id_, sealed in rows}


@dataclass(frozen=True)
class Listener:
    """A robot that is switched on: what it posts, and the subtree whose matters it tells of."""

    id: str
    path: str
    kinds: frozenset[str]


def listeners() -> Sequence[Listener]:
    """Every robot that is switched on."""
    rows = select(Robot.id, Organisation.path, Robot.kinds).join(Organisation, Organisation.id == Robot.organisation_id)
    found = db.session.execute(rows.where(Robot.is_enabled.is_(True)).order_by(Robot.id))
    return [Listener(id_, path, frozenset(kinds)) for id_, path, kinds in found]


def paths_of(estate_ids: Iterable[str]) -> Mapping[str, str]:
    """Where estates stand in the tree."""
    rows = select(Estate.id, Estate.path).where(Estate.id.in_(sorted(set(estate_ids))))
    return dict(db.session.execute(rows).all())


def webhook_of(robot: Robot) -> Webhook:
    """How a robot is spoken to."""
    secret = sealer().open(robot.secret_sealed, SECRET_COLUMN) if robot.secret_sealed else ""
    return Webhook(robot.vendor, sealer().open(robot.webhook_sealed, WEBHOOK_COLUMN), secret)


def webhooks_of(robot_ids: Sequence[str]) -> Mapping[str, Webhook]:
    """How robots are spoken to, by id."""
    rows = select(Robot).where(Robot.id.in_(robot_ids)).execution_options(populate_existing=True)
    return {robot.id: webhook_of(robot) for robot in db.session.scalars(rows)}


@dataclass(frozen=True)
class Reachable:
    """Where a person can be reached, the phone in the clear: mask it on a page."""

    phone: str
    email: str


def reachable(viewer: Viewer) -> Reachable:
    """Where the viewer can be reached."""
    row = fast().execute(select(Account.phone_sealed, Account.email).where(Account.id == viewer.account_id)).one()
    return Reachable(open_phone(row.phone_sealed), row.email)


@dataclass(frozen=True)
class RobotCard:
    """A robot in the list, with how it fared last."""

    id: str
    name: str
    vendor: str
    organisation_name: str
    kinds: Sequence[str]
    is_enabled: bool
    failures: int
    open_until: datetime | None
    sent_at: datetime | None
    failed_at: datetime | None
    last_error: str

    @property
    def vendor_name(self) -> str:
        """The platform in Chinese."""
        return VENDORS[self.vendor].name


def list_robots(viewer: Viewer) -> Sequence[RobotCard]:
    """Robots within reach, in the order of the tree; 200 at most."""
    rows = (
        select(Robot.id, Robot.name, Robot.vendor, Organisation.name, Robot.kinds, Robot.is_enabled, Gateway.failures,
               Gateway.open_until, Gateway.sent_at, Gateway.failed_at, Gateway.last_error)
        .join(Organisation, Organisation.id == Robot.organisation_id)
        .outerjoin(Gateway, Gateway.name == "robot:" + Robot.id)
        .where(under(Organisation.path, viewer.paths("channels:robots")))
        .order_by(Organisation.path, Robot.created_at, Robot.id)
        .limit(200)
    )  # fmt: skip
    return [
        RobotCard(id_, name, vendor, body, kinds, is_on, failures or 0, until, sent_at, failed_at, error or "")
        for id_, name, vendor, body, kinds, is_on, failures, until, sent_at, failed_at, error in fast().execute(rows)
    ]


def get_robot(viewer: Viewer, robot_id: str) -> tuple[Robot, Organisation]:
    """A robot within reach and the body it belongs to. Raises ``NotFound``."""
    rows = select(Robot, Organisation).join(Organisation, Organisation.id == Robot.organisation_id)
    found = db.session.execute(rows.where(Robot.id == robot_id)).first()
    if found is None or not viewer.may_at("channels:robots", found[1].path):
        raise NotFound
    return found[0], found[1]


def list_bodies(viewer: Viewer) -> list[tuple[str, str]]:
    """Bodies within reach that may have a robot, in the order of the tree: id and name with the kind; 500 at most."""
    rows = select(Organisation.id, Organisation.name, Organisation.kind).where(Organisation.kind.in_(WITH_ROBOTS))
    rows = rows.where(under(Organisation.path, viewer.paths("channels:robots"))).order_by(Organisation.path)
    return [(id_, f"{name}（{KIND_NAMES[OrganisationKind(kind)]}）") for id_, name, kind in
            fast().execute(rows.limit(500))]  # fmt: skip


def get_body(viewer: Viewer, organisation_id: str) -> Organisation:
    """A body within reach that may have a robot. Raises ``NotFound``."""
    found = db.session.get(Organisation, organisation_id)
    if found is None or found.kind not in WITH_ROBOTS or not viewer.may_at("channels:robots", found.path):
        raise NotFound
    return found
