"""Rolls as estates keep them: the made-up ones in ``data/rolls`` and small ones for one habit each."""

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from community.grid.rolls import Reason, Roll, explain, read_roll, refused_workbook, summary
from core.identity import Sex
from core.sheets import SheetError, write_workbook

ROLLS = Path(__file__).parents[3] / "data" / "rolls"
EXPECTED = json.loads((ROLLS / "expected.json").read_text("utf-8"))
HEADER = ["楼栋", "单元", "房号", "姓名", "与户主关系", "身份证号", "联系电话", "居住情况"]
ID_A, ID_B = "43029919960928014X", "430299194808100436"


def read(*rows: list[Any], header: list[str] = HEADER, filename: str = "名册.csv") -> Roll:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return read_roll(text.getvalue().encode(), filename)


def refusals(roll: Roll) -> list[tuple[int, str]]:
    return [(refusal.row, str(refusal.reason)) for refusal in roll.refused]


@pytest.mark.parametrize(
    ("filename", "seconds"), [("榕树花园.xlsx", 1.0), ("彩色水泥厂.xlsx", 1.0), ("山水国际.xlsx", 1.5)]
)
def test_the_counts_are_those_of_a_careful_reader(filename: str, seconds: float) -> None:
    data, expected = (ROLLS / filename).read_bytes(), EXPECTED[filename]
    started = time.process_time()
    roll = read_roll(data, filename)
    assert time.process_time() - started < seconds
    counts = summary(roll)
    for name, value in expected.items():
        if name == "households_at_least":
            assert counts["households"] >= value
        elif name not in ("estate", "refused"):
            assert counts[name] == value
    assert [(row.row, str(row.reason)) for row in roll.refused] == [
        (row["row"], row["reason"]) for row in expected["refused"]
    ]
    for refusal, row in zip(roll.refused, expected["refused"], strict=True):
        assert refusal.sheet == row.get("sheet", refusal.sheet)
    assert roll.estate_hint is not None
    assert expected["estate"].startswith(roll.estate_hint)


def test_a_person_of_the_first_roll() -> None:
    rows = {row.row: row for row in read_roll((ROLLS / "榕树花园.xlsx").read_bytes(), "榕树花园.xlsx").rows}
    head, wife = rows[4], rows[5]
    assert (head.building, head.building_number, head.unit, head.door) == ("1栋", 1, 1, "101")
    assert (head.name, head.is_householder, head.sex, head.phones) == ("魏实航", True, Sex.FEMALE, ["19900000002"])
    assert (head.political_code, head.is_party_member, head.occupancy) == ("01", True, "自住")
    assert (wife.address, wife.relation, wife.occupancy, wife.is_householder) == (head.address, "配偶", "自住", False)
    assert rows[10].phones == ["19900000011", "19800000017"]
    assert (rows[207].is_vacant, rows[207].is_person, rows[207].building) == (True, False, "7栋")


def test_doors_owners_and_sheets_of_the_other_rolls() -> None:
    owner = read_roll((ROLLS / "山水国际.xlsx").read_bytes(), "山水国际.xlsx").rows[0]
    assert (owner.building, owner.door, owner.is_owner, owner.is_householder) == ("1号楼", "0101", True, True)
    assert (owner.floor_area, owner.residents_count, owner.phones) == (110.9, 4, ["19800000001"])
    roll = read_roll((ROLLS / "彩色水泥厂.xlsx").read_bytes(), "彩色水泥厂.xlsx")
    assert {row.building for row in roll.rows} == {f"{number}栋" for number in range(1, 15)}
    assert [(row.sheet, row.row) for row in roll.skipped] == [("14栋", 51)]


def test_two_names_over_one_number_are_two_people_to_look_at() -> None:
    roll = read(["3栋", "1单元", "101", "喻书", "户主", ID_A, "", ""], ["", "", "", "李红", "女", ID_A, "", ""])
    assert not roll.refused
    assert [row.id_contested for row in roll.rows] == [True, True]
    assert [doubt.row for doubt in roll.doubts] == [3]


def test_everything_wrong_with_a_row_is_told_at_once() -> None:
    roll = read(["3栋", "1单元", "101", "喻书", "户主", "430299199609280141", "1380000", "自住"])
    (refusal,) = roll.refused
    assert refusal.reason == Reason.ID_CHECKSUM
    assert refusal.value == "430299199609280141"
    assert explain(refusal) == "身份证号校验不通过，请核对每一位；手机号要11位，您填了7位"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["不详", "", "", "喻书", "户主", "", "", ""], "address"),
        (["3栋", "", "", "喻书", "户主", "", "", ""], "address"),
        (["3栋", "1单元", "101", "", "户主", ID_A, "", ""], "name"),
        (["3栋", "1单元", "101", "喻书、李红", "户主", "", "", ""], "name"),
        (["3栋", "1单元", "101", "喻书", "户主", "4.30299E+17", "", ""], "id_lost_precision"),
        (["3栋", "1单元", "101", "喻书", "户主", ID_A[:15], "", ""], "id_checksum"),
        (["3栋", "1单元", "101", "喻书", "户主", "430299199902310140", "", ""], "id_checksum"),
        (["3栋", "1单元", "101", "喻书", "户主", "430299199902310141", "", ""], "birth_date"),
        (["3栋", "1单元", "101", "喻书", "户主", "", "1.99E+10", ""], "phone"),
    ],
)
def test_reasons(cells: list[str], reason: str) -> None:
    roll = read(cells)
    assert refusals(roll) == [(2, reason)]
    assert summary(roll)["people"] == 0


def test_merged_cells_are_carried_down_inside_buildings_units_and_households() -> None:
    roll = read(
        ["3栋", "1单元", "101", "喻书", "户主", "", "", "租住"],
        ["", "", "", "李红", "配偶", "", "", ""],
        ["", "", "102", "魏实航", "户主", "", "", ""],
        ["", "2单元", "101", "朱琴怡", "户主", "", "", ""],
        ["4栋", "1单元", "101", "水青文", "户主", "", "", ""],
        ["4栋", "1单元", "", "赵章", "配偶", "", "", ""],
    )
    assert not roll.refused
    doors = [(row.building, row.unit, row.door) for row in roll.rows]
    assert doors == [("3栋", 1, "101")] * 2 + [("3栋", 1, "102"), ("3栋", 2, "101")] + [("4栋", 1, "101")] * 2
    assert [row.occupancy for row in roll.rows] == ["租住", "租住", "", "", "", ""]


def test_the_household_of_a_row_that_cannot_be_placed_is_not_moved_next_door() -> None:
    roll = read(
        ["3栋", "1单元", "101", "喻书", "户主", "", "", ""],
        ["不详", "", "", "魏实航", "户主", "", "", ""],
        ["", "", "", "李红", "配偶", "", "", ""],
        ["3栋", "1单元", "102", "赵章", "户主", "", "", ""],
        ["", "", "", "朱琴怡", "户主", "", "", ""],
        ["", "", "", "水青文", "配偶", "", "", ""],
    )
    assert refusals(roll) == [(3, "address"), (4, "address"), (6, "address"), (7, "address")]
    assert [row.name for row in roll.rows] == ["喻书", "赵章"]


def test_a_household_whose_only_person_is_refused_stays_a_household() -> None:
    roll = read(["3栋", "1单元", "101", "喻书", "户主", "", "1380000", "自住"])
    assert summary(roll)["households"] == 1
    assert [(row.name, row.door, row.is_vacant) for row in roll.rows] == [("", "101", False)]


def test_totals_remarks_headings_and_repeated_headers_are_no_people() -> None:
    roll = read(
        ["3栋", "", "", "", "", "", "", ""],
        ["3栋", "1单元", "101", "喻书", "户主", "", "", "自住"],
        HEADER,
        ["", "", "", "", "", "", "", ""],
        ["3栋", "1单元", "102", "", "", "", "", "空置"],
        ["小 计", "", "", "1人", "", "", "", ""],
        ["总计", "", "", "1人", "", "", "", ""],
        ["填表人：张三", "", "", "", "", "", "", ""],
    )
    assert not roll.refused
    counts = summary(roll)
    assert (counts["households"], counts["people"], counts["buildings"]) == (2, 1, 1)


def test_other_words_in_the_header_and_a_title_above() -> None:
    header = [
        "序号",
        "家庭住址",
        "户主姓名",
        "成员姓名",
        "称谓",
        "性别",
        "出生年月",
        "手机号码",
        "是否党员",
        "是否低保",
        "建筑面积（㎡）",
        "备注",
    ]
    data = write_workbook(
        "山水国际小区住户登记表",
        ["", "填报单位：五星社区"],
        [
            header,
            [
                1,
                "3号楼2单元501室",
                "喻 书",
                "喻 书",
                "户主",
                "男",
                "19480810",
                "０７３１-２８８８１２３４",
                "√",
                "",
                "98.5㎡",
                "独自",
            ],
            [2, "", "", "李红(租户)", "妻", "2", "1950年5月", "138 0000 0000", "", "是", "", ""],
        ],
    )
    roll = read_roll(data, "a.xlsx")
    assert roll.estate_hint == "山水国际"
    assert not roll.refused
    head, wife = roll.rows
    assert (head.name, head.sex, str(head.birth_date), head.is_party_member) == ("喻书", Sex.MALE, "1948-08-10", True)
    assert (head.phones, head.note, head.floor_area) == ([], "独自；座机0731-28881234", 98.5)
    assert (wife.name, wife.sex, wife.birth_date, wife.care) == ("李红", Sex.FEMALE, None, "低保")
    assert (wife.phones, wife.note, wife.floor_area) == (["13800000000"], "租户", 98.5)
    assert summary(roll)["floor_area"] == 98.5


def test_hamlets_and_a_building_named_by_its_sheet() -> None:
    hamlet = read(["樟树屋场5号", "喻书"], header=["住址", "姓名"])
    assert [(row.building, row.door, row.unit) for row in hamlet.rows] == [("樟树屋场", "5", None)]
    inside = read(["2-501", "喻书"], ["", "李红1"], header=["门牌", "姓名"], filename="3号楼.csv")
    assert [(row.building, row.unit, row.door) for row in inside.rows] == [("3号楼", 2, "501")]
    assert inside.refused[0].cells[0] == "3号楼2单元501"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_roll_in_either_encoding(encoding: str) -> None:
    text = "楼栋,房号,姓名\n3栋,501,喻书\n"
    assert read_roll(text.encode(encoding), "a.csv").rows[0].name == "喻书"


def test_a_sheet_without_a_header_is_refused() -> None:
    with pytest.raises(SheetError, match="表头"):
        read_roll("甲,乙\n1,2\n".encode(), "a.csv")


@pytest.mark.parametrize("filename", ["榕树花园.xlsx", "彩色水泥厂.xlsx"])
def test_refused_rows_come_back_the_same_until_they_are_mended(filename: str) -> None:
    first = read_roll((ROLLS / filename).read_bytes(), filename)
    again = read_roll(refused_workbook(first.refused), "未导入.xlsx")
    assert [refusal.reason for refusal in again.refused] == [refusal.reason for refusal in first.refused]
    assert [refusal.address for refusal in again.refused] == [refusal.address for refusal in first.refused]
    once_more = read_roll(refused_workbook(again.refused), "未导入.xlsx")
    assert once_more.refused[0].headers == again.refused[0].headers
    assert [explain(refusal) for refusal in once_more.refused] == [explain(refusal) for refusal in again.refused]


def test_a_mended_workbook_of_refused_rows_is_a_roll() -> None:
    first = read_roll((ROLLS / "榕树花园.xlsx").read_bytes(), "榕树花园.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(refused_workbook(first.refused)))
    sheet = book.worksheets[0]
    headers = [cell.value for cell in sheet[2]]
    assert headers[-4:] == ["未导入原因", "重复的身份证号", "原工作表", "原行号"]
    id_column, phone_column = headers.index("身份证号") + 1, headers.index("联系电话") + 1
    for row in range(3, sheet.max_row + 1):
        if "身份证号" in sheet.cell(row, headers.index("未导入原因") + 1).value:
            sheet.cell(row, id_column).value = None
        else:
            sheet.cell(row, phone_column).value = f"138 0000 {row:04}"
    saved = io.BytesIO()
    book.save(saved)
    mended = read_roll(saved.getvalue(), "未导入.xlsx")
    assert not mended.refused
    assert [row.name for row in mended.rows] == [refusal.name for refusal in first.refused]
    assert [row.address for row in mended.rows] == [refusal.address for refusal in first.refused]
    member = next(row for row in mended.rows if row.relation == "配偶")
    assert member.occupancy
