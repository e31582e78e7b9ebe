"""A picture of the main figures, to be sent on or put up: tiles, the trend and what was asked for, readable on a phone.

The shapes are those of the page, so that lines are told apart without colour.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pylopdf_fonts_zh_cn as fonts
from PIL import Image, ImageDraw
from PIL.ImageFont import FreeTypeFont, truetype

from core.web.formats import clock_time, date_zh
from services.reports import charts
from services.reports.board import Board, Tile
from services.reports.papers import Paper, broken
from services.reports.wording import told, unit_of

WIDTH, MARGIN, GAP = 1080, 48, 20
SCALE = (WIDTH - 2 * MARGIN) / charts.WIDTH
PAPER, CARD, INK, QUIET, RULE = "#F3F5F2", "#FFFFFF", "#1A211D", "#58625C", "#DAE0DA"
SERIES = ("#1D4F91", "#2E9C86")
BAR, RED = "#5580BA", "#B3261E"
TILES_A_ROW, TILE_HEIGHT, BAR_ROW = 3, 168, 48


class _Sheet:
    """A long picture that is written from top to bottom and cut off below what was written last."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (WIDTH, height), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.y = MARGIN
        self._fonts: dict[tuple[int, bool], FreeTypeFont] = {}

    def font(self, size: int, serif: bool = False) -> FreeTypeFont:
        """The font of a size."""
        path = fonts.serif_path() if serif else fonts.sans_path()
        return self._fonts.setdefault((size, serif), truetype(str(path), size))

    def text(
        self, at: tuple[float, float], text: str, size: int, colour: str = INK, anchor: str = "la", serif: bool = False
    ) -> float:
        """One line; returns how wide it is."""
        self.draw.text(at, text, fill=colour, font=self.font(size, serif), anchor=anchor)
        return self.draw.textlength(text, font=self.font(size, serif))

    def wrapped(self, text: str, size: int, colour: str, width: float, x: float) -> None:
        """A paragraph in lines."""
        for line in broken(text, lambda part: self.draw.textlength(part, font=self.font(size)), width):
            self.text((x, self.y), line, size, colour)
            self.y += round(size * 1.5)

    def card(self, height: float) -> None:
        """A white ground for what comes next."""
        box = (MARGIN - 20, self.y, WIDTH - MARGIN + 20, self.y + height)
        self.draw.rounded_rectangle(box, 16, CARD, RULE)


def draw(paper: Paper, board: Board) -> bytes:
    """The picture, as PNG."""
    rows = -(-len(board.tiles) // TILES_A_ROW)
    sheet = _Sheet(1200 + rows * TILE_HEIGHT + len(board.bars) * BAR_ROW)
    sheet.text((MARGIN, sheet.y), paper.title, 44, serif=True)
    sheet.text((MARGIN, sheet.y + 64), paper.days, 26, QUIET)
    sheet.y += 120
    _tiles(sheet, board.tiles)
    _trend(sheet, board.trend, f"点单和完成，近{len(board.bins)}{board.bin_word}")
    if board.bars:
        _bars(sheet, board.bars)
    made = f"{date_zh(paper.made_at, full=True)}{clock_time(paper.made_at)}"
    for note in dict.fromkeys(note for table in paper.tables for note in table.notes):
        sheet.wrapped(f"说明：{note}", 22, QUIET, WIDTH - 2 * MARGIN, MARGIN)
    sheet.text((MARGIN, sheet.y), f"{paper.unit}　制表 {paper.maker}　数据截至{made}", 22, QUIET)
    out = io.BytesIO()
    sheet.image.crop((0, 0, WIDTH, sheet.y + 22 + MARGIN)).save(out, "PNG", optimize=True)
    return out.getvalue()


def _tiles(sheet: _Sheet, tiles: Sequence[Tile]) -> None:
    wide = (WIDTH - 2 * MARGIN + 40 - GAP * (TILES_A_ROW - 1)) / TILES_A_ROW
    for n, tile in enumerate(tiles):
        x = MARGIN - 20 + (n % TILES_A_ROW) * (wide + GAP)
        y = sheet.y + n // TILES_A_ROW * (TILE_HEIGHT + GAP)
        sheet.draw.rounded_rectangle((x, y, x + wide, y + TILE_HEIGHT), 16, CARD, RULE)
        sheet.text((x + 22, y + 20), tile.measure.title, 24, QUIET)
        number = told(tile.measure, tile.value)
        shown = sheet.text((x + 22, y + 54), number, 48)
        if tile.measure.kind not in ("rate", "duration"):
            sheet.text((x + 30 + shown, y + 80), unit_of(tile.measure), 22, QUIET)
        if tile.change is not None:
            colour = {True: SERIES[1], False: RED, None: QUIET}[tile.change.is_good]
            sheet.text((x + 22, y + 124), tile.change.text, 22, colour)
    sheet.y += -(-len(tiles) // TILES_A_ROW) * (TILE_HEIGHT + GAP) + 8


def _trend(sheet: _Sheet, trend: charts.Trend, title: str) -> None:
    top = sheet.y
    sheet.card(150 + charts.HEIGHT * SCALE)
    sheet.y += 20
    sheet.text((MARGIN, sheet.y), title, 28)
    sheet.y += 46
    sheet.wrapped(trend.says, 22, QUIET, WIDTH - 2 * MARGIN, MARGIN)
    base = sheet.y

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + x * SCALE, base + y * SCALE

    for y, text in trend.ticks:
        sheet.draw.line((at(40, y), at(652, y)), RULE, 2)
        sheet.text(at(34, y), text, 18, QUIET, "rm")
    for x, text in trend.labels:
        sheet.text(at(x, 250), text, 18, QUIET, "mm")
    for n, line in enumerate(trend.lines):
        colour = SERIES[n % 2]
        sheet.draw.line([at(*point) for point in line.points], colour, 5, joint="curve")
        for x, y in (at(*point) for point in line.points):
            mark = (x - 7, y - 7, x + 7, y + 7)
            (sheet.draw.rectangle if n else sheet.draw.ellipse)(mark, CARD, colour, 4)
        sheet.text(at(658, line.label_y - 5), f"{line.name} {line.last}", 20, colour, "lm")
    sheet.y = round(max(top + 150 + charts.HEIGHT * SCALE, base + charts.HEIGHT * SCALE)) + GAP


def _bars(sheet: _Sheet, bars: Sequence[charts.Bar]) -> None:
    sheet.card(80 + len(bars) * BAR_ROW)
    sheet.text((MARGIN, sheet.y + 20), "大家点了什么", 28)
    sheet.y += 70
    for bar in bars:
        middle = sheet.y + BAR_ROW / 2
        sheet.text((MARGIN, middle), bar.name[:9], 24, anchor="lm")
        length = max(bar.length / charts.BAR_LENGTH * 520, 2)
        left = MARGIN + 250
        sheet.draw.rounded_rectangle((left, middle - 13, left + length, middle + 13), 4, BAR)
        sheet.text((left + length + 14, middle), f"{bar.value:,}", 24, anchor="lm")
        sheet.text((WIDTH - MARGIN, middle), bar.share, 24, QUIET, "rm")
        sheet.y += BAR_ROW
    sheet.y += 10 + GAP
