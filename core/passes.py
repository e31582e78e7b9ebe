"""Short-lived passes: a signed text that lets whoever stands before a screen do one thing, for some minutes.

A pass is shown as a QR code. It says what it is for and until when it holds, and cannot be made up or changed without
the key of the settings; who uses it is known from the sign-in, not from the pass.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import segno
from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from markupsafe import Markup

from core import clock


class Expired(Exception):
    """The pass was good and is over."""


class Pass(NamedTuple):
    """A pass: the text that goes into an address, and when it ends."""

    text: str
    until: datetime


def issue(kind: str, subject_id: str, minutes: int) -> Pass:
    """A pass of a kind for a subject."""
    until = (clock.now() + timedelta(minutes=minutes)).replace(microsecond=0)
    return Pass(str(_signer(kind).dumps([subject_id, int(until.timestamp())])), until)


def read(kind: str, text: str) -> str | None:
    """The subject of a pass; None for one that nobody issued for this kind. Raises ``Expired``."""
    try:
        subject_id, until = _signer(kind).loads(text)
    except (BadData, TypeError, ValueError):
        return None
    if datetime.fromtimestamp(until, UTC) < clock.now():
        raise Expired
    return str(subject_id)


def _signer(kind: str) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=f"pass:{kind}")


def picture(address: str) -> Markup:
    """An address as a QR code to be put into a page, in the colours of the text, without a style of its own."""
    code = segno.make(address, error="m")
    return Markup(code.svg_inline(scale=8, border=2, svgclass="qr", lineclass=None, omitsize=True))
