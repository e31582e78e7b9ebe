"""Reading accounts and sign-ins."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Date, bindparam, func, or_, select

from community.accounts.models import LOGIN_COLUMN, Account, SignIn, SignInFailure
from community.grid.models import Estate, Person
from community.organisations.models import Appointment, Organisation
from core import clock
from core.access import Post, Role, Viewer
from core.database import UtcDateTime, db, fast
from core.idempotency import KEPT, IdempotencyKey
from core.sealing import sealer


def digest_of(token: str) -> str:
    """What the database keeps of a secret token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Resolved:
    """A sign-in's viewer and, when the request had a key, what that key was answered before."""

    viewer: Viewer
    prior: tuple[str, int, str] | None


_TODAY = bindparam("today", type_=Date())
_SIGNED_IN = (
    select(
        SignIn.id, Account.id, Account.must_change, Person.id, Person.name, Person.estate_id, Person.household_id,
        Estate.name, Estate.path, Appointment.role, Appointment.organisation_id, Organisation.path, Organisation.name,
        IdempotencyKey.request_digest, IdempotencyKey.status, IdempotencyKey.answer,
    )  # fmt: skip
    .select_from(SignIn)
    .join(Account, Account.id == SignIn.account_id)
    .join(Person, Person.id == Account.person_id)
    .outerjoin(Estate, Estate.id == Person.estate_id)
    .outerjoin(
        Appointment,
        (Appointment.person_id == Person.id)
        & (Appointment.starts_on <= _TODAY)
        & or_(Appointment.ends_on.is_(None), Appointment.ends_on >= _TODAY),
    )
    .outerjoin(Organisation, Organisation.id == Appointment.organisation_id)
    .outerjoin(
        IdempotencyKey,
        (IdempotencyKey.account_id == Account.id)
        & (IdempotencyKey.key == bindparam("key"))
        & (IdempotencyKey.created_at > bindparam("since", type_=UtcDateTime())),
    )
    .where(
        SignIn.digest == bindparam("digest"),
        SignIn.kind == bindparam("kind"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > bindparam("now", type_=UtcDateTime()),
        Account.disabled_at.is_(None),
    )
)


def resolve(token: str, kind: str, key: str | None = None) -> Resolved | None:
    """The viewer behind a token of a kind (``web`` or ``api``), in one statement; None when it is not valid now."""
    now = clock.now()
    values = {"digest": digest_of(token), "kind": kind, "now": now, "today": clock.today(), "key": key}
    rows = fast().execute(_SIGNED_IN, {**values, "since": now - KEPT}).all()
    if not rows:
        return None
    _, account_id, must_change, person_id, name, estate_id, household_id, estate_name, estate_path = rows[0][:9]
    posts = [Post(Role(row[9]), row[10], row[11], row[12]) for row in rows if row[9]]
    if household_id:
        posts.append(Post(Role.RESIDENT, "", "", ""))
    viewer = Viewer(
        person_id, account_id, name, tuple(posts), estate_id, estate_name or "", estate_path or "", household_id,
        token, bool(must_change),
    )  # fmt: skip
    prior = tuple(rows[0][13:16]) if rows[0][13] else None
    return Resolved(viewer, prior)


def resolve_web(token: str) -> Viewer | None:
    """The viewer behind a browser's session."""
    found = resolve(token, "web")
    return found.viewer if found else None


@dataclass(frozen=True)
class Credentials:
    """What a sign-in is checked against."""

    account_id: str
    person_id: str
    password_hash: str
    disabled: bool


@dataclass(frozen=True)
class Attempt:
    """Failures counted in the window, and the account of the phone if there is one."""

    phone_failures: int
    address_failures: int
    credentials: Credentials | None


def attempt(phone_key: str, address_key: str, since: Any) -> Attempt:
    """Count recent failures and find the account, in one statement, alike for known and unknown phones."""
    by_phone = select(func.count()).select_from(SignInFailure)
    by_phone = by_phone.where(SignInFailure.phone_key == phone_key, SignInFailure.at > since)
    by_address = select(func.count()).select_from(SignInFailure)
    by_address = by_address.where(SignInFailure.address_key == address_key, SignInFailure.at > since)
    one = select(by_phone.scalar_subquery().label("p"), by_address.scalar_subquery().label("a")).subquery()
    statement = select(
        one.c.p, one.c.a, Account.id, Account.person_id, Account.password_hash, Account.disabled_at
    ).select_from(one.outerjoin(Account, Account.phone_key == phone_key))
    row = fast().execute(statement).one()
    found = Credentials(row[2], row[3], row[4], row[5] is not None) if row[2] else None
    return Attempt(row[0], row[1], found)


def phone_key(phone: str) -> str:
    """The keyed index under which an account's phone is found."""
    return sealer().index(phone, LOGIN_COLUMN)


def find_account(person_id: str) -> Account | None:
    """The account of a person, if one was issued."""
    return db.session.scalar(select(Account).where(Account.person_id == person_id))


def emails_of(person_ids: Sequence[str]) -> dict[str, str]:
    """E-mail addresses that people have given, by person id."""
    rows = select(Account.person_id, Account.email).where(Account.person_id.in_(person_ids), Account.email != "")
    return dict(db.session.execute(rows.where(Account.disabled_at.is_(None))).tuples().all())


def list_accounts(viewer: Viewer, *, q: str = "", limit: int = 50) -> Sequence[Any]:
    """Accounts of people within the viewer's reach, by name; ``q`` is part of a name."""
    statement = (
        select(Account.id, Account.person_id, Account.phone_sealed, Account.must_change, Account.disabled_at,
               Account.created_at, Person.name, Estate.name.label("estate_name"))
        .join(Person, Person.id == Account.person_id)
        .outerjoin(Estate, Estate.id == Person.estate_id)
        .where(or_(*[Estate.path.startswith(path, autoescape=True) for path in viewer.paths("accounts:issue")]))
        .order_by(Person.pinyin, Account.id)
        .limit(limit)
    )  # fmt: skip
    if q:
        statement = statement.where(Person.name.contains(q, autoescape=True))
    return db.session.execute(statement).all()
