"""Papers: tables of figures and of rows as workbooks, documents, PDF and CSV. Each is made from the same ``Table``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reports.tables import Table


@dataclass(frozen=True)
class Paper:
    """What a paper holds besides its tables: its title, who made it and when, paragraphs, and a chart to draw."""

    title: str
    unit: str
    days: str
    maker: str
    made_at: datetime
    tables: Sequence[Table]
    summary: str = ""
    findings: Sequence[str] = ()
    number: str = ""


FORMAT_NAMES: Mapping[str, str] = {
    "xlsx": "Excel",
    "docx": "Word月报",
    "circular": "Word通报",
    "pdf": "PDF",
    "csv": "CSV",
}
SUFFIXES: Mapping[str, str] = {"xlsx": "xlsx", "docx": "docx", "circular": "docx", "pdf": "pdf", "csv": "csv"}
TYPES: Mapping[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
}
