"""Public ids: random, so that nobody can guess or count them."""

from __future__ import annotations

import secrets

from core import clock

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 16


def new_id() -> str:
    """16 characters: three for the day, which keeps index pages warm, and thirteen random ones (65 bits)."""
    day = int(clock.now().timestamp()) // 86400
    head = ALPHABET[day >> 10 & 31] + ALPHABET[day >> 5 & 31] + ALPHABET[day & 31]
    number = secrets.randbits(65)
    tail = "".join([ALPHABET[number >> shift & 31] for shift in range(0, 65, 5)])
    return head + tail


def digits(count: int) -> str:
    """``count`` random decimal digits, for codes that people read aloud."""
    return f"{secrets.randbelow(10**count):0{count}d}"
