"""Browsers that want notes, and the key by which they know the site: what web push needs beside the sending itself."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.channels.http import check_address
from core.channels.parcels import Refused

HOSTS = (
    "fcm.googleapis.com", "updates.push.services.mozilla.com", ".push.apple.com", ".notify.windows.com",
)  # fmt: skip
"""Where the push services of the browsers are."""
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class Subscription:
    """A browser that wants notes, as it described itself: where to send, its public key, its shared secret."""

    endpoint: str
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)

    @property
    def host(self) -> str:
        """The push service behind it."""
        return urlsplit(self.endpoint).netloc.lower()


def check_subscription(found: Subscription, more_hosts: Sequence[str] = ()) -> None:
    """Whether this can be a browser's subscription at a known push service. Raises ``Refused``."""
    check_address(found.endpoint, (*HOSTS, *more_hosts))
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(found.p256dh))
        if len(_bytes(found.auth)) != 16:
            raise ValueError
    except ValueError:
        raise Refused("这台设备给出的订阅不完整，请再试一次") from None


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_key(key: str) -> str:
    """The public point of the site's private key, base64url: what a browser subscribes with."""
    point = derive_private_key(int.from_bytes(_bytes(key), "big"), SECP256R1()).public_key()
    return _text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def new_key() -> str:
    """A fresh private key for ``LINJU_PUSH_KEY``, base64url of its 32 bytes."""
    return _text((secrets.randbelow(_ORDER - 1) + 1).to_bytes(32, "big"))
