"""The roll of a team, and the skills and hours in its free text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sheets import SheetError
from volunteers.registry.availability import Window, merge_windows, parse_hours
from volunteers.registry.rolls import read_volunteer_roll
from volunteers.registry.skills import SKILLS, parse_skills, skill_name

ROLLS = Path(__file__).parents[3] / "data" / "rolls"
MORNING, AFTERNOON, EVENING, ALL_DAY = (480, 720), (840, 1080), (1110, 1260), (480, 1260)


def windows(days: str, *times: tuple[int, int]) -> list[Window]:
    return [Window(int(day), *time) for day in days for time in times]


def test_the_teams_roll_comes_in_whole() -> None:
    expected = json.loads((ROLLS / "expected.json").read_text("utf-8"))["志愿者名册.xlsx"]
    roll = read_volunteer_roll((ROLLS / "志愿者名册.xlsx").read_bytes(), "志愿者名册.xlsx")
    assert (roll.team_hint, len(roll.rows)) == (expected["team"], expected["volunteers"])
    assert not roll.refused
    assert not any(row.unclear_skills or row.unclear_hours for row in roll.rows)
    first = roll.rows[0]
    assert (first.name, first.row, first.phones, first.team) == ("袁德志", 3, ["19800000001"], "巾帼志愿队")
    assert (first.skills, first.is_party_member, first.address) == (["shopping", "legal"], True, "2栋1单元1002")
    assert first.windows == windows("01234", EVENING)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("工作日晚上", windows("01234", EVENING)),
        ("周六上午;周三晚上", [Window(2, *EVENING), Window(5, *MORNING)]),
        ("周六上午、周三晚上", [Window(2, *EVENING), Window(5, *MORNING)]),
        ("随叫随到", windows("0123456", ALL_DAY)),
        ("周一至周五上午", windows("01234", MORNING)),
        ("周末全天", windows("56", ALL_DAY)),
        ("周末", windows("56", ALL_DAY)),
        ("每天下午", windows("0123456", AFTERNOON)),
        ("周二、周四 14:00-17:00", windows("13", (840, 1020))),
        ("周一三五晚上7点到9点", windows("024", (1140, 1260))),
        ("星期天上午9点半至11点", windows("6", (570, 660))),
        ("周五至周一晚上", windows("0456", EVENING)),
        ("周六上午、下午", windows("5", MORNING, AFTERNOON)),
        ("工作日晚上7点以后", windows("01234", (1140, 1260))),
        ("周三上午；每天全天", windows("0123456", ALL_DAY)),
        ("", []),
    ],
)
def test_hours(text: str, expected: list[Window]) -> None:
    assert parse_hours(text) == (expected, "")


@pytest.mark.parametrize("text", ["看孙子放学", "下班后", "周六上午要带孙子", "周三 17:00-14:00", "周三 99:00-100:00"])
def test_hours_that_are_not_understood_are_kept(text: str) -> None:
    assert parse_hours(text) == ([], text)
    assert parse_hours(f"周六上午；{text}") == ([Window(5, *MORNING)], text)


@given(st.text(alphabet="周一三五六日天至上午晚全每工作日末、；-:0129点半 后", max_size=20))
def test_no_text_breaks_the_hours(text: str) -> None:
    found, _ = parse_hours(text)
    assert found == merge_windows(found)
    assert all(0 <= window.weekday <= 6 and 0 <= window.start_minute < window.end_minute <= 1440 for window in found)


@pytest.mark.parametrize(
    ("text", "codes", "unclear"),
    [
        ("助老购物、法律咨询", ["shopping", "legal"], ""),
        ("会理发，量血压", ["haircut", "blood_pressure"], ""),
        ("保洁/清扫", ["cleaning"], ""),
        ("理发和陪诊服务", ["haircut", "clinic_company"], ""),
        ("心理陪伴；修无人机", ["listening"], "修无人机"),
        ("无", [], ""),
    ],
)
def test_skills(text: str, codes: list[str], unclear: str) -> None:
    assert parse_skills(text) == (codes, unclear)


def test_every_skill_is_understood_by_its_own_name() -> None:
    for code, name in SKILLS.items():
        assert parse_skills(name) == ([code], "")
        assert skill_name(code) == name
        assert len(code) <= 30


def test_rows_that_cannot_be_taken_are_told_with_the_reason() -> None:
    rows = [
        "姓名,手机,身份证号,特长,时间",
        "喻书,1380000,,理发,周末",
        ",13800000000,,理发,周末",
        "李红,13800000000,430299199609280141,,",
        "魏实航,13800000001,43029919960928014x,,",
        "魏实航,13800000001,43029919960928014X,,",
        "赵章,13800000002,4.30299E+17,,",
        "合计,,,,",
    ]
    roll = read_volunteer_roll("\n".join(rows).encode("gb18030"), "队伍.csv")
    reasons = ["phone", "name", "id_checksum", "duplicate_id", "id_lost_precision"]
    assert [refusal.reason for refusal in roll.refused] == reasons
    assert [refusal.row for refusal in roll.refused] == [2, 3, 4, 6, 7]
    assert [row.name for row in roll.rows] == ["魏实航"]


def test_a_file_without_volunteers_is_refused() -> None:
    with pytest.raises(SheetError, match="表头"):
        read_volunteer_roll("甲,乙\n1,2\n".encode(), "a.csv")
