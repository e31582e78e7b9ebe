"""A frozen report as tables and paper, with its corrections apart from what was frozen."""

from __future__ import annotations

from core import reports
from core.web.formats import clock_time, date_zh
from services.reports.board import RANK_COLUMNS
from services.reports.issues.models import ReportIssue
from services.reports.issues.queries import KIND_NAMES, Line, compare, period_of, value_of
from services.reports.papers import Paper
from services.reports.tables import Column, Table, heading
from services.reports.wording import cell, full, parts, unit_of

HEADLINE = ("orders.placed", "orders.completed", "orders.response", "orders.resolution", "orders.satisfaction",
            "hours.minutes")  # fmt: skip


def paper_of(issue: ReportIssue, maker: str) -> Paper:
    """The paper of a frozen report, made out by whoever fetches it."""
    lines = compare(issue)
    tables = [_frozen(issue, lines)]
    below = units_table(issue)
    if below is not None:
        tables.append(below)
    corrected = corrections(issue, lines)
    if corrected is not None:
        tables.append(corrected)
    summary = "，".join(
        f"{line.measure.title}{full(line.measure, line.frozen)}" for line in lines if line.measure.name in HEADLINE
    )
    findings = [
        f"{line.measure.title}{full(line.measure, line.frozen)}，低于目标{line.measure.target * 100:.0f}%。"
        for line in lines
        if line.measure.target and line.frozen.rate is not None and line.frozen.rate < line.measure.target
    ]
    period = period_of(issue)
    title = f"{issue.unit_name}{period.title}服务{KIND_NAMES[issue.kind]}"
    return Paper(title, issue.unit_name, period.days, maker, issue.made_at, tables, summary + "。", findings,
                 str(issue.number))  # fmt: skip


def _note(issue: ReportIssue) -> str:
    return f"数字定于{date_zh(issue.made_at, full=True)}{clock_time(issue.made_at)}，之后的变动列在“更正”里，不改原数"


def _frozen(issue: ReportIssue, lines: list[Line]) -> Table:
    columns = [Column("指标", width=24), Column("单位", width=8), Column("数字", "number"),
               Column("分子/分母", width=14), Column("口径", width=46)]  # fmt: skip
    rows = [
        [line.measure.title, unit_of(line.measure), cell(line.measure, line.frozen), parts(line.measure, line.frozen),
         line.measure.formula]
        for line in lines
    ]  # fmt: skip
    return Table("指标", "主要指标", issue.unit_name, period_of(issue).days, columns, rows, None, (_note(issue),))


def units_table(issue: ReportIssue) -> Table | None:
    """The units right below as they were frozen; none when there were none."""
    if not issue.figures["units"]:
        return None
    known = [reports.measures()[name] for name in RANK_COLUMNS if name in reports.measures()]
    columns = [Column("单位", width=24), *[Column(heading(measure), "number", 14) for measure in known]]
    rows = [
        [unit["name"], *[cell(m, value_of(unit["values"].get(m.name, {}))) for m in known]]
        for unit in issue.figures["units"]
    ]
    return Table("下级单位", "各单位比较", issue.unit_name, period_of(issue).days, columns, rows)


def corrections(issue: ReportIssue, lines: list[Line]) -> Table | None:
    """What is another figure today; none when all are as they were."""
    rows = [
        [line.measure.title, full(line.measure, line.frozen), parts(line.measure, line.frozen),
         full(line.measure, line.now), parts(line.measure, line.now)]
        for line in lines
        if line.is_corrected
    ]  # fmt: skip
    if not rows:
        return None
    columns = [Column("指标", width=18), Column("定稿", "number", 14), Column("定稿分子/分母", width=14),
               Column("更正为", "number", 14), Column("更正后分子/分母", width=14)]  # fmt: skip
    return Table("更正", "定稿之后的更正", issue.unit_name, period_of(issue).days, columns, rows)
