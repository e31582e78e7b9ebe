"""What a channel is given, and how it says that something went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

_SECRET = re.compile(r"https?://\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)*|\d{7,}[0-9Xx]?")


@dataclass(frozen=True)
class Parcel:
    """A message on its way through one channel. ``id`` is the same at every try, so that a gateway can know it again.

    ``text`` is the short text for text messages, robots and lock screens.
    """

    id: str
    message_id: str
    title: str
    body: str = ""
    link: str = ""
    text: str = ""
    urgent: bool = False


class Channel(Protocol):
    """A way out of the house.

    ``repeats``: the gateway knows a parcel again by its id, so that giving it twice does no harm. ``per_minute``: how
    many parcels a gateway takes in a minute, 0 for no limit. ``short``: it carries the short text and nothing else.
    """

    repeats: bool
    per_minute: int
    short: bool

    def deliver(self, parcel: Parcel, address: Any) -> str:
        """Hand a parcel over; what the gateway calls it. Raises a ``Trouble``, or whatever else went wrong."""
        ...


class Trouble(Exception):
    """Not handed over this time: to be tried again."""

    def __init__(self, text: str) -> None:
        super().__init__(discreet(text))


class Unsure(Trouble):
    """Sent, but no answer came: the gateway may have it or not."""


class Busy(Trouble):
    """The gateway takes no more for some seconds; that is no fault of the parcel."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = min(max(seconds, 1), 3600)


class Refused(Exception):
    """The gateway will never take this parcel."""

    def __init__(self, text: str) -> None:
        super().__init__(discreet(text))


class Gone(Exception):
    """The address is no more."""


def discreet(text: str) -> str:
    """A text from outside without addresses, long numbers and links, on one line, fit to be kept and shown."""
    return " ".join(_SECRET.sub("…", text).split())[:300]
