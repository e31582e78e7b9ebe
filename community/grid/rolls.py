"""Reading an estate's roll (花名册, 台账) out of a workbook, without touching the database.

Nothing is half-read: a row becomes a `RollRow`, or a `Refusal` that keeps the whole row to be mended and read again.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from community.grid.addresses import (
    DEFAULT_WORD,
    Address,
    AddressError,
    join_address,
    label_block,
    names_building,
    parse_address,
    parse_block,
)
from community.grid.roll_rows import HOUSEHOLD_FIELDS, Fault, Reason, RollRow, describes_person, read_row
from community.grid.roll_terms import DUPLICATE_HEADER, HOUSEHOLDER_WORDS, REQUIRED, VOCABULARY
from core.headers import Table, find_table, is_remark_row
from core.identity import is_nothing, narrow
from core.sheets import SheetError, open_sheets, write_workbook

__all__ = [
    "Doubt",
    "Fault",
    "Reason",
    "Refusal",
    "Roll",
    "RollRow",
    "Skipped",
    "explain",
    "read_roll",
    "refused_workbook",
    "summary",
]

PLACE_FIELDS = ("building", "unit", "door", "address")
REFUSED_HEADERS = ("未导入原因", DUPLICATE_HEADER, "原工作表", "原行号")
_TITLE = re.compile(r"(.+?)(?:小区)?(?:住户|居民|业主|人员|人口|家庭|党员)\S*(?:册|账|帐|表|登记|档案|信息)\S*")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken. `cells` is the whole row, its household's cells filled in, under `headers`.

    `reason` and `value` are those of the first of `faults`. `address` and `name` are what could be read of them.
    """

    sheet: str
    row: int
    faults: tuple[Fault, ...]
    address: Address | None
    name: str
    headers: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def reason(self) -> Reason:
        return self.faults[0].reason

    @property
    def value(self) -> str:
        return self.faults[0].value


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that holds neither a person nor a household: a remark, a heading, a stray cell."""

    sheet: str
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A row that was taken although something about it should be looked at; `message` says what, in Chinese."""

    sheet: str
    row: int
    message: str


@dataclass
class Roll:
    """What a file holds. `estate_hint` is the estate's name as the title or the file name has it.

    A flat of which every person was refused has a row without a name: the flat itself is beyond doubt.
    """

    rows: list[RollRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    estate_hint: str | None = None


def read_roll(data: bytes, filename: str) -> Roll:
    """Read all sheets that have a header. Raises SheetError when the file cannot be read at all."""
    roll = Roll()
    tables = [table for sheet in open_sheets(data, filename) if (table := find_table(sheet, VOCABULARY, REQUIRED))]
    if not tables:
        raise SheetError("没有找到表头，表头里要有姓名和门牌（或楼栋、房号）")
    seen: dict[str, RollRow] = {}
    for table in tables:
        if "name" not in table.columns and "householder" in table.columns:
            table.columns["name"] = table.columns.pop("householder")
        _SheetReading(table, roll, seen).run()
    _add_flats_of_refused(roll)
    _label_buildings(roll, tables)
    roll.estate_hint = _estate_hint(tables, filename)
    return roll


def explain(refusal: Refusal) -> str:
    """In Chinese, everything that is wrong with the row and how to mend it."""
    return "；".join(fault.message for fault in refusal.faults)


def summary(roll: Roll) -> dict[str, int | float]:
    """Counts of what was taken; a vacant flat is a household. `floor_area` in square metres, each household's once."""
    areas: dict[tuple[str, str, int | None, str], float] = {}
    for row in roll.rows:
        if row.floor_area is not None:
            areas.setdefault(row.address.key, row.floor_area)
    return {
        "buildings": len({row.address.block_key for row in roll.rows}),
        "units": len({(row.address.block_key, row.unit) for row in roll.rows if row.unit is not None}),
        "households": len({row.address.key for row in roll.rows}),
        "people": sum(1 for row in roll.rows if row.name),
        "party_members": sum(1 for row in roll.rows if row.is_party_member),
        "floor_area": round(math.fsum(areas.values()), 2),
    }


def refused_workbook(refused: Sequence[Refusal]) -> bytes:
    """The refused rows under their own headers with the reason beside each: mended, it is a roll to read again."""
    columns: dict[tuple[str, int], None] = {}
    for refusal in refused:
        columns |= dict.fromkeys(_column_keys(refusal.headers))
    for key in [key for key in columns if key[0] in REFUSED_HEADERS]:  # rows refused twice
        del columns[key]
    rows = []
    for refusal in refused:
        cells = dict(zip(_column_keys(refusal.headers), refusal.cells, strict=True))
        duplicate = next((fault.value for fault in refusal.faults if fault.reason == Reason.DUPLICATE_ID), "")
        rows.append([*(cells.get(key, "") for key in columns), explain(refusal), duplicate, refusal.sheet, refusal.row])
    return write_workbook("未导入的行", [*(name for name, _ in columns), *REFUSED_HEADERS], rows)


def _column_keys(headers: Sequence[str]) -> list[tuple[str, int]]:
    """Headers told apart where two columns are called the same."""
    counts: Counter[str] = Counter()
    keys = []
    for header in headers:
        keys.append((header, counts[header]))
        counts[header] += 1
    return keys


class _SheetReading:
    """One pass down a sheet, remembering the household above."""

    def __init__(self, table: Table, roll: Roll, seen: dict[str, RollRow]) -> None:
        self.table = table
        self.roll = roll
        self.seen = seen
        block = parse_block(table.sheet.name)
        self.context = table.sheet.name if block and (block.word or block.is_hamlet) else ""
        self.word = {"楼号": "号楼", "楼房号": "号楼", "幢": "幢", "幢号": "幢", "座": "座", "座号": "座"}.get(
            table.first_header("building"), ""
        )
        self.above: list[str] | None = None
        self.address: Address | None = None
        self.has_householder = False
        self.fault = Fault(Reason.ADDRESS, "", "没有门牌，请写成3栋1单元501")

    def run(self) -> None:
        """Read the rows under the header."""
        merged = self._merged_rows()
        for number, cells in self.table.body():
            if is_remark_row(cells) or self._is_stray(number, cells):
                continue
            carried = self._carry_down(cells)
            if not carried:
                self._locate(cells)
            elif self._is_second_householder(cells) and number not in merged:
                self._lose_place("户主一行没有门牌，请补上门牌")
                self._restore(cells)
            self._read(number, cells, carried)

    def _merged_rows(self) -> set[int]:
        places = {column for name in PLACE_FIELDS for column in self.table.columns.get(name, ())}
        return {
            self.table.sheet.row_number(index)
            for first, left, last, _ in self.table.sheet.merges
            if left in places
            for index in range(first + 1, last + 1)
        }

    def _place(self, cells: list[str]) -> tuple[str, str, str, str]:
        building, unit, door, address = (self.table.value(cells, name) for name in PLACE_FIELDS)
        return building, "" if is_nothing(unit) else unit, door, address

    def _is_stray(self, number: int, cells: list[str]) -> bool:
        """A heading such as 3栋 over its rows, a remark, or a numbered line that was never filled in."""
        filled = [narrow(cell) for cell in cells if cell.strip()]
        if describes_person(self.table, cells):
            return False
        if len(filled) == 1 and (block := parse_block(filled[0])) and (block.word or block.is_hamlet):
            self.context, self.above = filled[0], None
            return True
        placed = any(self._place(cells))
        if placed and (len(filled) > 1 or self._can_locate(cells)):
            return False
        if not all(text.isdigit() for text in filled):
            self.roll.skipped.append(Skipped(self.table.sheet.name, number, " ".join(filled)))
        if placed:
            self.above = cells
            self._lose_place("上面的门牌读不懂，请补上门牌")
        return True

    def _can_locate(self, cells: list[str]) -> bool:
        try:
            self._find_address(self._place(cells))
        except AddressError:
            return False
        return True

    def _carry_down(self, cells: list[str]) -> bool:
        """Fill in what the row leaves to the one above; tells whether it belongs to the same household."""
        place, above = self._place(cells), self.above
        if above is None:
            return False
        same_stairs = place[:2] == self._place(above)[:2] and any(place[:2])
        if not any(place) or (same_stairs and not place[2] and not place[3]):
            self._fill(cells, above, (*PLACE_FIELDS, *HOUSEHOLD_FIELDS))
            return True
        if not place[0] and not place[3] and not names_building(place[2]):
            self._fill(cells, above, ("building",) if place[1] else ("building", "unit"))
        return False

    def _fill(self, cells: list[str], above: list[str], fields: Sequence[str]) -> None:
        for name in fields:
            for column in self.table.columns.get(name, ()):
                cells[column] = cells[column] if cells[column].strip() else above[column]

    def _locate(self, cells: list[str]) -> None:
        """A row with an address of its own begins a household (or goes on with the last one by name)."""
        self.above, before = cells, self.address
        try:
            self.address, from_context = self._find_address(self._place(cells))
        except AddressError as error:
            _, _, door, written = self._place(cells)
            self.address, self.fault = None, Fault(Reason.ADDRESS, door or written, str(error))
            return
        if self.address != before:
            self.has_householder = False
        if from_context:  # so that the row stands alone, away from its sheet
            column = (self.table.columns.get("address") or self.table.columns["door"])[0]
            cells[column] = self.address.text()

    def _find_address(self, place: tuple[str, str, str, str]) -> tuple[Address, bool]:
        building, unit, door, written = place
        text = door or written
        if building:
            return join_address(building, unit, text, self.word), False
        if self.context and not names_building(text):
            return join_address(self.context, unit, text), True
        return parse_address(text), False

    def _is_second_householder(self, cells: list[str]) -> bool:
        return self.has_householder and self.table.value(cells, "relation") in HOUSEHOLDER_WORDS

    def _lose_place(self, message: str) -> None:
        self.address, self.fault = None, Fault(Reason.ADDRESS, "", message)

    def _restore(self, cells: list[str]) -> None:
        """Take back an address that was carried down to a household it does not belong to."""
        for name in (*PLACE_FIELDS, *HOUSEHOLD_FIELDS):
            for column in self.table.columns.get(name, ()):
                cells[column] = ""
        self.above = cells

    def _read(self, number: int, cells: list[str], carried: bool) -> None:
        address = self.address or Address("", "")
        row, faults = read_row(self.table, cells, number, address)
        if self.address is None:
            faults.insert(0, self.fault)
        elif carried and not row.name and not faults:
            return
        if not faults and row.id_number:
            self._check_duplicate(row, row.id_number, self.table.value(cells, "known_duplicate"), faults)
        self.has_householder |= self.table.value(cells, "relation") in HOUSEHOLDER_WORDS
        if faults:
            self.roll.refused.append(
                Refusal(row.sheet, number, tuple(faults), self.address, row.name, self.table.headers, tuple(cells))
            )
            return
        self.roll.rows.append(row)
        if row.id_number:
            self.seen.setdefault(row.id_number, row)

    def _check_duplicate(self, row: RollRow, id_number: str, known: str, faults: list[Fault]) -> None:
        """One person twice is refused; two names over one number are two people, one of whom has it wrong."""
        first = self.seen.get(id_number)
        where = (
            f"第{first.row}行"
            if first and first.sheet == row.sheet
            else f"“{first.sheet}”第{first.row}行"
            if first
            else ""
        )
        if known == id_number or (first and first.name == row.name):
            message = f"身份证号与{where or '已导入的一行'}重复，请删去一行"
            faults.append(Fault(Reason.DUPLICATE_ID, id_number, message))
        elif first:
            row.id_contested = first.id_contested = True
            message = f"身份证号与{where}相同，姓名不同，请核对"
            self.roll.doubts.append(Doubt(row.sheet, row.row, message))


def _add_flats_of_refused(roll: Roll) -> None:
    known = {row.address.key for row in roll.rows}
    for refusal in roll.refused:
        if refusal.address and refusal.address.key not in known:
            known.add(refusal.address.key)
            roll.rows.append(RollRow(refusal.sheet, refusal.row, refusal.address))


def _label_buildings(roll: Roll, tables: list[Table]) -> None:
    """Call every building what the estate calls it: the word written most often for it, else for its neighbours."""
    words: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in roll.rows:
        words[row.address.block_key][row.address.word] += bool(row.address.word)
    for table in tables:
        if block := parse_block(table.sheet.name):
            words[block.block_key][block.word] += bool(block.word)
    usual = sum(words.values(), Counter()).most_common(1)
    default = usual[0][0] if usual and usual[0][1] else DEFAULT_WORD
    chosen = {key: count.most_common(1)[0][0] or default for key, count in words.items()}
    for row in roll.rows:
        row.building = label_block(row.address, chosen[row.address.block_key])


def _estate_hint(tables: list[Table], filename: str) -> str:
    for table in tables:
        if found := _TITLE.fullmatch(re.sub(r"\s", "", table.title)):
            return found[1]
    return PurePath(filename).stem
