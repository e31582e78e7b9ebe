"""A certificate of service as a PDF page: plain, with what MCA order 67 asks for, and no claim beyond it.

A font of thirty thousand characters takes most of a second to read and cut down. For many certificates the fonts are
first cut to the characters that occur, once; every paper is then made from the small ones.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pylopdf_fonts_zh_cn as fonts
import segno
from fontTools import subset
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont

from core.web.formats import date_zh, hours_decimal, thousands
from volunteers.certificates.models import Certificate
from volunteers.certificates.seals import check_code, seal_file

MARGIN, WIDTH, QR_SIZE = 25.0, 160.0, 34.0
INK, QUIET, LINE = (26, 33, 29), (88, 98, 92), (127, 138, 131)
TITLE = "志愿服务记录证明"
SHARE = 50
"""Papers that share fonts cut to their characters."""
_ALWAYS = (
    TITLE + "编号" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/:.,-_~?=&%+#@'·—“”()（）[] 　"
)


@dataclass(frozen=True)
class Paper:
    """What is printed: a certificate, what was done, and the absolute address at which it is checked."""

    certificate: Certificate
    contents: Sequence[str]
    verify_url: str

    def paragraphs(self) -> list[str]:
        """The body of the text."""
        one = self.certificate
        period = f"{date_zh(one.from_day, full=True)}至{date_zh(one.to_day, full=True)}"
        found = [
            f"　　{one.person_name}于{period}参加由{one.body_name}组织的志愿服务，共{thousands(one.services)}次，"
            f"实际服务时长合计{hours_decimal(one.total_minutes)}小时（{thousands(one.total_minutes)}分钟）。"
        ]
        return [*found, "　　服务内容：" + "、".join(self.contents) + "。"] if self.contents else found

    def closing(self) -> list[str]:
        """Who recorded and issued, and when."""
        return [
            f"记录和出具单位：{self.certificate.body_name}",
            f"出具日期：{date_zh(self.certificate.issued_at, full=True)}",
        ]

    def notes(self) -> list[str]:
        """How to check the paper, and what it is worth."""
        return [
            "扫码或打开下面的网址，可以核对本证明是否属实，以及出具之后记录有没有更正：\n"
            f"{self.verify_url}\n校验码 {check_code(self.certificate, self.contents)}",
            "服务时长按实际服务的分钟数记录，不含路途时间。本证明免费出具，不得用于商业用途；是否加盖印章由出具单位决定。",
        ]


@dataclass(frozen=True)
class Fonts:
    """Font files to write with."""

    sans: Path
    serif: Path


def whole_fonts() -> Fonts:
    """The fonts with all their characters."""
    return Fonts(Path(fonts.sans_path()), Path(fonts.serif_path()))


@contextmanager
def cut_fonts(papers: Iterable[Paper], source: Fonts | None = None) -> Iterator[Fonts]:
    """Fonts with only the characters of these papers, as files that are gone afterwards."""
    source = source or whole_fonts()
    letters = set(_ALWAYS)
    for paper in papers:
        letters.update(*paper.paragraphs(), *paper.closing(), *paper.notes())
    with tempfile.TemporaryDirectory(prefix="linju-fonts-") as folder:
        made = Fonts(Path(folder) / "sans.otf", Path(folder) / "serif.otf")
        made.sans.write_bytes(_cut(source.sans, letters - {"\n"}))
        made.serif.write_bytes(_cut(source.serif, set(TITLE)))
        yield made


def _cut(path: Path, letters: set[str]) -> bytes:
    options = subset.Options()
    options.layout_features, options.hinting = [], False
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "DSIG"]
    cutter, out = subset.Subsetter(options), io.BytesIO()
    cutter.populate(text="".join(sorted(letters)))
    with TTFont(path, lazy=True) as font:
        cutter.subset(font)
        font.save(out)
    return out.getvalue()


def draw(paper: Paper, source: Fonts | None = None) -> bytes:
    """One certificate as a file of its own, sealed under its number."""
    title = f"{TITLE} {paper.certificate.number}"
    return _made([paper], source or whole_fonts(), title, paper.certificate.number)


def draw_together(papers: Sequence[Paper], name: str) -> bytes:
    """Many certificates, a page each, in one file sealed under ``name``."""
    with cut_fonts(papers) as small:
        return _made(papers, small, f"{TITLE}（{len(papers)}份）", name)


def _made(papers: Sequence[Paper], source: Fonts, title: str, seal: str) -> bytes:
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title(title)
    pdf.set_lang("zh-CN")
    pdf.set_creation_date(papers[0].certificate.issued_at)
    pdf.add_font("sans", fname=source.sans)
    pdf.add_font("serif", fname=source.serif)
    for font in pdf.fonts.values():
        # The bounds of the whole font are true of a part of it; to draw every glyph for its own takes half the time.
        if isinstance(font, TTFFont):
            font.ttfont.recalcBBoxes = False
    for paper in papers:
        _page(pdf, paper)
    return seal_file(bytes(pdf.output()), seal)


def _page(pdf: FPDF, paper: Paper) -> None:
    pdf.add_page()
    pdf.set_draw_color(*LINE)
    pdf.set_line_width(0.4)
    pdf.rect(12, 12, 186, 273)
    _text(pdf, TITLE, 26, y=42, align="C", font="serif")
    _text(pdf, f"编号 {paper.certificate.number}", 11, y=58, align="C", colour=QUIET)
    first, *more = paper.paragraphs()
    _text(pdf, first, 14, y=80, line=10)
    for text in more:
        _text(pdf, text, 14, y=pdf.get_y() + 4, line=10)
    for y, text in zip((170, 180), paper.closing(), strict=True):
        _text(pdf, text, 13, y=y, align="R")
    how, worth = paper.notes()
    _qr(pdf, paper.verify_url, MARGIN, 212)
    pdf.set_xy(MARGIN + QR_SIZE + 8, 213)
    _note(pdf, how)
    pdf.set_xy(MARGIN, 254)
    _note(pdf, worth, WIDTH)


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
    """The code as a picture of one bit a point, many points a square, so that it stays sharp on paper.

    The pattern laid over it is a given one: to weigh all eight takes longer than the rest of the page.
    """
    picture = io.BytesIO()
    segno.make(address, error="m", mask=2).save(picture, kind="png", scale=10, border=0)
    pdf.image(picture, x, y, QR_SIZE, QR_SIZE)
