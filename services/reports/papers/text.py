"""CSV, line by line: any number of rows in no more memory than one takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from core.web.formats import date_zh
from services.reports.papers import Paper
from services.reports.tables import Cell

BOM = "\ufeff"
"""Tells spreadsheets how the text is encoded."""


def lines(paper: Paper) -> Iterator[str]:
    """The tables of a paper one under the other, each with its title, and how many rows a list has."""
    yield BOM + _line([paper.title])
    yield _line([f"单位：{paper.unit}", f"期间：{paper.days}", f"制表：{paper.maker}",
                 f"日期：{date_zh(paper.made_at, full=True)}"])  # fmt: skip
    for table in paper.tables:
        if len(paper.tables) > 1:
            yield _line([])
            yield _line([table.title])
        yield _line([column.title for column in table.columns])
        count = 0
        for count, row in enumerate(table.rows, 1):  # noqa: B007 - the last number is how many there were
            yield _line(row)
        if table.totals or table.is_list:
            yield _line(table.totals or ["合计", f"{count}条"])
        for note in table.notes:
            yield _line([f"说明：{note}"])


def _line(cells: Sequence[Cell]) -> str:
    """One line; a text that a spreadsheet would calculate is disarmed."""
    out = io.StringIO()
    csv.writer(out).writerow([
        "'" + cell if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else str(cell or "")
        if not isinstance(cell, (int, float)) else str(cell)
        for cell in cells
    ])  # fmt: skip
    return out.getvalue()
