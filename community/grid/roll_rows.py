"""One row of a roll: what its cells say of a person and the household, and what is wrong with them."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from community.grid.addresses import Address
from community.grid.roll_terms import (
    CARE_HEADER,
    HOUSEHOLDER_WORDS,
    VACANT,
    is_yes,
    occupancy_of,
)
from core import clock
from core.headers import Table, plain_header
from core.identity import (
    EARLIEST_BIRTH,
    PARTY_CODES,
    POLITICAL_STATUSES,
    IdNumberError,
    PhoneError,
    Sex,
    id_birth_date,
    id_sex,
    is_name,
    is_nothing,
    narrow,
    parse_id_number,
    political_status_of,
    sex_of,
    split_phones,
)
from core.sheets import lost_precision

__all__ = ["HOUSEHOLD_FIELDS", "PERSON_FIELDS", "Fault", "Reason", "RollRow", "describes_person", "read_row"]

HOUSEHOLD_FIELDS = ("householder", "occupancy", "floor_area", "residents_count")
"""Fields that are true of the whole household, and so of its further rows that leave them empty."""

PERSON_FIELDS = ("id_number", "phone", "relation", "birth_date")
"""Fields that only a person has: with one of them filled, a row without a name is missing it."""

_LANDLINE = re.compile(r"\(?0\d{2,3}\)?[- ]?\d{7,8}(?!\d)")
_EXCEL_EPOCH = date(1899, 12, 30)


class Reason(StrEnum):
    """Why a row was refused."""

    ID_CHECKSUM = "id_checksum"
    ID_LOST_PRECISION = "id_lost_precision"
    PHONE = "phone"
    DUPLICATE_ID = "duplicate_id"
    ADDRESS = "address"
    NAME = "name"
    BIRTH_DATE = "birth_date"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a row: the cell's text and, in Chinese, how to mend it."""

    reason: Reason
    value: str
    message: str


@dataclass(slots=True)
class RollRow:
    """One person of a household, or a household of which nobody is named (`name` is empty).

    `row` is the number that Excel shows. `building` is the estate's own name for it (3栋, 樟树屋场), `floor_area` is in
    square metres. `political_code` is a code of GB/T 4762, None when the text is not known. `id_contested`
    tells that another person of the file has the same ID number under another name: it must not identify either alone.
    """

    sheet: str
    row: int
    address: Address
    building: str = ""
    name: str = ""
    relation: str = ""
    is_householder: bool = False
    is_owner: bool = False
    sex: Sex = Sex.UNKNOWN
    id_number: str | None = None
    id_contested: bool = False
    birth_date: date | None = None
    phones: list[str] = field(default_factory=list)
    political_code: str | None = None
    political_status: str = ""
    is_party_member: bool = False
    occupancy: str = ""
    care: str = ""
    floor_area: float | None = None
    residents_count: int | None = None
    note: str = ""

    @property
    def building_number(self) -> int | None:
        """3 for 3栋; None for lettered buildings and hamlets."""
        return self.address.building_number

    @property
    def unit(self) -> int | None:
        """The stairwell unit, None in an estate without units."""
        return self.address.unit

    @property
    def door(self) -> str:
        """The door as written, leading zeros kept."""
        return self.address.door

    @property
    def is_vacant(self) -> bool:
        """Whether the roll says that nobody lives there."""
        return self.occupancy == VACANT

    @property
    def is_person(self) -> bool:
        """Whether the row names anybody."""
        return bool(self.name)


def describes_person(table: Table, cells: list[str]) -> bool:
    """Whether a row says anything of a person."""
    return any(not is_nothing(table.value(cells, name)) for name in ("name", *PERSON_FIELDS))


def read_row(table: Table, cells: list[str], number: int, address: Address) -> tuple[RollRow, list[Fault]]:
    """Read a row whose household is known. The row counts only when there are no faults."""
    faults: list[Fault] = []
    row = RollRow(table.sheet.name, number, address)
    _read_household(row, table, cells)
    _read_name(row, table, cells, faults)
    if row.name or faults:
        _read_id_number(row, table.value(cells, "id_number"), faults)
        _read_phones(row, table, cells, faults)
        _read_birth_date(row, table.value(cells, "birth_date"), faults)
        _read_standing(row, table, cells)
    return row, faults


def _read_household(row: RollRow, table: Table, cells: list[str]) -> None:
    row.occupancy = occupancy_of(table.value(cells, "occupancy"))
    row.floor_area = _number(table.value(cells, "floor_area"))
    count = _number(table.value(cells, "residents_count"))
    row.residents_count = int(count) if count is not None else None
    row.note = "；".join(table.values(cells, "note"))


def _read_name(row: RollRow, table: Table, cells: list[str], faults: list[Fault]) -> None:
    text = table.value(cells, "name")
    if is_nothing(text) and not table.value(cells, "relation"):
        text = table.value(cells, "householder")
    aside = re.search(r"\(([^)]*)\)$", text)
    plain = re.sub(r"[•‧.](?=[\u4e00-\u9fff])", "·", text[: aside.start()] if aside else text)
    plain = re.sub(r"\s+", "" if re.search(r"[\u4e00-\u9fff]", plain) else " ", plain).strip()
    if is_nothing(plain) or occupancy_of(plain) == VACANT:
        row.occupancy = row.occupancy or (VACANT if plain and occupancy_of(plain) == VACANT else "")
        if describes_person(table, cells) and any(table.value(cells, name) for name in PERSON_FIELDS):
            faults.append(Fault(Reason.NAME, text, "没有姓名，请补上姓名"))
        return
    if not is_name(plain):
        several = re.search(r"[、,/;]", plain)
        message = "一行只填一个人，请分成几行" if several else f"姓名“{text}”不对，请核对"
        faults.append(Fault(Reason.NAME, text, message))
        return
    row.name = plain
    if aside and aside[1]:
        row.note = "；".join(filter(None, [row.note, aside[1]]))


def _read_id_number(row: RollRow, text: str, faults: list[Fault]) -> None:
    if is_nothing(text):
        return
    if lost_precision(text):
        message = "身份证号被表格变成了数字，后几位已丢失，请按文本重填18位"
        faults.append(Fault(Reason.ID_LOST_PRECISION, text, message))
        return
    try:
        row.id_number = parse_id_number(text)
    except IdNumberError as error:
        reason = Reason.BIRTH_DATE if error.bad_date else Reason.ID_CHECKSUM
        faults.append(Fault(reason, text, str(error)))


def _read_phones(row: RollRow, table: Table, cells: list[str], faults: list[Fault]) -> None:
    """Mobile numbers; a landline is no fault, it is kept in the note."""
    for text in table.values(cells, "phone"):
        if lost_precision(text):
            faults.append(Fault(Reason.PHONE, text, "手机号被表格变成了数字，请按文本重填11位"))
            continue
        landlines = _LANDLINE.findall(text)
        try:
            row.phones += [phone for phone in split_phones(_LANDLINE.sub("/", text)) if phone not in row.phones]
        except PhoneError as error:
            faults.append(Fault(Reason.PHONE, text, str(error)))
        if landlines:
            row.note = "；".join(filter(None, [row.note, "座机" + "、".join(landlines)]))


def _read_birth_date(row: RollRow, text: str, faults: list[Fault]) -> None:
    """The ID number's date wins; a column that tells month or year alone is not a date and not a fault."""
    if row.id_number:
        row.birth_date = id_birth_date(row.id_number)
        return
    if is_nothing(text) or re.fullmatch(r"(\d{4})[年./-]?((0?[1-9]|1[0-2])月?)?", text):
        return
    try:
        born = _parse_date(text)
    except ValueError:
        faults.append(Fault(Reason.BIRTH_DATE, text, f"出生日期“{text}”读不懂，请写成1960-01-31"))
        return
    if not EARLIEST_BIRTH <= born <= clock.today():
        faults.append(Fault(Reason.BIRTH_DATE, text, f"出生日期“{text}”不对，请核对"))
        return
    row.birth_date = born


def _parse_date(text: str) -> date:
    if re.fullmatch(r"[1-6]\d{4}", text):  # a date cell that lost its format is a count of days
        return _EXCEL_EPOCH + timedelta(days=int(text))
    found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text) or re.fullmatch(
        r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?(?: .*)?", text
    )
    if not found:
        raise ValueError(text)
    return date(int(found[1]), int(found[2]), int(found[3]))


def _read_standing(row: RollRow, table: Table, cells: list[str]) -> None:
    row.relation = re.sub(r"\s", "", table.value(cells, "relation"))
    heads_name = table.value(cells, "householder")
    row.is_owner = table.first_header("name").startswith(("业主", "产权人", "房主"))
    alone = "relation" not in table.columns and (row.is_owner or table.first_header("name").startswith("户主"))
    row.is_householder = row.relation in HOUSEHOLDER_WORDS or alone or (not row.relation and heads_name == row.name)
    row.sex = id_sex(row.id_number) if row.id_number else sex_of(table.value(cells, "sex"))
    code, row.political_status = political_status_of(table.value(cells, "political_status"))
    membership = table.value(cells, "party_member")
    if code not in PARTY_CODES and is_yes(membership):
        code = "02" if "预备" in membership else "01"
        row.political_status = POLITICAL_STATUSES[code]
    row.political_code = code
    row.is_party_member = code in PARTY_CODES
    row.care = "、".join([*table.values(cells, "care"), *_ticked_care(table, cells)])


def _ticked_care(table: Table, cells: list[str]) -> list[str]:
    ticked = []
    for column in table.columns.get("care_flag", ()):
        header = CARE_HEADER.fullmatch(plain_header(table.headers[column]))
        if header and is_yes(cells[column]):
            ticked.append(header[1])
    return ticked


def _number(text: str) -> float | None:
    found = re.match(r"\d+(?:\.\d+)?", narrow(text).replace(",", ""))
    return float(found.group()) if found else None
