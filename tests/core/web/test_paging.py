"""Cursors come back as they were, and nothing else is taken for one."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.paging import BadCursor, decode, encode, page_of

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(MOMENTS, st.dates(), TEXTS, st.integers(-(2**53), 2**53))
def test_a_cursor_comes_back(moment: datetime, day: date, text: str, number: int) -> None:
    cursor = encode([moment, day, text, number])
    assert decode(cursor, [datetime, date, str, int]) == [moment, day, text, number]
    assert cursor.replace("-", "").replace("_", "").isalnum()


def made(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "none", "é", "====", "\0", made(None), made(7), made({}), made("ab"), made([]), made(["a"]),
        made([["t"], "a"]),
        made([["t", 7], "a"]), made([["t", "yesterday"], "a"]), made([["t", "2026-11-18T10:00:00"], "a"]),
        made([[], "a"]), made([["d", "2026-11-18"], "a"]), made([["d", "2026-11-31"], "a"]), made([["d", 7], "a"]),
        made([["x", "a"], "a"]), made([[["d"], "2026-11-18"], "a"]),
        made([["t", "0001-01-01T00:00:00+14:00"], "a"]), made([["t", "2026-11-18T10:00:00Z"], 7]),
        made([["t", "2026-11-18T10:00:00Z"], "a", "b"]), made([["t", "2026-11-18T10:00:00Z"], "a\0"]),
        made([True, "a"]),
    ],
)  # fmt: skip
def test_what_is_no_cursor_of_ours(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode(cursor, [datetime, str])


def test_a_page_knows_whether_another_follows() -> None:
    rows = list(range(4))
    page = page_of(rows, 3, lambda row: [row])
    assert page.items == [0, 1, 2]
    assert decode(page.next_cursor or "", [int]) == [2]
    assert page_of(rows[:3], 3, lambda row: [row]).next_cursor is None
    assert page_of([], 3, lambda row: [row]).next_cursor is None
