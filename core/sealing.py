"""Sealed fields: AES-256-GCM at rest, and a keyed index so that an exact value can still be looked up.

The associated data names the column, so that a sealed value copied into another column does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class SealBroken(Exception):
    """A sealed value does not open: wrong key, wrong column or changed bytes."""


class Sealer:
    """Seals and opens texts under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(hashlib.sha256(b"linju seal\0" + key).digest())
        self._index_key = hashlib.sha256(b"linju index\0" + key).digest()

    def seal(self, text: str, column: str) -> str:
        """The sealed form of ``text`` for ``column``, printable."""
        nonce = os.urandom(12)
        return base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), column.encode())).decode()

    def open(self, sealed: str, column: str) -> str:
        """The text again. Raises ``SealBroken``."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return self._aead.decrypt(raw[:12], raw[12:], column.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(column) from error

    def index(self, text: str, column: str) -> str:
        """A keyed digest, equal for equal texts of one column, useless without the key."""
        return hmac.new(self._index_key, f"{column}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]


_sealer: Sealer | None = None


def use_key(key: bytes) -> None:
    """Set the key of this process (done once by ``create_app``)."""
    global _sealer
    _sealer = _sealer_for(key)


@lru_cache(maxsize=4)
def _sealer_for(key: bytes) -> Sealer:
    return Sealer(key)


def sealer() -> Sealer:
    """The sealer of this process."""
    if _sealer is None:
        raise RuntimeError("no seal key set")
    return _sealer
