"""Service records of another system, read from a table (.csv, .xlsx) or from a JSON document of the same groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

import orjson

from core import clock
from core.headers import find_table, is_remark_row
from core.identity import narrow, normalise_id_number
from core.sheets import SheetError, open_sheets
from core.web.forms import clean
from volunteers.exchange.exporting import written
from volunteers.exchange.groups import SERVICE

MOST_ROWS = 5000
DAY = 1440
VOCABULARY: Mapping[str, re.Pattern[str]] = {
    "id_number": re.compile(r"(居民)?身份证(件)?(号|号码)?|证件号(码)?"),
    "volunteer_no": re.compile(r"(志愿者|会员|本地)?编号"),
    "national_no": re.compile(r"(全国|注册)志愿者(编)?号|注册号"),
    "name": re.compile(r"(志愿者)?(姓名|名字)"),
    "starts_at": re.compile(r"(服务)?(开始|起始|签到)(日期)?时间|(服务)?开始"),
    "ends_at": re.compile(r"(服务)?(结束|终止|签退)(日期)?时间|(服务)?结束"),
    "hours": re.compile(r"(服务)?(小时|小时数|时长小时|工时)"),
    "minutes": re.compile(r"(服务)?(时长|分钟|分钟数|时长分钟)"),
    "content": re.compile(r"(服务|项目|活动)(名称|内容|项目)|服务"),
    "record_no": re.compile(r"(服务)?记录(编)?号"),
}
_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M",
            "%Y年%m月%d日 %H:%M")  # fmt: skip


@dataclass
class RecordRow:
    """A record as it stands in the file and as it was understood; ``problem`` says why it cannot be taken."""

    number: int
    cells: list[str]
    name: str = ""
    id_number: str = ""
    volunteer_no: str = ""
    national_no: str = ""
    content: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    minutes: int = 0
    problem: str = ""


@dataclass
class RecordFile:
    """A file, read: its headers and rows."""

    headers: list[str]
    rows: list[RecordRow]


def read_records(data: bytes, filename: str) -> RecordFile:
    """The records of a file. Raises ``SheetError`` when it cannot be read, holds no records, or too many."""
    is_document = PurePath(filename).suffix.lower() == ".json" or data.lstrip(b"\xef\xbb\xbf \r\n")[:1] in (b"{", b"[")
    file = _document(data) if is_document else _table(data, filename)
    if not file.rows:
        raise SheetError("文件里没有服务记录")
    if len(file.rows) > MOST_ROWS:
        raise SheetError(f"一次最多导入{MOST_ROWS:,}条，请分成几份")
    return file


def _table(data: bytes, filename: str) -> RecordFile:
    for sheet in open_sheets(data, filename):
        table = find_table(sheet, VOCABULARY, (frozenset({"name"}), frozenset({"starts_at"})))
        if table is not None:
            unit = " ".join(table.headers[column] for column in table.columns.get("minutes", ()))
            rows = [
                _row(number, cells, {key: written(table.value(cells, key)) for key in VOCABULARY}, unit)
                for number, cells in table.body()
                if not is_remark_row(cells)
            ]
            return RecordFile(list(table.headers), rows)
    raise SheetError("没有找到表头，至少要有“姓名”“开始时间”，以及“证件号码”或“志愿者编号”")


def _document(data: bytes) -> RecordFile:
    try:
        found = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise SheetError("JSON 读不出来，请重新导出") from error
    groups = found if isinstance(found, dict) else {"service": found}
    services, people = groups.get("service"), groups.get("person")
    if not isinstance(services, list):
        raise SheetError("JSON 里没有 service 这一组")
    known = {}
    for person in people if isinstance(people, list) else []:
        if isinstance(person, dict) and person.get("volunteer_no"):
            known[_text(person["volunteer_no"])] = _text(person.get("id_number"))
    keys = [*SERVICE.fields, *(key for key in VOCABULARY if key not in SERVICE.fields)]
    rows = []
    for number, record in enumerate(services, 1):
        values = {key: _text(record.get(key)) for key in keys} if isinstance(record, dict) else dict.fromkeys(keys, "")
        cells = [values[key] for key in keys]
        if not values["id_number"]:
            values["id_number"] = known.get(values["volunteer_no"], "")
        rows.append(_row(number, cells, values, "分钟"))
    return RecordFile(keys, rows)


def _text(value: Any) -> str:
    return str(clean(narrow(str(value)))) if isinstance(value, (str, int, float)) and value is not True else ""


def _row(number: int, cells: Sequence[str], values: Mapping[str, str], unit: str) -> RecordRow:
    """A row understood as far as it goes; the first thing that is wrong becomes its problem."""
    row = RecordRow(
        number, list(cells), values["name"], normalise_id_number(values["id_number"]) or "",
        values["volunteer_no"].upper(), values["national_no"], values["content"][:60],
    )  # fmt: skip
    try:
        row.starts_at = _moment(values["starts_at"], "开始时间")
        row.ends_at = _moment(values["ends_at"], "结束时间") if values["ends_at"] else None
        row.minutes = _minutes(values, unit, row.starts_at, row.ends_at)
        row.ends_at = row.ends_at or row.starts_at + timedelta(minutes=row.minutes)
        row.problem = _problem(row, values["id_number"])
    except ValueError as error:
        row.problem = str(error)
    return row


def _moment(text: str, what: str) -> datetime:
    if not text:
        raise ValueError(f"没有{what}")
    plain = text.replace("T", " ").strip()
    try:
        aware = datetime.fromisoformat(text.strip())
        if aware.tzinfo is not None:
            return aware
    except ValueError:
        pass
    for form in _FORMATS:
        try:
            return clock.from_local(datetime.strptime(plain, form))  # noqa: DTZ007
        except ValueError:
            continue
    raise ValueError(f"{what}“{text[:30]}”读不懂，写成 2026-11-20 09:00 这样，要写到几点几分")


def _minutes(values: Mapping[str, str], unit: str, start: datetime, end: datetime | None) -> int:
    text, factor = values["minutes"], 1
    if values["hours"]:
        text, factor = values["hours"], 60
    elif "小时" in unit:
        factor = 60
    if not text:
        if end is None:
            raise ValueError("没有结束时间，也没有时长")
        return int((end - start) / timedelta(minutes=1))
    try:
        return round(float(text) * factor)
    except (ValueError, OverflowError):
        raise ValueError(f"时长“{text[:20]}”不是数字") from None


def _problem(row: RecordRow, id_number: str) -> str:
    assert row.starts_at and row.ends_at
    if not row.name:
        return "没有姓名"
    if not (row.id_number or row.volunteer_no or row.national_no):
        return "证件号码不对或被遮住了，也没有志愿者编号，认不出是谁" if id_number else "没有证件号码，也没有志愿者编号"
    if not row.content:
        return "没有服务名称"
    if not 1 <= row.minutes <= DAY:
        return "服务时长要在1到1440分钟之间"
    if row.ends_at < row.starts_at + timedelta(minutes=row.minutes):
        return "时长比开始到结束的时间还长"
    if row.ends_at > clock.now():
        return "结束时间还没有到"
    return "开始时间要在2000年以后" if clock.local(row.starts_at).year < 2000 else ""
