"""A volunteer's record as a PDF: a ledger on A4 across, with the header on every page, sums and a line to sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pylopdf_fonts_zh_cn as fonts
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from core import clock
from core.web.formats import date_zh, hours_decimal, thousands
from volunteers.hours.exports import Record, state_of

COLUMNS = (
    ("序号", 12, "C"), ("日期", 24, "L"), ("起止", 26, "L"), ("服务内容", 50, "L"), ("服务地点", 50, "L"),
    ("分钟", 15, "R"), ("组织单位", 48, "L"), ("负责人", 20, "L"), ("说明", 22, "L"),
)  # fmt: skip
LEFT, TOP, BOTTOM, LINE, SIZE = 15.0, 14.0, 188.0, 5.4, 9.5
INK, QUIET, RULE, SHADE = (26, 33, 29), (88, 98, 92), (127, 138, 131), (239, 239, 239)
MAX_LINES = 3
RULES = "时长按实际服务的分钟数记录，不含路途；更正过的以更正后为准，全部明细见电子表格。"


class _Paper(FPDF):
    """Pages that begin with the title and the heads of the columns, and end with their number."""

    def __init__(self, record: Record) -> None:
        super().__init__(format="A4", orientation="landscape")
        self._record = record
        self.broken: dict[tuple[str, float], list[str]] = {}
        self.set_auto_page_break(False)
        self.set_margins(LEFT, TOP)
        self.set_title(f"志愿服务记录 {record.ledger.name}")
        self.set_lang("zh-CN")
        self.add_font("sans", fname=fonts.sans_path())
        self.add_font("serif", fname=fonts.serif_path())

    def header(self) -> None:
        """The title, whose record it is, and the heads."""
        one = self._record.ledger
        self.set_text_color(*INK)
        self.set_xy(LEFT, TOP)
        self.set_font("serif", size=17)
        self.cell(0, 9, "志愿服务记录", align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("sans", size=SIZE)
        about = f"{one.name}　编号 {one.number}　{one.estate_name}　{self._record.period}　单位：分钟"
        self.cell(0, 7, about, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_fill_color(*SHADE)
        self.set_draw_color(*RULE)
        for name, width, align in COLUMNS:
            self.cell(width, 7, name, border=1, align=align, fill=True)
        self.set_xy(LEFT, self.get_y() + 7)

    def footer(self) -> None:
        """The number of the page."""
        self.set_xy(LEFT, 197)
        self.set_font("sans", size=9)
        self.set_text_color(*QUIET)
        self.cell(0, 6, f"—{self.page_no()}—", align="C")


def draw(record: Record) -> bytes:
    """The pages."""
    pdf = _Paper(record)
    pdf.add_page()
    entries = record.standing
    for n, entry in enumerate(entries, 1):
        _row(pdf, _cells(n, entry))
    if not entries:
        _row(pdf, ["", "", "", "这段时间没有服务记录", "", "0", "", "", ""])
    total = f"{len(entries)}次，{hours_decimal(record.minutes)}小时"
    _row(pdf, ["合计", "", "", total, "", thousands(record.minutes), "", "", ""])
    _honours(pdf, record)
    _foot(pdf, record)
    return bytes(pdf.output())


def _cells(n: int, entry: Any) -> list[str]:
    start, end = clock.local(entry.starts_at), clock.local(entry.ends_at)
    note = "，".join(filter(None, (state_of(entry), entry.note if entry.corrects_id else "")))
    return [
        str(n), start.date().isoformat(), f"{start:%H:%M}–{end:%H:%M}", entry.content, entry.place,
        str(entry.minutes), entry.body, entry.in_charge, note,
    ]  # fmt: skip


def _lines(pdf: _Paper, text: str, width: float) -> list[str]:
    """A text broken where the column ends, three lines at most; most texts come again and again."""
    known = pdf.broken.get((text, width))
    if known is None:
        known = pdf.broken[text, width] = _break(pdf, text.replace("\n", " "), width)
    return known


def _break(pdf: FPDF, text: str, width: float) -> list[str]:
    if pdf.get_string_width(text) <= width - 2.4:
        return [text]
    lines, line = [], ""
    for char in text:
        if line and pdf.get_string_width(line + char) > width - 2.4:
            lines.append(line)
            line = ""
        line += char
    lines.append(line)
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1] = lines[MAX_LINES - 1][:-1] + "…"
    return lines[:MAX_LINES]


def _row(pdf: _Paper, cells: Sequence[str]) -> None:
    pdf.set_font("sans", size=SIZE)
    pdf.set_text_color(*INK)
    broken = [_lines(pdf, text, width) for text, (_, width, _) in zip(cells, COLUMNS, strict=True)]
    height = LINE * max(len(lines) for lines in broken) + 1.2
    if pdf.get_y() + height > BOTTOM:
        pdf.add_page()
        pdf.set_font("sans", size=SIZE)
        pdf.set_text_color(*INK)
    pdf.set_draw_color(*RULE)
    x, y = LEFT, pdf.get_y()
    for lines, (_, width, align) in zip(broken, COLUMNS, strict=True):
        pdf.rect(x, y, width, height)
        for n, line in enumerate(lines):
            pdf.set_xy(x, y + 0.6 + n * LINE)
            pdf.cell(width, LINE, line, align=align)
        x += width
    pdf.set_xy(LEFT, y + height)


def _text(pdf: FPDF, text: str, align: str = "L") -> None:
    if pdf.get_y() + 7 > BOTTOM + 6:
        pdf.add_page()
    pdf.set_font("sans", size=SIZE + 0.5)
    pdf.set_text_color(*INK)
    pdf.cell(0, 7, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _honours(pdf: FPDF, record: Record) -> None:
    if record.honours:
        pdf.set_y(pdf.get_y() + 3)
        _text(pdf, "荣誉")
    for award in record.honours:
        _text(pdf, f"{date_zh(award.awarded_on, full=True)}　{award.name}　{award.body}")


def _foot(pdf: FPDF, record: Record) -> None:
    pdf.set_y(pdf.get_y() + 3)
    _text(pdf, f"累计{hours_decimal(record.ledger.minutes)}小时，{record.star_name}。" + RULES)
    made = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M")
    _text(pdf, f"导出时间 {made}　　　　记录单位核对（签字）：________________　　日期：____________", align="R")
