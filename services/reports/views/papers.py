"""Papers: handed over at once when small, else made in the background and fetched later by who asked."""

from __future__ import annotations

import io

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, send_file, stream_with_context, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import Forbidden, NotFound, Viewer
from core.workflow import InvalidStep, Stale
from services.reports import board, roster
from services.reports.asked import Asked, Refused, read
from services.reports.exports import making, queries, workflow
from services.reports.exports.models import STATE_NAMES
from services.reports.exports.workflow import Wish
from services.reports.listing import Behind, behind
from services.reports.papers import FORMAT_NAMES, SUFFIXES, TYPES, Paper, text
from services.reports.views.blueprint import Answer, pages

AT_ONCE = 5000
PDF_ROWS = 2000
PEOPLE_FORMATS = ("xlsx", "docx", "pdf", "csv")
LIST_FORMATS = ("xlsx", "csv", "pdf")


@pages.page("/reports/export", access="reports:export", methods=("POST",))
def export() -> Answer | FlaskResponse:
    """Hand over what the page shows, with its filter; that it was taken out is written down."""
    viewer, given = access.viewer(), request.form
    try:
        asked = read(viewer, given)
    except Refused as refused:
        flash(str(refused), "error")
        return redirect(url_for("reports.dashboard"), 303)
    if not viewer.may_at("reports:export", asked.unit.path):
        raise Forbidden
    wanted, about_people = given.get("format", "xlsx"), given.get("kind") == "people"
    if wanted not in FORMAT_NAMES or (about_people and wanted not in PEOPLE_FORMATS):
        names = PEOPLE_FORMATS if about_people else tuple(FORMAT_NAMES)
        flash("请选" + "、".join(FORMAT_NAMES[name] for name in names), "error")
        return redirect(url_for("reports.people" if about_people else "reports.dashboard", **asked.address()), 303)
    if given.get("kind") == "behind":
        return _list(viewer, asked, behind(viewer, asked, given), wanted)
    drawn = None if about_people else board.draw(asked)
    if drawn is None:
        paper = making.of_roster(roster.draw(asked), viewer.name)
    else:
        paper = making.of_board(drawn, viewer.name, given.get("number", "")[:10])
    rows = sum(len(list(table.rows)) for table in paper.tables)
    workflow.record(viewer, asked, Wish(paper.title, wanted, asked.address(), False, rows))
    return _file(making.document(paper, wanted, drawn), paper, wanted)


def _list(viewer: Viewer, asked: Asked, found: Behind, wanted: str) -> Answer | FlaskResponse:
    back = url_for("reports.behind", **asked.address(measure=found.measure.name, **found.only))
    count = found.size()
    try:
        paper = making.of_list(found, viewer.name)
    except KeyError:
        raise NotFound from None
    if wanted not in LIST_FORMATS or (wanted == "pdf" and count > PDF_ROWS):
        flash(
            f"超过{PDF_ROWS:,}行的清单请导出 Excel 或 CSV" if wanted == "pdf" else "清单请导出 Excel、PDF 或 CSV",
            "error",
        )
        return redirect(back, 303)
    kept = asked.days(asked.period.first, asked.period.last, measure=found.measure.name, unit_name=asked.unit.name,
                      **found.only)  # fmt: skip
    wish = Wish(f"{paper.title}，{asked.period.title}", wanted, kept, found.sees_names, count)
    if count > AT_ONCE:
        workflow.ask(viewer, asked, wish)
        flash(f"约{count:,}条，正在后台做，做好了给您发消息", "success")
        return redirect(url_for("reports.exports"), 303)
    workflow.record(viewer, asked, wish)
    if wanted == "csv":
        answer = FlaskResponse(stream_with_context(text.lines(paper)), mimetype="text/csv")
        answer.headers.set("Content-Disposition", "attachment", filename="list.csv")
        return answer
    return _file(making.document(paper, wanted), paper, wanted)


def _file(body: bytes, paper: Paper, wanted: str) -> Response:
    return send_file(
        io.BytesIO(body), mimetype=TYPES[SUFFIXES[wanted]], as_attachment=True,
        download_name=making.file_name(paper, wanted),
    )  # fmt: skip


@pages.page("/reports/exports", access="reports:export")
def exports() -> str:
    """The viewer's exports: how far they have come, and the files."""
    found = queries.list_own(access.viewer())
    return render_template(
        "services/reports/exports.html", exports=found, names=STATE_NAMES, formats=FORMAT_NAMES,
        is_moving=any(row.state in ("queued", "running") for row in found),
    )  # fmt: skip


@pages.page("/reports/exports/<export_id>/cancel", access="reports:export", methods=("POST",))
def cancel_export(export_id: str) -> Answer:
    """Want it no more."""
    viewer = access.viewer()
    job = queries.get_own(viewer, export_id[:16])
    try:
        workflow.cancel(viewer, job)
    except (InvalidStep, Stale):
        flash("这份已经做完或停下了，不用取消", "info")
    else:
        flash("已取消，没写完的文件不会留下", "success")
    return redirect(url_for("reports.exports"), 303)


@pages.page("/reports/exports/<export_id>/file", access="reports:export")
def export_file(export_id: str) -> Response:
    """The file, for who asked for it. Raises ``NotFound`` for everybody else and after its days."""
    job = queries.get_own(access.viewer(), export_id[:16])
    place = queries.folder() / job.file_name
    if job.state != "done" or not place.is_file():
        raise NotFound
    return send_file(place, mimetype=TYPES[SUFFIXES[job.format]], as_attachment=True,
                     download_name=f"{job.title}.{SUFFIXES[job.format]}")  # fmt: skip
