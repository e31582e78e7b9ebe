"""PDF with Chinese fonts: the main figures, a drawn chart and every table, fit to print on A4."""

from __future__ import annotations

from collections.abc import Sequence

import pylopdf_fonts_zh_cn as fonts
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from core.web.formats import clock_time, date_zh
from services.reports import charts
from services.reports.papers import Paper, broken
from services.reports.tables import Table, shown

MARGIN, LINE = 18.0, 7.0
INK, QUIET, RULE, FILL = (26, 33, 29), (88, 98, 92), (127, 138, 131), (233, 237, 232)
BLUE, GREEN, BAR = (29, 79, 145), (46, 156, 134), (85, 128, 186)
WIDE_COLUMNS = 8


class _Pages(FPDF):
    """Pages with their number and what they are of at the foot."""

    def __init__(self, paper: Paper, orientation: str) -> None:
        super().__init__(orientation=orientation, format="A4")
        made = f"{date_zh(paper.made_at, full=True)} {clock_time(paper.made_at)}"
        self._about = f"{paper.title}　{paper.days}　制表 {paper.maker}　{made}"
        self.set_auto_page_break(True, 18)
        self.set_margin(MARGIN)
        self.set_title(paper.title)
        self.set_lang("zh-CN")
        self.add_font("sans", fname=fonts.sans_path())
        self.add_font("serif", fname=fonts.serif_path())

    def footer(self) -> None:
        """What stands at the foot of each page."""
        self.set_y(-13)
        self.set_font("sans", size=8)
        self.set_text_color(*QUIET)
        self.cell(0, 6, self._about, align="L")
        self.set_x(-MARGIN - 20)
        self.cell(20, 6, f"— {self.page_no()} —", align="R")


def draw(paper: Paper, trend: charts.Trend | None = None, bars: Sequence[charts.Bar] = ()) -> bytes:
    """The paper; a list of many columns lies across."""
    wide = max(len(table.columns) for table in paper.tables) > WIDE_COLUMNS
    pdf = _Pages(paper, "landscape" if wide else "portrait")
    pdf.add_page()
    _text(pdf, paper.title, 20, font="serif", align="C", line=11)
    _text(pdf, f"{paper.unit}　{paper.days}", 11, align="C", colour=QUIET)
    if paper.summary:
        pdf.ln(3)
        _text(pdf, "　　" + paper.summary, 11)
    if trend is not None:
        _trend(pdf, trend)
    if bars:
        _bars(pdf, bars)
    if paper.findings:
        _head(pdf, "需要跟进")
        for n, text in enumerate(paper.findings, 1):
            _text(pdf, f"{n}. {text}", 10.5)
    for table in paper.tables:
        _table(pdf, table)
    for note in dict.fromkeys(note for table in paper.tables for note in table.notes):
        _text(pdf, f"说明：{note}", 9, colour=QUIET)
    pdf.ln(6)
    _text(pdf, f"负责人：　　　　　　　　审核：　　　　　　　　制表：{paper.maker}", 10)
    return bytes(pdf.output())


def _text(
    pdf: FPDF, text: str, size: float, *, font: str = "sans", align: str = "L", line: float = LINE,
    colour: tuple[int, int, int] = INK,
) -> None:  # fmt: skip
    pdf.set_font(font, size=size)
    pdf.set_text_color(*colour)
    for part in broken(text, pdf.get_string_width, pdf.epw - 2 * pdf.c_margin):
        pdf.multi_cell(0, line, part, align=align, wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _head(pdf: FPDF, text: str) -> None:
    if pdf.get_y() > pdf.h - 50:
        pdf.add_page()
    pdf.ln(4)
    _text(pdf, text, 13, font="serif", line=9)


def _table(pdf: FPDF, table: Table) -> None:
    _head(pdf, table.title)
    rows = [[shown(cell) for cell in row] for row in table.rows]
    total = list(map(shown, table.totals or (["合计", f"{len(rows)}条"] if table.is_list else [])))
    total += [""] * (len(table.columns) - len(total))
    aligns = tuple(Align.R if column.kind == "number" else Align.L for column in table.columns)
    pdf.set_font("sans", size=9)
    pdf.set_text_color(*INK)
    pdf.set_draw_color(*RULE)
    pdf.set_line_width(0.2)
    pdf.set_fill_color(255, 255, 255)
    head = FontFace(fill_color=FILL, color=INK)
    with pdf.table(
        col_widths=tuple(column.width for column in table.columns), text_align=aligns, headings_style=head,
        line_height=5.5, wrapmode=WrapMode.CHAR, borders_layout=TableBordersLayout.ALL, padding=1,
    ) as drawn:  # fmt: skip
        drawn.row([column.title for column in table.columns])
        for row in rows:
            drawn.row(row)
        if any(total):
            drawn.row(total, style=FontFace(fill_color=FILL))


def _trend(pdf: FPDF, trend: charts.Trend) -> None:
    _head(pdf, "点单和完成的走势")
    _text(pdf, trend.says, 9.5, colour=QUIET)
    scale = pdf.epw / charts.WIDTH
    if pdf.get_y() + charts.HEIGHT * scale > pdf.h - 22:
        pdf.add_page()
    left, top = pdf.l_margin, pdf.get_y()

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * scale, top + y * scale

    pdf.set_line_width(0.2)
    pdf.set_draw_color(218, 224, 218)
    pdf.set_font("sans", size=8)
    for y, text in trend.ticks:
        pdf.line(*at(40, y), *at(652, y))
        _label(pdf, text, *at(34, y), "R")
    for x, text in trend.labels:
        _label(pdf, text, *at(x, 250), "C")
    for n, line in enumerate(trend.lines):
        colour = (BLUE, GREEN)[n % 2]
        pdf.set_draw_color(*colour)
        pdf.set_line_width(0.6)
        pdf.polyline([at(*point) for point in line.points])
        pdf.set_fill_color(255, 255, 255)
        for x, y in line.points:
            px, py = at(x, y)
            if n:
                pdf.rect(px - 0.8, py - 0.8, 1.6, 1.6, style="DF")
            else:
                pdf.ellipse(px - 0.9, py - 0.9, 1.8, 1.8, style="DF")
        pdf.set_text_color(*colour)
        x, y = at(658, line.label_y - 5)
        pdf.text(x, y + 1, f"{line.name} {line.last}")
    pdf.set_y(top + charts.HEIGHT * scale)


def _label(pdf: FPDF, text: str, x: float, y: float, align: str) -> None:
    pdf.set_text_color(*QUIET)
    width = pdf.get_string_width(text)
    pdf.text(x - (width if align == "R" else width / 2), y + 1, text)


def _bars(pdf: FPDF, bars: Sequence[charts.Bar]) -> None:
    _head(pdf, "大家点了什么")
    pdf.set_fill_color(*BAR)
    for bar in bars:
        if pdf.get_y() + 8 > pdf.h - 20:
            pdf.add_page()
        y = pdf.get_y()
        pdf.set_font("sans", size=9.5)
        pdf.set_text_color(*INK)
        pdf.text(pdf.l_margin, y + 4.5, bar.name[:9])
        length = max(bar.length / charts.BAR_LENGTH * (pdf.epw - 70), 0.5)
        pdf.rect(pdf.l_margin + 36, y + 1, length, 4.5, style="F")
        pdf.text(pdf.l_margin + 38 + length, y + 4.5, f"{bar.value}　{bar.share}")
        pdf.set_y(y + 7.5)
