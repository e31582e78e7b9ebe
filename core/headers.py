"""Finding the header of a sheet that people keep by hand, wherever it stands and whatever its columns are called."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.identity import narrow
from core.sheets import Sheet

__all__ = ["SEARCH_ROWS", "Table", "find_table", "is_remark_row", "plain_header"]

SEARCH_ROWS = 15
"""Rows at the top of a sheet among which the header is looked for."""

_NOISE = re.compile(r"\([^)]*\)|\[[^\]]*\]|[\s*:：?？]+")
_REMARK = re.compile(r"(合计|总计|小计|共计|累计|本页合计|填表|制表|审核|填报|说明|注[::]|备注[::]).*")


@dataclass(frozen=True)
class Table:
    """A sheet with its header understood. `columns` maps a field to the columns that hold it, in order."""

    sheet: Sheet
    header_index: int
    headers: tuple[str, ...]
    columns: dict[str, list[int]]

    def values(self, row: list[str], field: str) -> list[str]:
        """The filled cells of a field, mended to half-width and trimmed."""
        found = (narrow(row[column]) for column in self.columns.get(field, ()) if column < len(row))
        return [value for value in found if value]

    def value(self, row: list[str], field: str) -> str:
        """The first filled cell of a field, or an empty text."""
        return next(iter(self.values(row, field)), "")

    def first_header(self, field: str) -> str:
        """The plain header of a field's first column, or an empty text."""
        columns = self.columns.get(field)
        return plain_header(self.headers[columns[0]]) if columns else ""

    @property
    def title(self) -> str:
        """The longest text above the header."""
        return max((narrow(cell) for row in self.sheet.rows[: self.header_index] for cell in row), key=len, default="")

    def body(self) -> list[tuple[int, list[str]]]:
        """Row number in Excel and cells of every row under the header that is not blank and not the header repeated."""
        width = len(self.headers)
        found = []
        for index in range(self.header_index + 1, len(self.sheet.rows)):
            cells = self.sheet.rows[index]
            if any(cells) and any(cell.strip() for cell in cells) and tuple(cells[:width]) != self.headers:
                padded = cells[:width] + [""] * (width - len(cells))
                found.append((self.sheet.row_number(index), padded))
        return found


def plain_header(text: str) -> str:
    """A header without brackets, units, stars, colons and spaces."""
    return _NOISE.sub("", narrow(text))


def is_remark_row(row: list[str]) -> bool:
    """Whether a row is a total or a signature line: its first filled cell says 合计, 填表人 and the like."""
    first = next((cell for cell in row if cell.strip()), "")
    return _REMARK.fullmatch(re.sub(r"\s", "", narrow(first))) is not None


def find_table(
    sheet: Sheet, vocabulary: Mapping[str, re.Pattern[str]], required: Collection[frozenset[str]], at_least: int = 2
) -> Table | None:
    """The header row that names the most fields.

    `vocabulary` gives for each field the pattern of a whole plain header; the first field that fits has the column.
    `required` names groups of fields, each of which must be there with one at least. None when no row will do.
    """
    best: Table | None = None
    for index in range(min(SEARCH_ROWS, len(sheet.rows))):
        row = sheet.rows[index]
        columns = _columns(row, vocabulary)
        if len(columns) < at_least or any(not group & columns.keys() for group in required):
            continue
        if best is None or len(columns) > len(best.columns):
            best = Table(sheet, index, tuple(row), columns)
    return best


def _columns(row: list[str], vocabulary: Mapping[str, re.Pattern[str]]) -> dict[str, list[int]]:
    columns: dict[str, list[int]] = {}
    for column, cell in enumerate(row):
        header = plain_header(cell)
        for field, pattern in vocabulary.items():
            if header and pattern.fullmatch(header):
                columns.setdefault(field, []).append(column)
                break
    return columns
