"""Settings: what is missing or unusable is named, and nothing starts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from core.config import Settings, SettingsError, driver_url, seal_key_from

GOOD = {"LINJU_SECRET_KEY": "s" * 32, "LINJU_SEAL_KEY": "k" * 32}
NUMBERS = (
    "LINJU_STAFF_IDLE_MINUTES", "LINJU_RESIDENT_IDLE_DAYS", "LINJU_TOKEN_HOURS", "LINJU_TRUSTED_PROXIES",
    "LINJU_SMTP_PORT", "LINJU_UPLOAD_MEGABYTES",
)  # fmt: skip


def test_two_secrets_are_enough() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.env == "production"
    assert settings.database_url.startswith("sqlite:///")
    assert not settings.is_demo
    assert "s" * 32 not in repr(settings)
    assert "kkkk" not in repr(settings)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("text", ["", None, "short"])
def test_a_missing_or_short_secret_is_named(name: str, text: str | None) -> None:
    environ = {key: value for key, value in (GOOD | {name: text}).items() if value is not None}
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(environ)


def test_both_missing_secrets_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match="LINJU_SECRET_KEY、LINJU_SEAL_KEY"):
        Settings.from_env({})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["many", "-1", "1.5", "999999999", "²"])
def test_an_unusable_number_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(GOOD | {name: text})


@pytest.mark.parametrize(
    ("name", "text"), [("LINJU_ENV", "test"), ("LINJU_DATABASE_URL", "mysql://x"), ("LINJU_DATABASE_URL", "linju.db")]
)
def test_other_unusable_settings_are_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(GOOD | {name: text})


def test_settings_are_read() -> None:
    settings = Settings.from_env(
        GOOD | {"LINJU_ENV": "demo", "LINJU_VAR_DIR": "/data", "LINJU_TOKEN_HOURS": "3", "LINJU_SMTP_STARTTLS": "1",
                "LINJU_PUBLIC_URL": "https://x.example/"}
    )  # fmt: skip
    assert settings.is_demo
    assert settings.var_dir == Path("/data")
    assert settings.database_url == "sqlite:////data/linju.db"
    assert (settings.token_hours, settings.smtp_starttls, settings.public_url) == (3, True, "https://x.example")


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_is_spoken_through_psycopg(url: str) -> None:
    assert driver_url(url) == "postgresql+psycopg://u@h/d"


def test_a_seal_key_is_32_bytes_or_a_long_phrase() -> None:
    raw = bytes(range(32))
    assert seal_key_from(base64.b64encode(raw).decode()) == raw
    assert len(seal_key_from("一句很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长的话")) == 32
