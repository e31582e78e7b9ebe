"""Rolls as files: what every kind of roll can do once it has been read, and which kinds there are."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from community.grid.models import Estate
from core.access import Viewer

SAMPLE = 100
"""Changes that a preview shows one by one."""

_ROW = re.compile(rb'<(?:\w+:)?row [^>]*?\br="(\d+)"')


class RefusedRow(NamedTuple):
    """A row that was not taken: where it stands, why, the cell's text, and in Chinese how to mend it."""

    sheet: str
    row: int
    reason: str
    value: str
    message: str


class Note(NamedTuple):
    """Something about a row that was taken, or left out, to be looked at."""

    sheet: str
    row: int
    text: str


class Change(NamedTuple):
    """What a roll does to one person: the door, the masked name, and what is new, in Chinese."""

    label: str
    name: str
    what: str


@dataclass
class Result:
    """What reading a roll in does, or would do, to the database.

    ``created``, ``updated`` and ``unchanged`` count persons (of a team's roll, volunteers). ``changes`` is a sample of
    the first two. ``leavers`` are ids of people of whom the roll no longer knows: candidates, nothing is done to them.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    households_created: int = 0
    households_updated: int = 0
    changes: list[Change] = field(default_factory=list)
    leavers: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """The three counts of persons."""
        return {"created": self.created, "updated": self.updated, "unchanged": self.unchanged}

    def tell(self, label: str, name: str, what: str) -> None:
        """Add to the sample while there is room."""
        if len(self.changes) < SAMPLE:
            self.changes.append(Change(label, name, what))


class RollFile(Protocol):
    """A roll that has been read out of a file."""

    kind: str
    title: str
    hint: str
    refused: list[RefusedRow]
    doubts: list[Note]
    skipped: list[Note]

    @property
    def size(self) -> int:
        """Rows taken and refused."""

    def counts(self) -> dict[str, Any]:
        """What the file holds and was accepted, under the names of the command's answer."""

    def refused_workbook(self) -> bytes:
        """The refused rows to be mended and read again."""

    def aimed(self, target: str) -> RollFile:
        """The same roll meant for one target within the estate, such as a team. Raises ``SheetError``."""

    def plan(self, estate: Estate | None) -> Result:
        """What ``save`` would do; reads only. Without an estate everything is new."""

    def save(self, estate: Estate, actor: Viewer) -> Result:
        """Write it, and one event with the counts. The caller has begun to write, and commits."""


Reader = Callable[[bytes, str], RollFile | None]
readers: list[Reader] = []
"""Readers of further kinds of rolls, asked in turn before a file is read as an estate's roll."""


def too_many_rows(data: bytes, limit: int) -> bool:
    """Whether a file plainly holds more rows than ``limit``, found without laying them out in memory."""
    if not data.startswith(b"PK\x03\x04"):
        return data.count(b"\n") > limit * 4
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = [n for n in package.namelist() if n.startswith("xl/worksheets/") and n.endswith(".xml")]
            return sum(_last_row(package, name) for name in names) > limit
    except (zipfile.BadZipFile, zipfile.zlib.error, NotImplementedError, RuntimeError, EOFError):  # type: ignore[attr-defined]
        return False


def _last_row(package: zipfile.ZipFile, name: str) -> int:
    last, tail = 0, b""
    with package.open(name) as sheet:
        while block := sheet.read(1 << 20):
            tail = tail[-200:] + block
            found = _ROW.findall(tail)
            last = int(found[-1]) if found else last
    return last
