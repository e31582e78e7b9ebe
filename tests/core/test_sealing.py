"""Sealed fields open with the right key in the right column, and in no other way."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sealing import SealBroken, Sealer

SEALER = Sealer(b"k" * 32)


@given(st.text(max_size=60))
def test_what_is_sealed_opens_again(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    sealed = SEALER.seal(text, "person.id_number")
    assert SEALER.open(sealed, "person.id_number") == text
    assert sealed.isascii()


def test_sealing_twice_looks_different_and_the_index_the_same() -> None:
    assert SEALER.seal("19900000001", "a") != SEALER.seal("19900000001", "a")
    assert SEALER.index("19900000001", "a") == SEALER.index("19900000001", "a")
    assert SEALER.index("19900000001", "a") != SEALER.index("19900000001", "b")
    assert SEALER.index("19900000001", "a") != Sealer(b"o" * 32).index("19900000001", "a")
    assert "19900000001" not in SEALER.seal("19900000001", "a")


def test_another_column_or_key_does_not_open_it() -> None:
    sealed = SEALER.seal("43029919960928014X", "a")
    for sealer, column in ((SEALER, "b"), (Sealer(b"o" * 32), "a")):
        with pytest.raises(SealBroken):
            sealer.open(sealed, column)


@given(st.integers(0, 45))
def test_a_changed_byte_is_noticed(position: int) -> None:
    raw = bytearray(base64.b64decode(SEALER.seal("43029919960928014X", "a")))
    raw[position] ^= 1
    with pytest.raises(SealBroken):
        SEALER.open(base64.b64encode(raw).decode(), "a")


@pytest.mark.parametrize("text", ["", "x", "%%%", "AAAA", "中文"])
def test_what_was_never_sealed(text: str) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(text, "a")
