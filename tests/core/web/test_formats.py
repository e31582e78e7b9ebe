"""The wording of times and amounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from core import clock
from core.web import formats

NOW = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)  # a Sunday, 14:05 in Shanghai


@pytest.fixture(autouse=True)
def fixed_clock() -> Iterator[None]:
    clock.set_now(NOW)
    yield
    clock.set_now(None)


def at(year: int, month: int, day: int, hour: int = 15, minute: int = 0) -> datetime:
    return clock.from_local(datetime(year, month, day, hour, minute))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (at(2026, 11, 22), "今天 15:00"),
        (at(2026, 11, 22, 0, 4), "今天 0:04"),
        (at(2026, 11, 21, 23, 59), "昨天 23:59"),
        (at(2026, 11, 23, 9, 5), "明天 9:05"),
        (at(2026, 11, 24), "周二 15:00"),
        (at(2026, 11, 28), "周六 15:00"),
        (at(2026, 11, 29), "11月29日 周日 15:00"),
        (at(2026, 11, 20), "11月20日 周五 15:00"),
        (at(2025, 11, 22), "2025年11月22日 15:00"),
        (date(2026, 11, 23), "明天"),
        (None, ""),
    ],
)
def test_when(moment: datetime | date | None, text: str) -> None:
    assert formats.when(moment) == text


def test_new_year_is_near_before_it_is_another_year() -> None:
    clock.set_now(at(2026, 12, 31, 23, 30))
    assert formats.when(at(2027, 1, 1, 8)) == "明天 8:00"
    assert formats.when(at(2027, 1, 20, 8)) == "2027年1月20日 8:00"


def test_dates() -> None:
    assert formats.date_zh(date(2026, 11, 22)) == "11月22日 周日"
    assert formats.date_zh(date(2026, 11, 22), full=True) == "2026年11月22日"
    assert formats.date_zh(datetime(2026, 11, 21, 16, tzinfo=UTC)) == "11月22日 周日"
    assert formats.date_zh(None) == formats.clock_time(None) == formats.relative_day(None) == formats.iso(None) == ""
    assert formats.iso(NOW) == "2026-11-22T14:05+08:00"
    assert formats.iso(date(2026, 11, 22)) == "2026-11-22"


def test_time_range() -> None:
    assert formats.time_range(at(2026, 11, 22, 14), at(2026, 11, 22, 16)) == "今天 14:00–16:00"
    assert formats.time_range(at(2026, 11, 22, 22), at(2026, 11, 23, 1)) == "今天 22:00–明天 1:00"
    assert formats.time_range(at(2026, 11, 22, 14), None) == "今天 14:00"
    assert formats.time_range(None, at(2026, 11, 22, 16)) == "今天 16:00 之前"
    assert formats.time_range(None, None) == ""


@pytest.mark.parametrize(
    ("minutes", "words", "hours"),
    [
        (0, "0分钟", "0"),
        (45, "45分钟", "0.8"),
        (60, "1小时", "1"),
        (90, "1小时30分", "1.5"),
        (-90, "-1小时30分", "-1.5"),
        (48750, "812小时30分", "812.5"),
        (77160, "1286小时", "1,286"),
        (None, "", "0"),
    ],
)
def test_amounts_of_time(minutes: int | None, words: str, hours: str) -> None:
    assert formats.minutes_zh(minutes) == words
    assert formats.hours_decimal(minutes) == hours


def test_numbers() -> None:
    assert formats.thousands(1286) == "1,286"
    assert formats.thousands(None) == "0"
    assert formats.percent(0.954) == "95.4%"
    assert formats.percent(1) == "100.0%"
    assert formats.percent(None) == "—"


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (timedelta(minutes=17, seconds=40), ("ok", "剩 17分")),
        (timedelta(minutes=10), ("ok", "剩 10分")),
        (timedelta(minutes=9, seconds=59), ("soon", "剩 9分")),
        (timedelta(seconds=5), ("soon", "剩 1分")),
        (timedelta(0), ("late", "超时 1分")),
        (timedelta(minutes=-12), ("late", "超时 12分")),
        (timedelta(hours=-3, minutes=-59), ("late", "超时 3小时")),
        (timedelta(days=-2), ("late", "超时 2天")),
        (timedelta(hours=23, minutes=59), ("ok", "剩 23小时")),
        (timedelta(days=4), ("ok", "剩 4天")),
    ],
)
def test_remaining(gap: timedelta, expected: tuple[str, str]) -> None:
    assert formats.remaining(NOW + gap, NOW) == expected
    assert formats.remaining(NOW + gap) == expected


def test_remaining_takes_its_own_measure_of_soon() -> None:
    assert formats.remaining(NOW + timedelta(hours=20), NOW, soon=timedelta(days=1)).kind == "soon"


def test_filters_are_registered() -> None:
    app = Flask(__name__)
    formats.register(app)
    with app.app_context():
        line = app.jinja_env.from_string("{{ n|mask_name }} {{ m|minutes_zh }} {{ d|when }}")
        assert line.render(n="沈桂兰", m=90, d=NOW) == "沈** 1小时30分 今天 14:05"
