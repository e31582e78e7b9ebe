"""Workbooks in the layout of a ledger: merged title, unit, days and maker above a header that stays in sight, totals
and a line to sign below, A4 across with the header on every page. Rows go through to the disk as they come.
"""

from __future__ import annotations

import re
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from core.web.formats import date_zh
from services.reports.papers import Paper
from services.reports.tables import Cell, Table
from services.reports.wording import Percent

A4 = 9
HEADER = 2
NARROWEST, WIDEST = 6, 50
LEAST = 76
"""Characters that all columns together take at the least, so that title and signatures find room above few of them."""


def write(paper: Paper, target: Any) -> None:
    """Write a workbook of one sheet a table to a path or a binary file."""
    with xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": paper.title, "author": paper.maker, "company": paper.unit})
        styles = _styles(book)
        for table in paper.tables:
            _sheet(book.add_worksheet(re.sub(r"[\[\]:*?/\\']", "", table.name)[:31]), paper, table, styles)


def _styles(book: Any) -> dict[str, Any]:
    grid = {"border": 1, "border_color": "#7F8A83", "valign": "vcenter"}
    kinds = {
        "title": {"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"},
        "about": {"font_size": 10, "valign": "vcenter"},
        "header": {**grid, "bold": True, "text_wrap": True, "bg_color": "#E9EDE8", "align": "center"},
        "text": {**grid, "num_format": "@", "text_wrap": True},
        "whole": {**grid, "num_format": "#,##0"},
        "tenth": {**grid, "num_format": "#,##0.0"},
        "percent": {**grid, "num_format": "0.0%"},
        "none": {**grid, "align": "right"},
    }
    styles = {name: book.add_format(values) for name, values in kinds.items()}
    sums = {f"{name}+": book.add_format({**values, "bold": True}) for name, values in kinds.items()}
    return styles | sums


def _sheet(sheet: Worksheet, paper: Paper, table: Table, styles: dict[str, Any]) -> None:
    width = len(table.columns)
    widths = [min(max(column.width, NARROWEST), WIDEST) for column in table.columns]
    stretch = max(1, LEAST / sum(widths))
    for n, wide in enumerate(widths):
        sheet.set_column(n, n, wide * stretch)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.6, right=0.6, top=0.7, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, HEADER)
    sheet.freeze_panes(HEADER + 1, 0)
    sheet.set_footer("&C第&P页，共&N页")
    sheet.set_row(0, 30)
    _across(sheet, 0, width, f"{paper.unit}{table.title}", styles["title"])
    about = (
        f"单位：{table.unit}　　期间：{table.days}　　制表：{paper.maker}　　日期：{date_zh(paper.made_at, full=True)}"
    )
    _across(sheet, 1, width, about, styles["about"])
    for n, column in enumerate(table.columns):
        sheet.write_string(HEADER, n, column.title, styles["header"])
    row = HEADER
    for row, cells in enumerate(table.rows, HEADER + 1):
        for n, value in enumerate(cells):
            _cell(sheet, (row, n), value, styles, table.columns[n].kind)
    totals = table.totals or (["合计", f"{row - HEADER}条"] if table.is_list else [])
    row += 1
    for n in range(width if totals else 0):
        _cell(sheet, (row, n), totals[n] if n < len(totals) else "", styles, table.columns[n].kind, "+")
    row += bool(totals)
    for note in table.notes:
        _across(sheet, row, width, f"说明：{note}", styles["about"])
        row += 1
    sheet.set_row(row, 28)
    _across(
        sheet,
        row,
        width,
        f"负责人：　　　　　　　　审核：　　　　　　　　制表：{paper.maker}　　　　　　　　日期：",
        styles["about"],
    )


def _across(sheet: Worksheet, row: int, width: int, text: str, style: Any) -> None:
    if width > 1:
        sheet.merge_range(row, 0, row, width - 1, "", style)
    sheet.write_string(row, 0, text, style)


def _cell(
    sheet: Worksheet, at: tuple[int, int], value: Cell, styles: dict[str, Any], kind: str, suffix: str = ""
) -> None:
    """Numbers as numbers, everything else as text: long numbers keep every digit and nothing is ever computed."""
    if isinstance(value, Percent):
        sheet.write_number(*at, float(value), styles["percent" + suffix])
    elif isinstance(value, float):
        sheet.write_number(*at, value, styles["tenth" + suffix])
    elif isinstance(value, int):
        sheet.write_number(*at, value, styles["whole" + suffix])
    else:
        sheet.write_string(*at, value or "", styles[("none" if kind == "number" else "text") + suffix])
