"""Signing in and out, issuing accounts, changing passwords.

Passwords: Argon2id; at least 8 characters of at least 3 classes and none of the common ones. Lockout after 5 failures
in 5 minutes, counted in a table, the same for phones that nobody has (rules: network security practice in rules.md 8).
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, select, update

from community.accounts.models import LOGIN_COLUMN, Account, SignIn, SignInFailure
from community.accounts.queries import Credentials, attempt, digest_of, phone_key
from community.grid.models import Person, Proxy
from community.organisations.models import Appointment, Organisation
from core import audit, clock
from core.access import ROLE_NAMES, NotFound, Role, Viewer
from core.audit import Subject
from core.config import Settings
from core.database import begin_write, db
from core.ids import new_id
from core.sealing import sealer

ADDRESS_FACTOR = 10
HELPERS = 8
"""Family members whom a household may name."""
COMMON = frozenset(
    "password passw0rd password1 password123 p@ssw0rd p@ssword1 qwerty123 qwer1234 1qaz2wsx 1qaz@wsx abc12345 abcd1234 "
    "abc123456 a1234567 aa123456 aa12345678 admin123 admin@123 iloveyou1 woaini520 woaini1314 zhangwei123 china2026 "
    "linju2026 qq123456 asd12345 asdf1234 zxc12345 welcome1 letmein1 test1234 root1234 12345678a 123456aa 123456abc "
    "1q2w3e4r 1q2w3e4r5t q1w2e3r4 1234qwer a123456789 5201314a".split()
)


class TooManyAttempts(Exception):
    """Locked for a while, known phone or not."""


class WrongCredentials(Exception):
    """Phone or password is not right; it is not said which."""


class PasswordProblem(ValueError):
    """Why a password does not do (Chinese)."""


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash to check against when there is no account, so that the answer takes as long."""
    return _hasher().hash(secrets.token_hex(16))


def check_password(password: str) -> None:
    """Raises ``PasswordProblem`` unless it is long, varied and uncommon enough."""
    if len(password) < 8:
        raise PasswordProblem(f"密码至少8位，您填了{len(password)}位")
    if len(password) > 128:
        raise PasswordProblem("密码最多128位")
    groups = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    classes = sum(any(c in group for c in password) for group in groups)
    classes += any(c not in string.ascii_letters + string.digits for c in password)
    if classes < 3:
        raise PasswordProblem("密码要含大写字母、小写字母、数字、符号中的三种")
    folded = password.lower()
    if folded in COMMON or folded.strip("!@#$%^&*._-") in COMMON or len(set(folded)) < 4:
        raise PasswordProblem("这个密码太常见，容易被猜到，请换一个")


@dataclass(frozen=True)
class SignedIn:
    """A new sign-in: the secret token, shown once, and until when it holds."""

    token: str
    expires_at: datetime
    account_id: str
    person_id: str


def sign_in(settings: Settings, phone: str, password: str, address: str, kind: str) -> SignedIn:
    """Check phone and password and begin a sign-in of ``kind`` (web, api).

    Raises ``TooManyAttempts`` or ``WrongCredentials``. Commits by itself: a failure must be counted, too.
    """
    now = clock.now()
    key, where = phone_key(phone), sealer().index(address, "sign_in.address")
    found = attempt(key, where, now - timedelta(minutes=settings.sign_in_window_minutes))
    allowed = settings.sign_in_attempts
    if found.phone_failures >= allowed or found.address_failures >= allowed * ADDRESS_FACTOR:
        raise TooManyAttempts
    if not _matches(found.credentials, password):
        begin_write()
        db.session.add(SignInFailure(id=new_id(), phone_key=key, address_key=where, at=now))
        db.session.commit()
        raise WrongCredentials
    assert found.credentials is not None
    return _begin(settings, found.credentials, key, kind, now)


def _matches(credentials: Credentials | None, password: str) -> bool:
    stored = credentials.password_hash if credentials else _nobody()
    try:
        right = _hasher().verify(stored, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return right and credentials is not None and not credentials.disabled


def _begin(settings: Settings, who: Credentials, key: str, kind: str, now: datetime) -> SignedIn:
    token = secrets.token_urlsafe(32)
    lasts = timedelta(hours=settings.token_hours) if kind == "api" else timedelta(days=settings.resident_idle_days)
    row = SignIn(id=new_id(), digest=digest_of(token), account_id=who.account_id, kind=kind, created_at=now,
                 expires_at=now + lasts)  # fmt: skip
    begin_write()
    db.session.add(row)
    db.session.execute(delete(SignInFailure).where(SignInFailure.phone_key == key))
    subject = Subject("account", who.account_id, who.estate_id or audit.EVERYWHERE)
    audit.record(who.person_id, who.name, "sign_in", subject, details={"kind": kind})
    db.session.commit()
    return SignedIn(token, row.expires_at, who.account_id, who.person_id)


def sign_out(token: str) -> None:
    """End the sign-in of a token; harmless when it has ended."""
    begin_write()
    db.session.execute(
        update(SignIn).where(SignIn.digest == digest_of(token), SignIn.ended_at.is_(None)).values(ended_at=clock.now())
    )
    db.session.commit()


def issue(viewer: Viewer, person: Person, phone: str) -> tuple[Account, str]:
    """Open an account for someone on the roll; returns it with the first password, which must be changed at once.

    Raises ``ValueError`` when the person or the phone has an account already. Caller commits.
    """
    password = _first_password()
    account = create(person, phone, password, viewer.person_id)
    account.must_change = True
    db.session.flush()
    subject = Subject("account", account.id, person.estate_id or audit.EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, "issue", subject, details={"person": person.id})
    return account, password


def create(person: Person, phone: str, password: str, by: str) -> Account:
    """An account row, unchecked for rights. Raises ``ValueError`` for a second one of person or phone."""
    key = phone_key(phone)
    taken = db.session.query(Account.person_id).filter((Account.person_id == person.id) | (Account.phone_key == key))
    for (owner,) in taken:
        raise ValueError("这个人已经有账号" if owner == person.id else "这个手机号已经开过账号")
    account = Account(
        id=new_id(), person_id=person.id, phone_sealed=sealer().seal(phone, LOGIN_COLUMN), phone_key=key,
        password_hash=_hasher().hash(password), created_at=clock.now(), issued_by=by, must_change=False, email="",
    )  # fmt: skip
    db.session.add(account)
    return account


def reset(viewer: Viewer, account: Account, estate_id: str | None) -> str:
    """A new first password; ends every sign-in of the account. Caller commits."""
    password = _first_password()
    account.password_hash, account.must_change = _hasher().hash(password), True
    _end_all(account)
    audit.record(viewer.person_id, viewer.name, "reset_password", Subject("account", account.id, estate_id or "-"))
    return password


def set_disabled(viewer: Viewer, account: Account, estate_id: str | None, disabled: bool) -> None:
    """Close or reopen an account. Closing ends every sign-in. Caller commits."""
    account.disabled_at = clock.now() if disabled else None
    if disabled:
        _end_all(account)
    verb = "disable" if disabled else "enable"
    audit.record(viewer.person_id, viewer.name, verb, Subject("account", account.id, estate_id or "-"))


def change_password(viewer: Viewer, account: Account, old: str, new: str) -> None:
    """Change one's own password. Raises ``WrongCredentials`` or ``PasswordProblem``. Caller commits."""
    try:
        _hasher().verify(account.password_hash, old)
    except Argon2Error as error:
        raise WrongCredentials from error
    check_password(new)
    if old == new:
        raise PasswordProblem("新密码不能和旧密码一样")
    account.password_hash, account.must_change = _hasher().hash(new), False
    account.password_changed_at = clock.now()
    db.session.execute(
        update(SignIn)
        .where(SignIn.account_id == account.id, SignIn.ended_at.is_(None), SignIn.digest != digest_of(viewer.token_id))
        .values(ended_at=clock.now())
    )
    audit.record(viewer.person_id, viewer.name, "change_password", _own(viewer))


def set_email(viewer: Viewer, account: Account, email: str) -> None:
    """Set or clear the address that one's own notices go to. Caller commits."""
    if account.email != email:
        account.email = email
        audit.record(viewer.person_id, viewer.name, "set_email", _own(viewer))


def _own(viewer: Viewer) -> Subject:
    return Subject("account", viewer.account_id, viewer.estate_id or audit.EVERYWHERE)


def name_helper(viewer: Viewer, helper_id: str, relation: str) -> None:
    """Name a family member who may order for one's household (代点单). Caller commits.

    Raises ``ValueError`` for oneself, for someone named already, and for more than ``HELPERS`` of them.
    """
    assert viewer.household_id is not None
    if helper_id == viewer.person_id:
        raise ValueError("自己点单不用添加，请填家人的姓名和手机号")
    named = db.session.scalars(select(Proxy.helper_id).where(Proxy.household_id == viewer.household_id)).all()
    if helper_id in named:
        raise ValueError("这位家人已经在名单里")
    if len(named) >= HELPERS:
        raise ValueError(f"最多添加{HELPERS}位家人，请先移除一位")
    db.session.add(
        Proxy(household_id=viewer.household_id, helper_id=helper_id, person_id=viewer.person_id, relation=relation,
              named_at=clock.now())
    )  # fmt: skip
    _record_helper(viewer, "name_helper", helper_id, {"relation": relation})


def drop_helper(viewer: Viewer, helper_id: str) -> None:
    """End a family member's right to order for one's household. Raises ``NotFound``. Caller commits."""
    found = db.session.get(Proxy, (viewer.household_id, helper_id)) if viewer.household_id else None
    if found is None:
        raise NotFound
    db.session.delete(found)
    _record_helper(viewer, "drop_helper", helper_id, {})


def _record_helper(viewer: Viewer, verb: str, helper_id: str, details: dict[str, str]) -> None:
    subject = Subject("household", viewer.household_id or "", viewer.estate_id or audit.EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details={"helper": helper_id, **details})


def _end_all(account: Account) -> None:
    open_ones = update(SignIn).where(SignIn.account_id == account.id, SignIn.ended_at.is_(None))
    db.session.execute(open_ones.values(ended_at=clock.now()))


def _first_password() -> str:
    """Easy to read over the phone: no 0, O, 1, l, I."""
    letters = "abcdefghjkmnpqrstuvwxyz"
    part = "".join(secrets.choice(letters) for _ in range(4))
    return f"{part.capitalize()}-{secrets.choice('23456789')}{''.join(secrets.choice('23456789') for _ in range(5))}"


def appoint(
    actor_id: str, actor_name: str, person_id: str, role: Role, organisation: Organisation, starts_on: date,
    ends_on: date | None = None, estate_id: str | None = None,
) -> Appointment:  # fmt: skip
    """Give a person a post at an organisation for a term. Caller commits."""
    post = Appointment(
        id=new_id(), person_id=person_id, organisation_id=organisation.id, role=role, starts_on=starts_on,
        ends_on=ends_on, created_at=clock.now(), created_by=actor_id,
    )  # fmt: skip
    db.session.add(post)
    db.session.flush()
    details = {"person": person_id, "role": ROLE_NAMES[role], "organisation": organisation.name}
    audit.record(actor_id, actor_name, "appoint", Subject("appointment", post.id, estate_id or "-"), details=details)
    return post


def end_appointment(viewer: Viewer, post: Appointment, on: date, estate_id: str | None = None) -> None:
    """End a post with the given day. Raises ``ValueError`` for one that is over, or a day before it began.

    Caller commits.
    """
    if post.ends_on is not None and post.ends_on < clock.today():
        raise ValueError("这项任职已经结束")
    if on < post.starts_on:
        raise ValueError("结束日期不能早于开始日期")
    post.ends_on = on
    details = {"person": post.person_id, "ends_on": on.isoformat()}
    subject = Subject("appointment", post.id, estate_id or "-")
    audit.record(viewer.person_id, viewer.name, "end_appointment", subject, details=details)
