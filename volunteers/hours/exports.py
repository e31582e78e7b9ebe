"""One's record of service as a workbook or a paper, and late records as a table. Each export leaves a trace."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import audit, clock
from core.access import Viewer
from core.audit import Subject
from core.sheets import write_workbook
from core.web.formats import date_zh, hours_decimal
from volunteers.honours import queries as honours
from volunteers.hours import late, queries
from volunteers.hours.models import SOURCES
from volunteers.hours.queries import Ledger
from volunteers.hours.stars import NAMES

HEADERS = ("序号", "日期", "开始", "结束", "服务内容", "服务地点", "实际时长（分钟）", "组织单位", "负责人", "来源",
           "说明", "记录日期", "状态")  # fmt: skip
LATE_HEADERS = ("情况", "服务日期", "志愿者", "编号", "服务内容", "地点", "分钟", "负责人", "记录日期", "已过工作日",
                "说明")  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True)
class Record:
    """A volunteer's record of a period: the entries oldest first, corrections and all, and the awards."""

    ledger: Ledger
    first: date | None
    last: date
    entries: Sequence[Any]
    honours: Sequence[Any]

    @property
    def standing(self) -> list[Any]:
        """Entries that stand: neither reversed nor reversals."""
        return [entry for entry in self.entries if entry.minutes > 0 and not entry.is_reversed]

    @property
    def minutes(self) -> int:
        """All minutes of the period."""
        return sum(entry.minutes for entry in self.entries)

    @property
    def period(self) -> str:
        """The period in words."""
        since = date_zh(self.first, full=True) if self.first else "登记以来"
        return f"{since}至{date_zh(self.last, full=True)}"

    @property
    def star_name(self) -> str:
        """The star reached by all that was ever given."""
        return NAMES[self.ledger.level]


def get_record(viewer: Viewer, volunteer_id: str, first: date | None, last: date | None) -> Record:
    """One's own record, or one within ``hours:read``. Raises ``NotFound``."""
    ledger = queries.get_ledger(viewer, volunteer_id, 1)
    start = clock.day_bounds(first)[0] if first else None
    end = clock.day_bounds(last)[1] if last else None
    entries = queries.every_entry(volunteer_id, start, end)
    return Record(ledger, first, min(last or clock.today(), clock.today()), entries, honours.list_honours(volunteer_id))


def note_export(viewer: Viewer, record: Record, kind: str) -> None:
    """Write down that a record was taken out. Caller commits."""
    subject = Subject("hours", record.ledger.volunteer_id, record.ledger.estate_id)
    details = {"kind": kind, "rows": len(record.entries), "period": record.period}
    audit.record(viewer.person_id, viewer.name, "export_hours", subject, details=details)


def state_of(entry: Any) -> str:
    """What became of an entry, or what it is, in a word."""
    if entry.reverses_id:
        return "冲销"
    if entry.is_reversed:
        return "已更正"
    return "更正后" if entry.corrects_id else "补记" if entry.recorded_late else ""


def _moment(moment: datetime) -> str:
    return clock.local(moment).strftime("%H:%M")


def _day(moment: datetime) -> str:
    return clock.local(moment).date().isoformat()


def workbook(record: Record) -> bytes:
    """The record as a workbook, every entry in it."""
    ledger = record.ledger
    rows: list[Sequence[object]] = [
        (
            n, _day(entry.starts_at), _moment(entry.starts_at), _moment(entry.ends_at), entry.content, entry.place,
            entry.minutes, entry.body, entry.in_charge, SOURCES.get(entry.source, ""), entry.note,
            _day(entry.recorded_at), state_of(entry),
        )
        for n, entry in enumerate(record.entries, 1)
    ]  # fmt: skip
    services, hours = f"{len(record.standing)}次", f"{hours_decimal(record.minutes)}小时"
    rows.append(("合计", "", "", "", services, "", record.minutes, hours))
    if record.honours:
        rows.append(())
    rows += [("荣誉", one.awarded_on.isoformat(), "", "", one.name, "", "", one.body) for one in record.honours]
    rows += [(), ("志愿者编号", ledger.number), ("所属小区", ledger.estate_name), ("星级", record.star_name),
             ("导出时间", clock.local(clock.now()).strftime("%Y-%m-%d %H:%M"))]  # fmt: skip
    return write_workbook(f"志愿服务记录 {ledger.name} {record.period}", HEADERS, rows)


def late_table(viewer: Viewer, estate: Any, start: datetime | None, end: datetime | None) -> bytes:
    """Missing and late records of an estate as CSV, marked UTF-8 as spreadsheets want it. Caller commits."""
    missing, recorded = late.list_missing([estate.id], 2000), late.every_late(estate.id, start, end)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(LATE_HEADERS)
    for one in missing:
        what = one.one
        cells: list[object] = ["漏录" if one.is_over else "未录", _day(what.began), what.volunteer_name, "",
                               what.content, what.place, "", "", "", one.elapsed, ""]  # fmt: skip
        writer.writerow([_plain(str(cell)) for cell in cells])
    for row in recorded:
        cells = ["迟录", _day(row.starts_at), row.name, row.number, row.content, row.place, row.minutes, row.in_charge,
                 _day(row.recorded_at), "", row.note]  # fmt: skip
        writer.writerow([_plain(str(cell)) for cell in cells])
    subject = Subject("hours", estate.id, estate.id)
    details = {"kind": "late", "rows": len(missing) + len(recorded)}
    audit.record(viewer.person_id, viewer.name, "export_hours", subject, details=details)
    return "\ufeff".encode() + text.getvalue().encode()


def _plain(cell: str) -> str:
    """No cell is taken for a formula."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
