"""Workbooks in and out, the broken ones too."""

import io
import time
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from msoffcrypto.format.ooxml import OOXMLFile

from core import sheets
from core.sheets import SheetError, lost_precision, open_sheets, write_workbook


def workbook(rows: list[list[Any]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("名册")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


def test_cells_come_out_as_a_person_reads_them() -> None:
    rows = [[13800000000, 87.3, "0101", date(1980, 5, 12), True, None, 430299195612070120, "4.30299E+17"]]
    (sheet,) = open_sheets(workbook(rows), "a.xlsx")
    assert sheet.name == "名册"
    assert sheet.rows == [
        ["13800000000", "87.3", "0101", "1980-05-12", "是", "", "4.30299195612070E+17", "4.30299E+17"]
    ]
    assert [lost_precision(cell) for cell in sheet.rows[0]] == [False] * 6 + [True, True]


def test_row_numbers_are_as_excel_shows_them() -> None:
    (sheet,) = open_sheets(workbook([[], [], [], [None, "姓名"]]), "a.xlsx")
    assert [sheet.row_number(index) for index, row in enumerate(sheet.rows) if any(row)] == [4]
    assert sheet.rows[3] == ["", "姓名"]


def test_hidden_and_empty_sheets_are_left_out() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("空")
        book.add_worksheet("名册").write(0, 0, "姓名")
        hidden = book.add_worksheet("选项")
        hidden.write(0, 0, "男")
        hidden.hide()
    assert [sheet.name for sheet in open_sheets(buffer.getvalue(), "a.xlsx")] == ["名册"]


def test_merged_cells_are_told() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("名册").merge_range(1, 0, 3, 0, "101")
    (sheet,) = open_sheets(buffer.getvalue(), "a.xlsx")
    assert sheet.merges == [(1, 0, 3, 0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_in_the_encodings_of_the_country(encoding: str, mark: str) -> None:
    text = mark.join(["姓名", "房号"]) + "\r\n" + mark.join(["喻书", '="0101"']) + "\r\n"
    (sheet,) = open_sheets(text.encode(encoding), "名册.csv")
    assert sheet.rows == [["姓名", "房号"], ["喻书", "0101"]]
    assert sheet.name == "名册"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "big5", "shift_jis"])
def test_csv_in_another_encoding_is_refused(encoding: str) -> None:
    text = "姓名,楼棟,單元,房號,與戶主關係,聯絡電話\n" * 30 if encoding == "big5" else "姓名,房号,電話,住所\n" * 30
    if encoding == "shift_jis":
        text = "姓名,部屋番号,電話,住所,カタカナ\n" * 30
    with pytest.raises(SheetError, match="编码"):
        open_sheets(text.encode(encoding, "replace"), "a.csv")


def test_an_encrypted_workbook_says_to_take_the_password_off() -> None:
    encrypted = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook([["姓名"]]))).encrypt("secret", encrypted)
    with pytest.raises(SheetError, match="密码"):
        open_sheets(encrypted.getvalue(), "a.xlsx")


@pytest.mark.parametrize(
    ("data", "filename", "message"),
    [
        (b"", "a.xlsx", "空"),
        (b"  \n", "a.csv", "空"),
        (b"PK\x03\x04 not a workbook", "a.xlsx", "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "a.xls", "损坏"),
        (b"just,text", "a.xlsx", "损坏"),
        (b"<html><table></table></html>", "a.xls", "网页"),
        (b"name", "a.pdf", "只能读"),
        (b'a,"' + b"x" * 200_000, "a.csv", "引号"),
        (b",,\n,,\n", "a.csv", "没有内容"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(data: bytes, filename: str, message: str) -> None:
    with pytest.raises(SheetError, match=message) as caught:
        open_sheets(data, filename)
    assert caught.value.message_zh == str(caught.value)


def test_a_cut_off_workbook_is_broken() -> None:
    data = workbook([["姓名"] * 20] * 200)
    for cut in (100, len(data) // 2, len(data) - 30):
        with pytest.raises(SheetError, match="损坏"):
            open_sheets(data[:cut], "a.xlsx")


def test_a_damaged_part_inside_is_broken() -> None:
    data = bytearray(workbook([["姓名"] * 20] * 200))
    at = data.index(b"xl/worksheets/sheet1.xml") + 60
    data[at : at + 40] = b"\xff" * 40
    with pytest.raises(SheetError, match="损坏"):
        open_sheets(bytes(data), "a.xlsx")


def test_a_stray_cell_in_a_far_corner_does_not_fill_the_memory() -> None:
    for row, column in ((1_048_575, 0), (150_000, 16_383)):
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer) as book:
            book.add_worksheet().write(row, column, "x")
        with pytest.raises(SheetError):
            open_sheets(buffer.getvalue(), "a.xlsx")


def test_empty_formatted_cells_far_below_do_no_harm() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "姓名")
        sheet.write_blank(1_048_575, 16_383, None, book.add_format({"bold": True}))
    assert open_sheets(buffer.getvalue(), "a.xlsx")[0].rows == [["姓名"]]


def test_too_many_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 10)
    with pytest.raises(SheetError, match="超过10行"):
        open_sheets(b"a,b\n" * 11, "a.csv")
    with pytest.raises(SheetError, match="超过10行"):
        open_sheets(workbook([["x"]] * 11), "a.xlsx")
    monkeypatch.setattr(sheets, "MAX_BYTES", 10)
    with pytest.raises(SheetError, match="MB"):
        open_sheets(b"a,b\n" * 11, "a.csv")


def test_a_sheet_of_100_000_rows_is_read_in_seconds() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(100_000):
            sheet.write_row(row, 0, ["1栋", "1单元", "101", 19900000009, "喻书"])
    data = buffer.getvalue()
    started = time.process_time()
    (read,) = open_sheets(data, "a.xlsx")
    assert len(read.rows) == 100_000
    assert time.process_time() - started < 10


def test_what_is_written_opens_without_formulas_and_loses_nothing() -> None:
    rows = [["430299199609280141", "=1+1", "@x", "-1", "+86", "http://example.org", 12, 1.5, None, "0101"]]
    data = write_workbook("未导入: 的行", [f"列{n}" for n in range(10)], rows)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    cells = next(sheet.iter_rows(min_row=3))
    assert [cell.value for cell in cells] == rows[0]
    assert {cell.data_type for cell in cells if isinstance(cell.value, str)} == {"s"}
    assert sheet.freeze_panes == "A3"
    assert open_sheets(data, "a.xlsx")[0].rows[2][0] == "430299199609280141"
