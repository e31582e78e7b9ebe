"""Reading accounts and sign-ins."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, bindparam, func, or_, select

from community.accounts.models import LOGIN_COLUMN, Account, SignIn, SignInFailure
from community.grid.models import PHONE_COLUMN, Estate, Household, Person, PersonPhone, Proxy
from community.organisations.models import Appointment, Organisation
from community.organisations.queries import people_within
from core import clock
from core.access import NotFound, Post, Role, Viewer
from core.database import UtcDateTime, db, fast
from core.idempotency import KEPT, IdempotencyKey
from core.identity import normalise_phone
from core.sealing import sealer
from core.web.paging import PAGE, Page, after, page_of


def digest_of(token: str) -> str:
    """What the database keeps of a secret token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Resolved:
    """A sign-in's viewer and, when the request had a key, what that key was answered before."""

    viewer: Viewer
    prior: tuple[str, int, str] | None


SIGNALS: dict[str, Any] = {}
"""Yes-or-no questions of other rooms that every sign-in answers on the way, by name: scalar subqueries that cost next
to nothing on any size of table. What is so stands in the viewer's ``signals``. ``app.py`` puts them in."""

_TODAY = bindparam("today", type_=Date())
_COLUMNS = select(
        SignIn.id, Account.id, Account.must_change, Person.id, Person.name, Person.estate_id, Person.household_id,
        Estate.name, Estate.path, Appointment.role, Appointment.organisation_id, Organisation.path, Organisation.name,
        IdempotencyKey.request_digest, IdempotencyKey.status, IdempotencyKey.answer,
)  # fmt: skip
_SIGNED_IN = (
    _COLUMNS.select_from(SignIn)
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


@cache
def _signed_in() -> Select[Any]:
    """The statement of a sign-in, with what the rooms above ask along with it."""
    return _SIGNED_IN.add_columns(*[question.label(name) for name, question in SIGNALS.items()])


def resolve(token: str, kind: str, key: str | None = None) -> Resolved | None:
    """The viewer behind a token of a kind (``web`` or ``api``), in one statement; None when it is not valid now."""
    now = clock.now()
    values = {"digest": digest_of(token), "kind": kind, "now": now, "today": clock.today(), "key": key}
    rows = fast().execute(_signed_in(), {**values, "since": now - KEPT}).all()
    if not rows:
        return None
    _, account_id, must_change, person_id, name, estate_id, household_id, estate_name, estate_path = rows[0][:9]
    posts = [Post(Role(row[9]), row[10], row[11], row[12]) for row in rows if row[9]]
    if household_id:
        posts.append(Post(Role.RESIDENT, "", "", ""))
    viewer = Viewer(
        person_id, account_id, name, tuple(posts), estate_id, estate_name or "", estate_path or "", household_id,
        token, bool(must_change), frozenset(name for name, so in zip(SIGNALS, rows[0][16:], strict=True) if so),
    )  # fmt: skip
    first: Any = rows[0]
    prior = (first[13], first[14], first[15]) if first[13] else None
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
    name: str
    estate_id: str | None


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
        one.c.p, one.c.a, Account.id, Account.person_id, Account.password_hash, Account.disabled_at, Person.name,
        Person.estate_id,
    )  # fmt: skip
    holder = one.outerjoin(Account, Account.phone_key == phone_key).outerjoin(Person, Person.id == Account.person_id)
    row = fast().execute(statement.select_from(holder)).one()
    found = Credentials(row[2], row[3], row[4], row[5] is not None, row[6], row[7]) if row[2] else None
    return Attempt(row[0], row[1], found)


def phone_key(phone: str) -> str:
    """The keyed index under which an account's phone is found."""
    return sealer().index(phone, LOGIN_COLUMN)


def find_account(person_id: str) -> Account | None:
    """The account of a person, if one was issued."""
    return db.session.scalar(select(Account).where(Account.person_id == person_id))


def get_account(viewer: Viewer) -> Account:
    """The viewer's own account."""
    return db.session.get_one(Account, viewer.account_id)


def emails_of(person_ids: Sequence[str]) -> dict[str, str]:
    """E-mail addresses that people have given, by person id."""
    rows = select(Account.person_id, Account.email).where(Account.person_id.in_(person_ids), Account.email != "")
    return dict(db.session.execute(rows.where(Account.disabled_at.is_(None))).all())


def phones_of(person_ids: Sequence[str]) -> dict[str, str]:
    """Mobile numbers by person id, for text messages: that of the account, else the first on the roll.

    Whoever has moved out or whose account is closed gets none.
    """
    accounts = select(Account.person_id, Account.phone_sealed, Account.disabled_at)
    held = db.session.execute(accounts.where(Account.person_id.in_(person_ids))).all()
    found = {row.person_id: open_phone(row.phone_sealed) for row in held if row.disabled_at is None}
    rest = set(person_ids) - {row.person_id for row in held}
    if rest:
        listed = select(PersonPhone.person_id, PersonPhone.sealed).join(Person, Person.id == PersonPhone.person_id)
        listed = listed.where(PersonPhone.person_id.in_(sorted(rest)), Person.moved_out_on.is_(None))
        for person_id, sealed in db.session.execute(listed.order_by(PersonPhone.position.desc())):
            found[person_id] = sealer().open(sealed, PHONE_COLUMN)
    return found


STATES = ("", "first", "disabled")
"""What a list of accounts can be cut to: all, those whose first password was never changed, closed ones."""


def list_accounts(
    viewer: Viewer, *, q: str = "", state: str = "", cursor: str | None = None, limit: int = PAGE
) -> Page[Any]:
    """Accounts of people within the viewer's reach, by name. ``q`` begins a name or its initials, or is a phone."""
    statement = (
        select(Account.id, Account.person_id, Account.phone_sealed, Account.must_change, Account.disabled_at,
               Account.created_at, Person.name, Person.pinyin, Estate.name.label("estate_name"))
        .join(Person, Person.id == Account.person_id)
        .outerjoin(Estate, Estate.id == Person.estate_id)
        .where(people_within(viewer.paths("accounts:issue")))
    )  # fmt: skip
    if phone := normalise_phone(q):
        statement = statement.where(Account.phone_key == phone_key(phone))
    elif q:
        begins = Person.name.startswith(q, autoescape=True), Person.initials.startswith(q.lower(), autoescape=True)
        statement = statement.where(or_(*begins))
    if state == "first":
        statement = statement.where(Account.must_change, Account.disabled_at.is_(None))
    elif state == "disabled":
        statement = statement.where(Account.disabled_at.is_not(None))
    rows = fast().execute(after(statement, [Person.pinyin, Account.id], [str, str], cursor, limit)).all()
    return page_of(rows, limit, lambda row: [row.pinyin, row.id])


def open_phone(account_phone: str) -> str:
    """An account's phone in the clear; mask it before it goes on a page."""
    return sealer().open(account_phone, LOGIN_COLUMN)


@dataclass(frozen=True)
class Holder:
    """Someone who has an account or may be given one, as the page about it needs them."""

    person: Person
    estate_name: str
    household_label: str
    account: Account | None
    phones: tuple[str, ...]


def get_holder(viewer: Viewer, person_id: str) -> Holder:
    """A person within reach with account and phones. Raises ``NotFound``."""
    row = db.session.execute(
        select(Person, Estate.name, Household.label, Account)
        .outerjoin(Estate, Estate.id == Person.estate_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(Person.id == person_id, people_within(viewer.paths("accounts:issue")))
    ).first()
    if row is None:
        raise NotFound
    sealed = select(PersonPhone.sealed).where(PersonPhone.person_id == person_id).order_by(PersonPhone.position)
    phones = tuple(sealer().open(text, PHONE_COLUMN) for text in db.session.scalars(sealed))
    return Holder(row[0], row[1] or "", row[2] or "", row[3], phones)


def get_account_holder(viewer: Viewer, account_id: str) -> tuple[Holder, Account]:
    """The holder of an account within reach. Raises ``NotFound``."""
    owner = db.session.scalar(select(Account.person_id).where(Account.id == account_id))
    if owner is None:
        raise NotFound
    holder = get_holder(viewer, owner)
    assert holder.account is not None
    return holder, holder.account


@dataclass(frozen=True)
class Profile:
    """What one's own page shows besides what the viewer carries."""

    phone: str
    email: str
    household_label: str
    helpers: Sequence[Any]
    helped: Sequence[Any]


def profile_of(viewer: Viewer) -> Profile:
    """One's own account, home, the family members named for it, and the homes one may order for."""
    phone, email, label = fast().execute(
        select(Account.phone_sealed, Account.email, Household.label)
        .join(Person, Person.id == Account.person_id)
        .outerjoin(Household, Household.id == Person.household_id)
        .where(Account.id == viewer.account_id)
    ).one()  # fmt: skip
    helpers = select(Proxy.helper_id, Person.name, Proxy.relation, Proxy.named_at)
    helpers = helpers.join(Person, Person.id == Proxy.helper_id).where(Proxy.household_id == viewer.household_id)
    helped = select(Household.label, Person.name, Estate.name.label("estate_name"))
    helped = helped.select_from(Proxy).join(Household, Household.id == Proxy.household_id)
    helped = helped.join(Estate, Estate.id == Household.estate_id).join(Person, Person.id == Proxy.person_id)
    helped = helped.where(Proxy.helper_id == viewer.person_id).order_by(Household.label)
    mine = fast().execute(helpers.order_by(Proxy.named_at)).all() if viewer.household_id else []
    return Profile(open_phone(phone), email, label or "", mine, fast().execute(helped).all())


def find_helper(viewer: Viewer, name: str, phone: str) -> str | None:
    """The person of this name and phone: one with an account, or one on the roll of the viewer's own estate.

    Both must fit, so that nobody learns from a number alone whose it is.
    """
    held = select(Person.id).join(Account, Account.person_id == Person.id)
    held = held.where(Account.phone_key == phone_key(phone), Account.disabled_at.is_(None), Person.name == name)
    listed = select(Person.id).join(PersonPhone, PersonPhone.person_id == Person.id)
    listed = listed.where(PersonPhone.estate_id == viewer.estate_id, Person.moved_out_on.is_(None), Person.name == name)
    listed = listed.where(PersonPhone.number_key == sealer().index(phone, PHONE_COLUMN))
    return db.session.scalar(held) or db.session.scalar(listed.limit(1))
