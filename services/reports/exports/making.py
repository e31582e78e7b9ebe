"""Making papers from what was asked for: the same tables as on the page, as a file."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import clock
from core.access import Viewer
from core.workflow import Stale
from services.reports import board, roster, tables
from services.reports.asked import Asked, read_period
from services.reports.board import Board
from services.reports.exports import queries, workflow
from services.reports.listing import Behind
from services.reports.listing import behind as list_behind
from services.reports.papers import SUFFIXES, Paper, book, text
from services.reports.queries import Unit
from services.reports.roster import Roster
from services.reports.tables import Cell
from services.reports.wording import full

EVERY = 2000
"""Rows between two looks at whether the export is still wanted."""


class Unwanted(Exception):
    """The export was cancelled while it was being made."""


def of_board(drawn: Board, maker: str, number: str = "") -> Paper:
    """A page of figures as a paper."""
    asked = drawn.asked
    return Paper(
        f"{asked.unit.name}服务统计", asked.unit.name, asked.period.days, maker, clock.now(), tables.of_board(drawn),
        board.describe(drawn), [f"{one.what}，{one.why}。" for one in drawn.findings], number,
    )  # fmt: skip


def of_roster(drawn: Roster, maker: str) -> Paper:
    """The page about people as a paper."""
    asked = drawn.asked
    told = [f"{line.measure.title}{full(line.measure, line.now)}" for line in drawn.lines
            if line.measure.name in roster.HEADLINE]  # fmt: skip
    return Paper(f"{asked.unit.name}志愿者和居民统计", asked.unit.name, asked.period.days, maker, clock.now(),
                 tables.of_roster(drawn), "，".join(told) + "。", None)  # fmt: skip


def of_list(found: Behind, maker: str) -> Paper:
    """The rows behind a figure as a paper; they are read as they are written."""
    table = found.table()
    return Paper(f"{table.unit}{table.title}", table.unit, table.days, maker, clock.now(), [table])


def document(paper: Paper, format_: str, drawn: Board | None = None) -> bytes:
    """A paper as the bytes of a file."""
    # Loaded by whoever makes one: fonts and document libraries take time and memory that every start would pay.
    if format_ in ("docx", "circular"):
        from services.reports.papers import document as word

        return word.draw(replace(paper, tables=[table.kept() for table in paper.tables]), format_ == "circular")
    if format_ == "png" and drawn is not None:
        from services.reports.papers import picture

        return picture.draw(paper, drawn)
    if format_ == "pdf":
        from services.reports.papers import pdf

        bars = charts_of(drawn) if drawn else ()
        return pdf.draw(paper, drawn.trend if drawn else None, bars)
    if format_ == "xlsx":
        out = io.BytesIO()
        book.write(paper, out)
        return out.getvalue()
    return "".join(text.lines(paper)).encode()


def charts_of(drawn: Board) -> Sequence[Any]:
    """The bars of a page."""
    return drawn.bars


def file_name(paper: Paper, format_: str) -> str:
    """What a file is called when it is saved."""
    return f"{paper.title}（{paper.days}）.{SUFFIXES[format_]}"


def make(job: Any) -> int:
    """Make one queued export; how many rows it has, or -1 when it was cancelled."""
    try:
        workflow.start(job)
    except Stale:
        return -1
    running = queries.get(job.id)
    name = secrets.token_urlsafe(24) + "." + SUFFIXES[job.format]
    place = queries.folder() / name
    try:
        rows = _write(running, place)
        workflow.finish(running, name, rows)
    except (Unwanted, Stale):
        place.unlink(missing_ok=True)
        return -1
    except Exception as error:
        place.unlink(missing_ok=True)
        workflow.fail(running, type(error).__name__)
        raise
    return rows


def _write(job: Any, place: Path) -> int:
    found = behind_of(job.filter, Unit(job.unit_id, job.filter["unit_name"], job.path), job.sees_names)
    paper = of_list(found, job.maker_name)
    told = _Counter(lambda done: workflow.tell_progress(job.id, done))
    table = replace(paper.tables[0], rows=told.count(paper.tables[0].rows))
    counted = replace(paper, tables=[table])
    if job.format == "csv":
        with place.open("w", encoding="utf-8", newline="") as out:
            out.writelines(text.lines(counted))
    else:
        book.write(counted, str(place))
    place.chmod(0o600)
    return told.done


class _Counter:
    """Counts rows as they pass, and asks now and then whether to go on."""

    def __init__(self, wanted: Callable[[int], bool]) -> None:
        self.done = 0
        self._wanted = wanted

    def count(self, rows: Any) -> Iterator[Sequence[Cell]]:
        for row in rows:
            yield row
            self.done += 1
            if self.done % EVERY == 0 and not self._wanted(self.done):
                raise Unwanted


def behind_of(kept: Mapping[str, str], unit: Unit, sees_names: bool) -> Behind:
    """A list from the filter that was kept with an export; the rights are those of the moment of asking."""
    period = read_period(kept)
    asked = Asked(unit, period)
    nobody = Viewer("", "", "")
    return replace(list_behind(nobody, asked, kept), sees_names=sees_names)
