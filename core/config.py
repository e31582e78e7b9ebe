"""Settings, read from the environment alone (prefix ``LINJU_``) and checked before anything starts."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is missing or unusable; the text says, in Chinese, which one and what to set."""


@dataclass(frozen=True)
class SmsSettings:
    """A gateway for text messages. ``{phone}``, ``{text}``, ``{id}`` and ``{secret}`` are filled in at each message.

    A message was taken when the status is 2xx and, with ``ok_field``, that field of the JSON answer is ``ok_value``.
    """

    url: str
    method: str = "POST"
    is_json: bool = True
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    ok_field: str = ""
    ok_value: str = ""
    id_field: str = ""


@dataclass(frozen=True)
class PushSettings:
    """Web push: the private VAPID key, whom a push service may write to, and further hosts of push services."""

    key: str = field(repr=False)
    contact: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """What the environment decides. Durations carry their unit in the name."""

    env: str
    database_url: str
    secret_key: str = field(repr=False)
    seal_key: bytes = field(repr=False)
    var_dir: Path = ROOT / "var"
    staff_idle_minutes: int = 30
    resident_idle_days: int = 30
    token_hours: int = 12
    sign_in_attempts: int = 5
    sign_in_window_minutes: int = 5
    trusted_proxies: int = 0
    public_url: str = ""
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_starttls: bool = False
    smtp_sender: str = "linju@localhost"
    sms: SmsSettings | None = None
    push: PushSettings | None = None
    robot_hosts: tuple[str, ...] = ()
    upload_megabytes: int = 50
    testing: bool = False

    @property
    def is_demo(self) -> bool:
        """Demo accounts exist and the demo estate may be loaded."""
        return self.env == "demo"

    @staticmethod
    def from_env(environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises ``SettingsError`` naming each missing or unusable variable."""
        return _read(os.environ if environ is None else environ)


def seal_key_from(text: str) -> bytes:
    """32 bytes from the text of ``LINJU_SEAL_KEY``: base64 of 32 bytes, or any passphrase of 32 characters and more."""
    try:
        raw = base64.b64decode(text, validate=True)
        if len(raw) == 32:
            return raw
    except ValueError:
        pass
    if len(text) < 32:
        raise SettingsError("LINJU_SEAL_KEY 太短：请设为 32 字节的 base64，或至少 32 个字符")
    return hashlib.sha256(text.encode()).digest()


def add_demo_secrets(environ: MutableMapping[str, str]) -> None:
    """Fill in the secrets of a demo, made once and kept beside its data, readable by their owner alone."""
    path = Path(environ.get("LINJU_VAR_DIR") or ROOT / "var") / "demo.env"
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        lines = [f"{name}={secrets.token_urlsafe(48)}\n" for name in ("LINJU_SECRET_KEY", "LINJU_SEAL_KEY")]
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.writelines(lines)
    for line in path.read_text("ascii").splitlines():
        name, _, value = line.partition("=")
        if not environ.get(name):
            environ[name] = value


def _read(given: Mapping[str, str]) -> Settings:
    environ = dict(given)
    env = environ.get("LINJU_ENV", "production")
    if env not in ("demo", "production"):
        raise SettingsError(f"LINJU_ENV 只能是 demo 或 production，现在是“{env}”")
    var_dir = Path(environ.get("LINJU_VAR_DIR") or ROOT / "var")
    if env == "demo":
        add_demo_secrets(environ)
    missing = [name for name in ("LINJU_SECRET_KEY", "LINJU_SEAL_KEY") if not environ.get(name)]
    if missing:
        hint = "，可用 python -c 'import secrets; print(secrets.token_urlsafe(48))' 生成"
        raise SettingsError(f"请设置环境变量 {'、'.join(missing)}{hint}")
    secret = environ["LINJU_SECRET_KEY"]
    if len(secret) < 32:
        raise SettingsError("LINJU_SECRET_KEY 太短：至少 32 个字符")
    return Settings(
        env=env,
        database_url=driver_url(environ.get("LINJU_DATABASE_URL") or f"sqlite:///{var_dir / 'linju.db'}"),
        secret_key=secret,
        seal_key=seal_key_from(environ["LINJU_SEAL_KEY"]),
        var_dir=var_dir,
        staff_idle_minutes=_number(environ, "LINJU_STAFF_IDLE_MINUTES", 30, 5, 24 * 60),
        resident_idle_days=_number(environ, "LINJU_RESIDENT_IDLE_DAYS", 30, 1, 365),
        token_hours=_number(environ, "LINJU_TOKEN_HOURS", 12, 1, 24 * 30),
        trusted_proxies=_number(environ, "LINJU_TRUSTED_PROXIES", 0, 0, 5),
        public_url=environ.get("LINJU_PUBLIC_URL", "").rstrip("/"),
        smtp_host=environ.get("LINJU_SMTP_HOST", ""),
        smtp_port=_number(environ, "LINJU_SMTP_PORT", 25, 1, 65535),
        smtp_user=environ.get("LINJU_SMTP_USER", ""),
        smtp_password=environ.get("LINJU_SMTP_PASSWORD", ""),
        smtp_starttls=environ.get("LINJU_SMTP_STARTTLS", "") == "1",
        smtp_sender=environ.get("LINJU_SMTP_SENDER", "linju@localhost"),
        sms=_sms(environ),
        push=_push(environ),
        robot_hosts=_words(environ, "LINJU_ROBOT_HOSTS"),
        upload_megabytes=_number(environ, "LINJU_UPLOAD_MEGABYTES", 50, 1, 500),
    )


def driver_url(url: str) -> str:
    """The SQLAlchemy address of a database: ``postgresql://`` is spoken through psycopg 3."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    if url.startswith(("sqlite:///", "postgresql+psycopg://")):
        return url
    raise SettingsError("LINJU_DATABASE_URL 要写成 sqlite:///路径 或 postgresql://用户@主机/库")


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(environ.get(name, "").lower().replace(",", " ").split())


def _sms(environ: Mapping[str, str]) -> SmsSettings | None:
    """The gateway for text messages, None without an address."""
    url, body = environ.get("LINJU_SMS_URL", ""), environ.get("LINJU_SMS_BODY", "")
    if not url:
        return None
    if urlsplit(url).scheme not in ("http", "https"):
        raise SettingsError("LINJU_SMS_URL 要写成 https://… 的完整地址")
    method, kind = environ.get("LINJU_SMS_METHOD", "POST").upper(), environ.get("LINJU_SMS_TYPE", "json").lower()
    if method not in ("GET", "POST", "PUT"):
        raise SettingsError("LINJU_SMS_METHOD 只能是 GET、POST 或 PUT")
    if kind not in ("json", "form"):
        raise SettingsError("LINJU_SMS_TYPE 只能是 json 或 form")
    if body and kind == "json":
        _json(body, "LINJU_SMS_BODY", object)
    headers = _json(environ.get("LINJU_SMS_HEADERS") or "{}", "LINJU_SMS_HEADERS", dict)
    for mark in ("{phone}", "{text}"):
        if mark not in url + body:
            raise SettingsError(f"LINJU_SMS_BODY 或 LINJU_SMS_URL 里要有 {mark}")
    ok, _, value = environ.get("LINJU_SMS_OK", "").partition("=")
    if ok and not value:
        raise SettingsError("LINJU_SMS_OK 要写成 字段=值，比如 code=0")
    return SmsSettings(url, method, kind == "json", body, {str(n): str(v) for n, v in headers.items()},
                       environ.get("LINJU_SMS_SECRET", ""), ok.strip(), value.strip(),
                       environ.get("LINJU_SMS_ID_FIELD", "").strip())  # fmt: skip


def _json(text: str, name: str, kind: type) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise SettingsError(f"{name} 不是合法的 JSON") from None
    if not isinstance(found, kind):
        raise SettingsError(f"{name} 要写成 JSON 对象")
    return found


def _push(environ: Mapping[str, str]) -> PushSettings | None:
    """Web push, None without a key."""
    key, contact = environ.get("LINJU_PUSH_KEY", ""), environ.get("LINJU_PUSH_CONTACT", "")
    if not key:
        return None
    try:
        size = len(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
    except ValueError:
        size = 0
    if size != 32:
        raise SettingsError("LINJU_PUSH_KEY 不对：请用 flask --app app push-key 生成一个")
    if not contact.startswith(("mailto:", "https://")):
        raise SettingsError("LINJU_PUSH_CONTACT 要写成 mailto:邮箱 或 https://网址，推送服务出问题时会找这里")
    return PushSettings(key, contact, _words(environ, "LINJU_PUSH_HOSTS"))


def _number(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise SettingsError(f"{name} 要填 {low} 到 {high} 的整数，现在是“{text}”")
    return int(text)
