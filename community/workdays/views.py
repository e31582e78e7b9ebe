"""The pages of the calendar: a year as twelve months, a day, a list to paste."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.workdays import queries, workflow
from community.workdays.forms import OFF, ON, USUAL, DayForm, ImportForm, SwitchForm, YearForm
from community.workdays.models import FIRST_YEAR, LAST_YEAR, WORKED
from community.workdays.queries import Year
from community.workdays.reading import Refused, kind_of, read_lines
from core import access, clock
from core.access import NotFound
from core.web.blueprints import Pages
from core.workflow import Stale

pages = Pages("workdays", __name__)
Answer = Response | str | tuple[str, int]
LATE = "您打开之后，别人改过这一年的日历，您的这一步没有办。下面是现在的样子"


@pages.page("/workdays", access="workdays:read")
def show() -> Answer:
    """A year, this one at first."""
    text = request.args.get("year", "")
    return _page(_year(text) if text else queries.get_year(clock.today().year))


def _year(text: str) -> Year:
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        raise NotFound
    return queries.get_year(int(text))


def _day(text: str) -> tuple[date, Year]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotFound from None
    return day, queries.get_year(day.year)


def _page(found: Year, status: int = 200, notice: str = "") -> Answer:
    form = YearForm(formdata=None)
    form.version.data = str(found.version)
    known = dict(queries.list_years()) | {found.year: found.entered}
    page = render_template(
        "community/workdays/year.html", year=found, form=form, notice=notice, today=clock.today(), known=known,
        may_edit=access.viewer().may("workdays:edit"), has_seed=bool(workflow.seed_of(found.year)),
        first=FIRST_YEAR, last=LAST_YEAR,
    )  # fmt: skip
    return page if status == 200 else (page, status)


def _back(found: Year, told: str, anchor: str = "") -> Response:
    flash(told, "success")
    return redirect(url_for("workdays.show", year=found.year, _anchor=anchor or None), 303)


@pages.page("/workdays/days/<day>", access="workdays:edit", methods=("GET", "POST"), writes=True)
def edit_day(day: str) -> Answer:
    """Say what a day is."""
    on, found = _day(day)
    form, status, is_stale = DayForm(), 200, False
    kind, name, _ = found.days.get(on, (None, "", ""))
    if form.is_submitted():
        status = 422
        if form.validate():
            text = "" if form.what.data == USUAL else form.name.data or ""
            new = None if form.what.data == USUAL else kind_of(on, form.what.data == ON, text)
            try:
                workflow.set_day(access.viewer(), on, new, text, form.seen_version())
            except Stale:
                status, is_stale = 409, True
                form.version.data = str(found.version)
            else:
                return _back(found, f"{on.month}月{on.day}日已改好，时限跟着重算", f"m{on.month}")
    else:
        form.what.data = USUAL if kind is None else ON if kind in WORKED else OFF
        form.name.data, form.version.data = name, str(found.version)
    page = render_template(
        "community/workdays/day.html", form=form, day=on, year=found, cell=found.cell(on), is_stale=is_stale,
        seed=workflow.seed_of(on.year).get(on), has_seed=bool(workflow.seed_of(on.year)),
    )  # fmt: skip
    return page if status == 200 else (page, status)


@pages.page("/workdays/days/<day>/restore", access="workdays:edit", methods=("POST",), writes=True)
def restore_day(day: str) -> Answer:
    """Make a day what the notice says."""
    on, found = _day(day)
    try:
        workflow.restore_day(access.viewer(), on, YearForm().seen_version())
    except Stale:
        return _page(queries.get_year(found.year), 409, LATE)
    return _back(found, f"{on.month}月{on.day}日已恢复", f"m{on.month}")


@pages.page("/workdays/<year>/entered", access="workdays:edit", methods=("POST",), writes=True)
def enter(year: str) -> Answer:
    """Say that a year is entered, or that it is not."""
    found, form = _year(year), SwitchForm()
    entered = form.entered.data == "1"
    try:
        workflow.enter(access.viewer(), found.year, entered, form.seen_version())
    except Stale:
        return _page(queries.get_year(found.year), 409, LATE)
    told = "按录入的算" if entered else "改回按周一到周五算"
    return _back(found, f"{found.year}年从现在起{told}，时限跟着重算")


@pages.page("/workdays/<year>/restore", access="workdays:edit", methods=("POST",), writes=True)
def restore(year: str) -> Answer:
    """Make a year what the notice says."""
    found = _year(year)
    try:
        workflow.restore_year(access.viewer(), found.year, YearForm().seen_version())
    except Stale:
        return _page(queries.get_year(found.year), 409, LATE)
    return _back(found, f"{found.year}年已恢复成国务院通知的样子" if workflow.seed_of(found.year) else "这一年已清空")


@pages.page("/workdays/<year>/import", access="workdays:edit", methods=("GET", "POST"), writes=True)
def import_year(year: str) -> Answer:
    """Paste a year's days."""
    found, form = _year(year), ImportForm()
    refused: list[Refused] = []
    status, is_stale = 200, False
    if form.is_submitted():
        status = 422
        if form.validate():
            entries, refused = read_lines(form.lines.data or "", found.year)
            if entries and (not refused or form.partial.data):
                try:
                    count = workflow.take_lines(
                        access.viewer(), found.year, entries, bool(form.entered.data), form.seen_version()
                    )
                except Stale:
                    status, is_stale = 409, True
                    form.version.data = str(found.version)
                else:
                    left = f"，{len(refused)}行没有录" if refused else ""
                    return _back(found, f"录入了{count}天{left}")
            else:
                form.lines.errors = [f"有{len(refused)}行看不懂，改好再交" if refused else "没有读到日子"]
    else:
        form.version.data = str(found.version)
    page = render_template("community/workdays/import.html", form=form, year=found, refused=refused, is_stale=is_stale)
    return page if status == 200 else (page, status)
