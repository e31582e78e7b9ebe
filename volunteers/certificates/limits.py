"""A gentle brake on guessing: so many failed looks from one address, then a pause of minutes.

Each process counts for itself and forgets at a restart; a number has 35 random bits, so this only spares the database.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from flask import abort, current_app, request

BURST = 30
REFILL_SECONDS = 10.0
KEPT = 10_000


class Brake:
    """A bucket of tries for each address; a try comes back every ``REFILL_SECONDS``."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, address: str) -> float:
        """The tries that an address has left."""
        tries, at = self._left.get(address, (float(BURST), time.monotonic()))
        return min(float(BURST), tries + (time.monotonic() - at) / REFILL_SECONDS)

    def take(self, address: str) -> None:
        """Count one try."""
        self._left[address] = self.left(address) - 1, time.monotonic()
        self._left.move_to_end(address)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)


def _brake() -> Brake:
    found: Brake = current_app.extensions.setdefault("linju.certificate_brake", Brake())
    return found


def check() -> None:
    """Refuse whoever has failed too often with 429."""
    if _brake().left(request.remote_addr or "") < 1:
        abort(429)


def count() -> None:
    """One more failed look, or one more file to compare."""
    _brake().take(request.remote_addr or "")
