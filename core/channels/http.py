"""One HTTP request with a gateway: short time-outs, no redirects, and a clear word on whether it can have arrived."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

import orjson

from core.channels.parcels import Busy, Refused, Trouble, Unsure

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10
MOST_BYTES = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAY_HAVE_ARRIVED = frozenset({408, 504})


@dataclass(frozen=True)
class Answer:
    """What a gateway answered."""

    status: int
    text: str
    retry_after: int = 60
    location: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the status says that it went well."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The answer as a JSON object; empty when it is none."""
        try:
            found = orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def check(self) -> None:
        """Raises ``Busy``, ``Unsure`` or ``Trouble`` unless the status says that it went well."""
        if self.is_success:
            return
        told = f"对方回应 {self.status} {self.text[:200]}".strip()
        if self.status == 429:
            raise Busy(told, self.retry_after)
        if self.status in MAY_HAVE_ARRIVED:
            raise Unsure(told)
        raise Trouble(told)


def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """Send a request and read its answer.

    Raises ``Trouble`` when it cannot have arrived, ``Unsure`` when it may have and no answer came.
    """
    parts = urlsplit(url)
    connection = _connect(parts)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        assert connection.sock is not None
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.request(method, target, body, {"User-Agent": "linju", **headers})
        response = connection.getresponse()
        text = response.read(MOST_BYTES).decode("utf-8", "replace")
        retry = response.getheader("Retry-After", "")
        location = response.getheader("Location", "") or ""
        return Answer(response.status, text, int(retry) if retry.isdecimal() else 60, location)
    except (OSError, HTTPException) as error:
        raise Unsure(f"没有等到回应（{type(error).__name__}）") from error
    finally:
        connection.close()


def _connect(parts: SplitResult) -> HTTPConnection:
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
        connection.connect()
    except ssl.SSLError as error:
        raise Trouble(f"对方的证书不对（{error.reason or type(error).__name__}）") from error
    except (OSError, ValueError, HTTPException) as error:
        raise Trouble(f"连不上对方（{type(error).__name__}）") from error
    return connection


def send_json(url: str, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """POST a JSON value."""
    plain = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return send("POST", url, orjson.dumps(value), plain)


def check_address(url: str, hosts: Iterable[str]) -> None:
    """Refuse an address typed by a person unless it leads to one of these hosts over https.

    So that nobody can make the server knock at doors of its own network. A host is a name, a name with a port, or a
    suffix with a leading dot; one of this very machine may be spoken to without encryption. Raises ``Refused``.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("地址不完整，请整条复制过来") from None
    host = (parts.hostname or "").lower()
    if not host or parts.username or parts.password or any(c <= " " for c in url):
        raise Refused("地址不完整，请整条复制过来")
    named = f"{host}:{port}" if port else host
    fits = [h for h in hosts if h in (named, host if port in (None, 443) else "") or _below(host, port, h)]
    if not fits:
        raise Refused("地址不是这家平台的，请核对")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise Refused("地址要以 https:// 开头")


def _below(host: str, port: int | None, suffix: str) -> bool:
    return suffix.startswith(".") and host.endswith(suffix) and port in (None, 443)
