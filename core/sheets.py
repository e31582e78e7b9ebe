"""Workbooks in and out: .xlsx, .xls and .csv as rows of text, and workbooks that open the same everywhere.

Cells come out as the text a person sees, row numbers as Excel shows them. A number of more than 15 digits has been
rounded by Excel itself; it comes out in scientific notation, and `lost_precision` recognises it.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

import msoffcrypto
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
from xlsxwriter.worksheet import Worksheet

__all__ = ["MAX_BYTES", "MAX_ROWS", "Merge", "Sheet", "SheetError", "lost_precision", "open_sheets", "write_workbook"]

MAX_BYTES = 50 * 1024 * 1024
MAX_ROWS = 200_000
MAX_CELLS = 8_000_000
"""Cells of one sheet's rectangle: a stray value in a far corner must not fill the memory."""
MAX_UNPACKED_BYTES = 600 * 1024 * 1024

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".csv", ".txt")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP_MAGIC = b"PK\x03\x04"
FAMILIAR_SHARE = 0.8
"""Share of the non-ASCII characters that GB 2312 knows in honest Chinese text; of a wrongly decoded one, about half."""

ROUNDED = re.compile(r"-?\d(?:\.\d+)?[Ee]\+?\d{1,3}")
_FAR_CELL = re.compile(rb'[<:]c r="(?:([A-Z]{2,3})(\d+)|[A-Z](\d{6,}))"[^>]*(?<!/)>')

Merge = tuple[int, int, int, int]


class SheetError(ValueError):
    """The file cannot be read at all; `message_zh` says what to do."""

    def __init__(self, message_zh: str) -> None:
        super().__init__(message_zh)
        self.message_zh = message_zh


@dataclass(frozen=True)
class Sheet:
    """One sheet. `rows[i]` is row `first_row + i` in Excel; merges are (top, left, bottom, right) indexes of `rows`."""

    name: str
    rows: list[list[str]]
    first_row: int = 1
    merges: list[Merge] = field(default_factory=list)

    def row_number(self, index: int) -> int:
        """The row number that Excel shows for `rows[index]`."""
        return self.first_row + index


def lost_precision(text: str) -> bool:
    """Whether a cell holds a long number that Excel has rounded, such as 4.30299195612E+17."""
    return ROUNDED.fullmatch(text.strip()) is not None


def open_sheets(data: bytes, filename: str) -> list[Sheet]:
    """The visible sheets with anything in them. Raises SheetError when the file cannot be read or is too large."""
    if not data.strip():
        raise SheetError("文件是空的，请重新选择")
    if len(data) > MAX_BYTES:
        raise SheetError(f"文件超过{MAX_BYTES // 1024 // 1024}MB，请分成几份再导入")
    if PurePath(filename).suffix.lower() not in SUFFIXES:
        raise SheetError("只能读 .xlsx、.xls 和 .csv 文件，请另存后再导入")
    packed = data.startswith((OLE_MAGIC, ZIP_MAGIC))
    found = _open_workbook(data) if packed else [_open_csv(data, PurePath(filename))]
    sheets = [sheet for sheet in found if any(any(row) for row in sheet.rows)]
    if not sheets:
        raise SheetError("表格里没有内容，请重新选择")
    return sheets


# Workbooks


def _open_workbook(data: bytes) -> list[Sheet]:
    if data.startswith(OLE_MAGIC):
        _refuse_encrypted(data)
    else:
        _refuse_oversized(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [
            _read_sheet(book, meta.name)
            for meta in book.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
        ]
    except (CalamineError, zipfile.BadZipFile, OSError) as error:
        raise SheetError("表格损坏，打不开。请用 Excel 或 WPS 打开后另存一份再导入") from error


def _refuse_encrypted(data: bytes) -> None:
    try:
        encrypted = msoffcrypto.OfficeFile(io.BytesIO(data)).is_encrypted()
    except Exception:  # any fault of the container shows again, with a better message, when the workbook is read
        return
    if encrypted:
        raise SheetError("表格设了打开密码，请去掉密码另存一份再导入")


def _refuse_oversized(data: bytes) -> None:
    """Look at the packed sheets before they are laid out in memory as full rectangles."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if sum(item.file_size for item in package.infolist()) > MAX_UNPACKED_BYTES:
                raise SheetError("表格内容太多，请分成几份再导入")
            for item in package.infolist():
                if item.filename.startswith("xl/worksheets/") and item.filename.endswith(".xml"):
                    _refuse_far_cells(package.read(item))
    except (zipfile.BadZipFile, zipfile.zlib.error, NotImplementedError, RuntimeError, EOFError) as error:  # type: ignore[attr-defined]
        raise SheetError("表格损坏，打不开。请用 Excel 或 WPS 打开后另存一份再导入") from error


def _refuse_far_cells(xml: bytes) -> None:
    last_row, last_column = 1, 26
    for letters, row, tall_row in _FAR_CELL.findall(xml):
        last_row = max(last_row, int(row or tall_row))
        if letters:
            column = 0
            for letter in letters:
                column = column * 26 + letter - 64
            last_column = max(last_column, column)
    if last_row > MAX_ROWS:
        raise SheetError(f"一张表超过{MAX_ROWS:,}行，请分成几份再导入")
    if last_row * last_column > MAX_CELLS:
        raise SheetError("表格太宽，请删去右侧和下方用不到的格子再导入")


def _read_sheet(book: CalamineWorkbook, name: str) -> Sheet:
    source = book.get_sheet_by_name(name)
    if source.end is not None and source.end[0] >= MAX_ROWS:
        raise SheetError(f"一张表超过{MAX_ROWS:,}行，请分成几份再导入")
    rows = [
        [value if type(value) is str else _text(value) for value in row]
        for row in source.to_python(skip_empty_area=False)
    ]
    merges = [(*first, *last) for first, last in source.merged_cell_ranges or []]
    return Sheet(name, rows, merges=merges)


def _text(value: object) -> str:
    """What a person reads in the cell."""
    match value:
        case str():
            return value
        case bool():
            return "是" if value else "否"
        case float() | int():
            if abs(value) >= 1e15:
                return f"{value:.14E}"
            return str(int(value)) if float(value).is_integer() else repr(value)
        case datetime():
            return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return "" if value is None else str(value)


# CSV


def _open_csv(data: bytes, filename: PurePath) -> Sheet:
    text = _decode(data)
    if re.match(r"\s*<(!doctype|html|table|\?xml)", text, re.IGNORECASE):
        raise SheetError("这个文件其实是网页，请用 Excel 或 WPS 打开后另存为 .xlsx")
    if filename.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        raise SheetError("表格损坏，打不开。请用 Excel 或 WPS 打开后另存一份再导入")
    head = text[:4000]
    delimiter = max(",\t;", key=head.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append([_unquote(cell) for cell in row])
            if len(rows) > MAX_ROWS:
                raise SheetError(f"一张表超过{MAX_ROWS:,}行，请分成几份再导入")
    except csv.Error as error:
        raise SheetError("CSV 文件里的引号或换行不对，请用 Excel 打开后另存为 .xlsx") from error
    return Sheet(filename.stem, rows)


def _decode(data: bytes) -> str:
    wrong = SheetError("文字编码读不出来，请另存为“CSV UTF-8”或 .xlsx 再导入")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise wrong
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        raise wrong from None
    foreign = [char for char in text[:20_000] if char > "\x7f"]
    familiar = sum(1 for char in foreign if _in_gb2312(char))
    if familiar < FAMILIAR_SHARE * len(foreign):
        raise wrong
    return text


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _unquote(cell: str) -> str:
    """Excel's own way to keep leading zeros in a CSV is ="0101"."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') else cell


# Writing


def write_workbook(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet: merged title, frozen header, one line a row.

    Texts stay texts, those that look like a formula, a number or a link too, so ID numbers keep every digit and
    nothing is ever computed. Numbers are written as numbers.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "constant_memory": False}) as book:
        styles = {
            "title": book.add_format({"bold": True, "font_size": 14, "align": "center", "valign": "vcenter"}),
            "header": book.add_format(
                {"bold": True, "border": 1, "text_wrap": True, "bg_color": "#EFEFEF", "num_format": "@"}
            ),
            "text": book.add_format({"num_format": "@"}),
        }
        sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", "", title)[:31] or "Sheet1")
        widths = [_width(header) for header in headers]
        if len(headers) > 1:
            sheet.merge_range(0, 0, 0, len(headers) - 1, "", styles["title"])
        sheet.write_string(0, 0, title, styles["title"])
        for column, header in enumerate(headers):
            sheet.write_string(1, column, header, styles["header"])
        for number, row in enumerate(rows, start=2):
            for column, value in enumerate(row):
                _write_cell(sheet, number, column, value, styles["text"])
                if column < len(widths):
                    widths[column] = max(widths[column], _width(str(value or "")))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(width + 2, 50), styles["text"])
        sheet.freeze_panes(2, 0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.repeat_rows(0, 1)
        sheet.fit_to_pages(1, 0)
    return buffer.getvalue()


def _width(text: str) -> int:
    """Columns that a text takes, a Chinese character two."""
    return sum(2 if char > "\u2e7f" else 1 for char in text)


def _write_cell(sheet: Worksheet, row: int, column: int, value: Any, text: object) -> None:
    if value is None or value == "":
        return
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, _text(value), text)
