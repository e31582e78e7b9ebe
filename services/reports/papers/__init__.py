"""Papers: tables of figures and of rows as workbooks, documents, PDF and CSV. Each is made from the same ``Table``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reports.tables import Table


@dataclass(frozen=True)
class Paper:
    """What a paper holds besides its tables: its title, who made it and when, a paragraph, and what needs looking after
    (none: that was not asked)."""

    title: str
    unit: str
    days: str
    maker: str
    made_at: datetime
    tables: Sequence[Table]
    summary: str = ""
    findings: Sequence[str] | None = ()
    number: str = ""


NEVER_FIRST = frozenset("，。、；：！？）》」』”’%℃")
"""What may not begin a line (避头尾)."""


def broken(text: str, width_of: Callable[[str], float], width: float) -> list[str]:
    """A paragraph in lines of a width: it breaks between any two characters, but none begins with a closing mark and
    no number is torn."""
    lines, line = [], ""
    for character in text:
        if line and width_of(line + character) > width:
            at, seen = len(line), line + character
            while at > 1 and (seen[at] in NEVER_FIRST or (_of_number(seen[at - 1]) and _of_number(seen[at]))):
                at -= 1
            at = at if at > 1 else len(line)
            lines.append(line[:at])
            line = line[at:]
        line += character
    return [*lines, line]


def _of_number(character: str) -> bool:
    return character.isascii() and (character.isdigit() or character in ".,%/-")


FORMAT_NAMES: Mapping[str, str] = {
    "xlsx": "Excel",
    "docx": "Word月报",
    "circular": "Word通报",
    "pdf": "PDF",
    "csv": "CSV",
    "png": "图片",
}
SUFFIXES: Mapping[str, str] = {"xlsx": "xlsx", "docx": "docx", "circular": "docx", "pdf": "pdf", "csv": "csv",
                                "png": "png"}  # fmt: skip
TYPES: Mapping[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "png": "image/png",
}
