"""Web push against a push service: what arrives can be opened by the browser alone, and proves who sent it."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import clock
from core.channels.parcels import Busy, Gone, Parcel, Refused, Trouble
from core.channels.push import PushChannel
from core.channels.subscriptions import Subscription, check_subscription, new_key, public_key
from core.config import PushSettings, Settings, SettingsError
from tests.core.test_config import GOOD
from tests.gateways import FakePush, running

KEY = new_key()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class FakeBrowser:
    """A browser with a subscription."""

    def __init__(self, address: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = Subscription(address, b64(point), b64(self.auth))

    def open(self, body: bytes) -> dict[str, Any]:
        """What a push tells."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        found: dict[str, Any] = json.loads(plain)
        return found


def proven(header: str) -> dict[str, Any]:
    """The claims of a VAPID header whose signature holds."""
    parts = dict(part.strip().split("=", 1) for part in header.removeprefix("vapid ").split(","))
    assert parts["k"] == public_key(KEY)
    head, claims, signature = parts["t"].split(".")
    r, s = (int.from_bytes(raw(signature)[n : n + 32], "big") for n in (0, 32))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(parts["k"]))
    point.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    found: dict[str, Any] = json.loads(raw(claims))
    return found


def channel(fake: FakePush) -> PushChannel:
    return PushChannel(PushSettings(KEY, "mailto:ops@example.com", (fake.host,)))


PARCEL = Parcel("delivery00000001", "m", "标题", link="/tasks", text="急派单：代买代办，3栋", urgent=True)


def test_a_note_is_sealed_for_the_browser_and_proves_its_sender() -> None:
    with running(FakePush()) as fake:
        browser = FakeBrowser(fake.url + "/push/abc")
        assert channel(fake).deliver(PARCEL, browser.subscription) == "note-1"
        [asked] = fake.asked
        note = browser.open(asked.body)
        assert note == {"title": "邻聚", "body": PARCEL.text, "link": "/tasks", "tag": PARCEL.id}
        claims = proven(asked.headers["Authorization"])
        assert (claims["aud"], claims["sub"]) == (fake.url, "mailto:ops@example.com")
        assert 0 < claims["exp"] - clock.now().timestamp() <= 3600
        assert (asked.headers["Topic"], asked.headers["Urgency"], asked.headers["Content-Encoding"]) == (
            PARCEL.id, "high", "aes128gcm",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "trouble"), [(404, Gone), (410, Gone), (413, Refused), (429, Busy), (500, Trouble), (403, Trouble)]
)
def test_what_a_push_service_answers(status: int, trouble: type[Exception]) -> None:
    with running(FakePush()) as fake:
        fake.status = status
        with pytest.raises(trouble):
            channel(fake).deliver(PARCEL, FakeBrowser(fake.url + "/push/abc").subscription)


def test_only_push_services_are_spoken_to() -> None:
    good = FakeBrowser("https://fcm.googleapis.com/fcm/send/x").subscription
    check_subscription(good)
    for endpoint in ("https://10.0.0.1/x", "http://fcm.googleapis.com/x", "https://example.com/"):
        with pytest.raises(Refused):
            check_subscription(Subscription(endpoint, good.p256dh, good.auth))
    for p256dh, auth in (("", good.auth), (good.p256dh, ""), (good.p256dh[:-4], good.auth), ("é", good.auth)):
        with pytest.raises(Refused):
            check_subscription(Subscription(good.endpoint, p256dh, auth))


def test_a_key_is_made_and_checked() -> None:
    environ = GOOD | {"LINJU_PUSH_KEY": new_key(), "LINJU_PUSH_CONTACT": "mailto:ops@example.com"}
    found = Settings.from_env(environ).push
    assert found is not None and len(raw(public_key(found.key))) == 65
    assert found.key not in repr(found)
    for change in ({"LINJU_PUSH_KEY": "short"}, {"LINJU_PUSH_CONTACT": "ops@example.com"}):
        with pytest.raises(SettingsError, match=next(iter(change))):
            Settings.from_env(environ | change)
    assert Settings.from_env(GOOD).push is None
