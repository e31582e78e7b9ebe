"""A certificate of service as a PDF page: plain, with what MCA order 67 asks for, and no claim beyond it."""

from __future__ import annotations

from collections.abc import Sequence

import pylopdf_fonts_zh_cn as fonts
import segno
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from core.web.formats import date_zh, hours_decimal, thousands
from volunteers.certificates.models import Certificate

MARGIN, WIDTH, QR_SIZE = 25.0, 160.0, 34.0
INK, QUIET, LINE = (26, 33, 29), (88, 98, 92), (127, 138, 131)


def draw(certificate: Certificate, contents: Sequence[str], verify_url: str) -> bytes:
    """The page. ``verify_url`` is absolute and becomes the QR code."""
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(f"志愿服务记录证明 {certificate.number}")
    pdf.set_lang("zh-CN")
    pdf.add_font("sans", fname=fonts.sans_path())
    pdf.add_font("serif", fname=fonts.serif_path())
    pdf.add_page()
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.4)
    pdf.rect(12, 12, 186, 273)
    _text(pdf, "志愿服务记录证明", 26, y=42, align="C", font="serif")
    _text(pdf, f"编号 {certificate.number}", 11, y=58, align="C", colour=QUIET)
    period = f"{date_zh(certificate.from_day, full=True)}至{date_zh(certificate.to_day, full=True)}"
    _text(
        pdf,
        f"　　{certificate.person_name}于{period}参加由{certificate.body_name}组织的志愿服务，"
        f"共{thousands(certificate.services)}次，实际服务时长合计{hours_decimal(certificate.total_minutes)}小时"
        f"（{thousands(certificate.total_minutes)}分钟）。",
        14, y=80, line=10,
    )  # fmt: skip
    if contents:
        _text(pdf, "　　服务内容：" + "、".join(contents) + "。", 14, y=pdf.get_y() + 4, line=10)
    _text(pdf, f"记录和出具单位：{certificate.body_name}", 13, y=170, align="R")
    _text(pdf, f"出具日期：{date_zh(certificate.issued_at, full=True)}", 13, y=180, align="R")
    _qr(pdf, verify_url, MARGIN, 212)
    pdf.set_xy(MARGIN + QR_SIZE + 8, 214)
    _note(pdf, "扫码或打开下面的网址，可以核对本证明是否属实，以及出具之后记录有没有更正：\n" + verify_url)
    pdf.set_xy(MARGIN, 254)
    _note(
        pdf,
        "服务时长按实际服务的分钟数记录，不含路途时间。本证明免费出具，不得用于商业用途；是否加盖印章由出具单位决定。",
        WIDTH,
    )
    return bytes(pdf.output())


def _text(
    pdf: FPDF, text: str, size: float, *, y: float, line: float = 9, align: str = "L", font: str = "sans",
    colour: tuple[int, int, int] = INK,
) -> None:  # fmt: skip
    pdf.set_font(font, size=size)
    pdf.set_text_color(*colour)
    pdf.set_xy(MARGIN, y)
    pdf.multi_cell(WIDTH, line, text, align=align, wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _note(pdf: FPDF, text: str, width: float = WIDTH - QR_SIZE - 8) -> None:
    pdf.set_font("sans", size=10)
    pdf.set_text_color(*QUIET)
    pdf.multi_cell(width, 6, text, align="L", wrapmode=WrapMode.CHAR)


def _qr(pdf: FPDF, address: str, x: float, y: float) -> None:
    rows = [list(row) for row in segno.make(address, error="m").matrix]
    side = QR_SIZE / len(rows)
    pdf.set_fill_color(0, 0, 0)
    for top, row in enumerate(rows):
        for left, dark in enumerate(row):
            if dark:
                pdf.rect(x + left * side, y + top * side, side, side, style="F")
