"""Word documents in the layout of official papers (GB/T 9704-2012): a monthly report and a circular.

A4 with a text area of 156 × 225 mm, 22 lines of 28 characters; the title in 2号小标宋, the body in 3号仿宋, levels
一、(一) 1. (1) in 黑体, 楷体 and 仿宋; page numbers —1— outside. The fonts are licensed, so the document names them and
names open ones to stand in. Nothing in it claims to be an official paper: number and seal are the body's own.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from core.web.formats import date_zh
from services.reports.papers import Paper
from services.reports.tables import Table, shown

BODY, TITLE, FIRST, SECOND, SONG = "仿宋_GB2312", "方正小标宋简体", "黑体", "楷体_GB2312", "宋体"
_SERIF = "Noto Serif CJK SC"
STAND_IN = {
    BODY: f"仿宋;FangSong;{_SERIF}",
    TITLE: f"小标宋;宋体;{_SERIF}",
    FIRST: "SimHei;Noto Sans CJK SC",
    SECOND: f"楷体;KaiTi;{_SERIF}",
    SONG: f"SimSun;{_SERIF}",
}
NO_3, NO_2, NO_4, SMALL_4 = Pt(16), Pt(22), Pt(14), Pt(12)
LINE = Pt(28.95)
"""225 mm over 22 lines."""
CHARACTER_GAP = "-5"
"""What makes 28 characters of 16 points out of 156 mm, in twentieths of a point. A grid of characters would do it in
one program and pull the lines apart in another."""
TEXT_WIDTH = 156
DAILY = "每天"
NUMERALS = "一二三四五六七八九十"


def draw(paper: Paper, is_circular: bool = False) -> bytes:
    """The document: a monthly report with every table, or a circular that says the main things and ranks the units."""
    document = _blank()
    year = paper.made_at.year
    if is_circular:
        _paragraph(document, f"〔{year}〕{paper.number or '　'}号", align=ALIGN.CENTER)
        _paragraph(document, "")
    heading = f"关于{paper.unit}{paper.days}志愿服务情况的通报" if is_circular else f"{paper.unit}志愿服务情况报告"
    _paragraph(document, heading, TITLE, NO_2, align=ALIGN.CENTER, line=Pt(32))
    if not is_circular:
        _paragraph(document, f"（{paper.days}）", align=ALIGN.CENTER)
    _paragraph(document, "")
    if is_circular:
        _paragraph(document, "各单位：", indent=False)
        _paragraph(document, f"现将{paper.days}志愿服务情况通报如下。")
    _sections(document, paper, is_circular)
    _paragraph(document, "")
    _paragraph(document, paper.unit + "　　", align=ALIGN.RIGHT)
    _paragraph(document, date_zh(paper.made_at, full=True) + "　　　　", align=ALIGN.RIGHT)
    if not is_circular:
        _paragraph(document, f"制表：{paper.maker}", size=NO_4)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _sections(document: Any, paper: Paper, is_circular: bool) -> None:
    heads = iter(NUMERALS)
    _paragraph(document, f"{next(heads)}、总体情况", FIRST)
    _paragraph(document, paper.summary)
    tables = [table for table in paper.tables if (table.name == "下级单位" if is_circular else table.name != DAILY)]
    for n, table in enumerate(tables):
        if n == 0:
            _paragraph(document, f"{next(heads)}、{'各单位情况' if is_circular else '具体数字'}", FIRST)
        _paragraph(document, f"（{NUMERALS[n]}）{table.title}", SECOND)
        _table(document, table)
    if paper.findings is not None:
        _paragraph(document, f"{next(heads)}、需要跟进的问题", FIRST)
        for n, text in enumerate(paper.findings, 1):
            _paragraph(document, f"{n}. {text}")
        if not paper.findings:
            _paragraph(document, "各项都达到目标，没有需要跟进的。")
    notes = list(dict.fromkeys(note for table in paper.tables for note in table.notes))
    if notes:
        _paragraph(document, f"{next(heads)}、数字说明", FIRST)
        for n, note in enumerate(notes, 1):
            _paragraph(document, f"{n}. {note}。")


def _blank() -> Any:
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.footer_distance = Mm(25)
    grid = section._sectPr.find(qn("w:docGrid"))
    if grid is None:
        grid = OxmlElement("w:docGrid")
        section._sectPr.append(grid)
    for name, value in (("type", "lines"), ("linePitch", "579")):
        grid.set(qn("w:" + name), value)
    _font(document.styles["Normal"], BODY, NO_3)
    document.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer.paragraphs[0], ALIGN.RIGHT)
    _page_number(section.even_page_footer.paragraphs[0], ALIGN.LEFT)
    _name_stand_ins(document)
    return document


def _font(styled: Any, name: str, size: Any) -> None:
    styled.font.name, styled.font.size = name, size
    styled.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _paragraph(
    holder: Any,
    text: str,
    font: str = BODY,
    size: Any = NO_3,
    *,
    align: Any = None,
    indent: bool = True,
    line: Any = LINE,
) -> Any:
    made = holder.add_paragraph()
    form = made.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, line
    if align is not None:
        made.alignment = align
    elif indent:
        form.first_line_indent = size * 2
    run = made.add_run(text)
    run.font.name, run.font.size = font, size
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    if size == NO_3:
        gap = OxmlElement("w:spacing")
        gap.set(qn("w:val"), CHARACTER_GAP)
        run._element.rPr.find(qn("w:sz")).addprevious(gap)
    form.keep_with_next = font in (FIRST, SECOND)
    return made


def _table(document: Any, table: Table) -> None:
    rows = [*table.rows, *([table.totals] if table.totals is not None else [])]
    columns = [n for n, column in enumerate(table.columns) if column.title != "口径"]
    made = document.add_table(rows=1, cols=len(columns), style="Table Grid")
    made.alignment = WD_TABLE_ALIGNMENT.CENTER
    _cells(made.rows[0], [table.columns[n].title for n in columns], FIRST, [False] * len(columns))
    repeat = OxmlElement("w:tblHeader")
    repeat.set(qn("w:val"), "true")
    made.rows[0]._tr.get_or_add_trPr().append(repeat)
    widths = [table.columns[n].width for n in columns]
    made.autofit = False
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Mm(TEXT_WIDTH * width / sum(widths))
    right = [table.columns[n].kind == "number" for n in columns]
    for row in rows:
        _cells(made.add_row(), [shown(row[n]) for n in columns], BODY, right)
    if not rows:
        _cells(made.add_row(), ["本期没有记录", *[""] * (len(columns) - 1)], BODY, right)
    _paragraph(document, "", line=Pt(12))


def _cells(row: Any, texts: Sequence[str], font: str, right: Sequence[bool]) -> None:
    for cell, text, is_right in zip(row.cells, texts, right, strict=True):
        made = cell.paragraphs[0]
        made.alignment = ALIGN.RIGHT if is_right else ALIGN.LEFT if font == BODY else ALIGN.CENTER
        form = made.paragraph_format
        form.space_after = Pt(0)
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(18)
        run = made.add_run(text)
        run.font.name, run.font.size = font, SMALL_4
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _page_number(paragraph: Any, align: Any) -> None:
    paragraph.alignment = align
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = NO_4
    for text, kind in (("— ", ""), ("", "begin"), ("PAGE", "code"), ("", "end"), (" —", "")):
        run = paragraph.add_run("" if kind else text)
        run.font.name, run.font.size = SONG, NO_4
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), SONG)
        if kind == "code":
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = text
            run._element.append(code)
        elif kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._element.append(mark)


def _name_stand_ins(document: Any) -> None:
    """Name in the font table what may be taken where a licensed font is missing."""
    part = next(part for part in document.part.package.iter_parts() if str(part.partname) == "/word/fontTable.xml")
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
        for name, others in STAND_IN.items()
    )
    part._blob = part.blob.replace(b"</w:fonts>", fonts.encode() + b"</w:fonts>")
