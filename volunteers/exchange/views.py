"""The page of exchange: records taken out, records of other systems looked at, confirmed or dropped."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response

from core import access, clock
from core.sheets import SheetError
from core.web.blueprints import Pages
from core.web.forms import clean
from volunteers.exchange import exporting, queries, workflow
from volunteers.exchange.forms import ExportForm, ImportForm
from volunteers.exchange.groups import GROUPS, Asked
from volunteers.exchange.models import STATE_NAMES, State

pages = Pages("exchange", __name__)
Answer = Response | str | tuple[str, int]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pages.page("/exchange", access="exchange:read")
def index() -> str:
    """Take records out, bring records in, and what came before."""
    return _page(ExportForm(formdata=None), ImportForm(formdata=None))


def _page(leaving: ExportForm, coming: ImportForm) -> str:
    viewer = access.viewer()
    leaving.offer(queries.list_estates(viewer, "exchange:read"))
    coming.offer(queries.list_estates(viewer, "exchange:write"))
    return render_template(
        "volunteers/exchange/index.html", leaving=leaving, coming=coming, groups=GROUPS, names=STATE_NAMES,
        page=queries.list_imports(viewer, request.args.get("cursor")), may_reveal=viewer.may("people:reveal"),
    )  # fmt: skip


@pages.page("/exchange/export", access="exchange:read", methods=("POST",), writes=True)
def export() -> Answer:
    """Send the records of the chosen estates; that they were taken, by whom and how many, is kept first."""
    viewer, form = access.viewer(), ExportForm()
    form.offer(queries.list_estates(viewer, "exchange:read"))
    if not form.validate():
        return _page(form, ImportForm(formdata=None)), 422
    estates = [queries.get_estate(viewer, id_, "exchange:read") for id_ in form.chosen()]
    asked = Asked([one.id for one in estates], form.first.data, form.last.data, clock.now(), bool(form.full.data))
    try:
        workflow.record_export(viewer, estates, asked, form.reason.data or "")
    except access.Forbidden as problem:
        form.full.errors = [str(problem)]
        return _page(form, ImportForm(formdata=None)), 422
    as_json = form.kind.data == "json"
    pieces = exporting.stream_document(asked) if as_json else exporting.stream_tables(asked)
    answer = FlaskResponse(stream_with_context(pieces), mimetype="application/json" if as_json else "application/zip")
    name = f"records-{clock.today():%Y%m%d}.{'json' if as_json else 'zip'}"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer


@pages.page("/exchange/imports", access="exchange:write", methods=("POST",))
def upload() -> Answer:
    """Read a file of another system and lead to its preview. No transaction is open while it is read."""
    viewer, form = access.viewer(), ImportForm()
    form.offer(queries.list_estates(viewer, "exchange:write"))
    if not form.validate():
        return _page(ExportForm(formdata=None), form), 422
    estate = queries.get_estate(viewer, form.estate.data, "exchange:write")
    name = clean(form.file.data.filename).replace("/", "_").replace("\\", "_")
    try:
        import_id = workflow.upload(viewer, estate, form.origin.data or "", name, form.file.data.read())
    except SheetError as error:
        form.file.errors = [error.message_zh]
        return _page(ExportForm(formdata=None), form), 422
    return redirect(url_for("exchange.show", record_id=import_id), 303)


@pages.page("/exchange/imports/<record_id>", access="exchange:write")
def show(record_id: str) -> str:
    """What a file would bring, or what it brought."""
    row, estate = queries.get_import(access.viewer(), record_id)
    return render_template(
        "volunteers/exchange/show.html", row=row, estate=estate, s=row.summary, waits=row.state == State.PREVIEWED,
        state_name=STATE_NAMES[row.state],
    )  # fmt: skip


@pages.page("/exchange/imports/<record_id>/confirm", access="exchange:write", methods=("POST",))
def confirm(record_id: str) -> Response:
    """Bring the records in. The file is read again before the transaction begins."""
    viewer = access.viewer()
    row, estate = queries.get_import(viewer, record_id)
    count = workflow.confirm(viewer, row, estate)
    flash(f"已导入{count}条记录，时长记进了志愿者名下", "success")
    return redirect(url_for("exchange.show", record_id=record_id), 303)


@pages.page("/exchange/imports/<record_id>/drop", access="exchange:write", methods=("POST",), writes=True)
def drop(record_id: str) -> Response:
    """Throw a file away."""
    viewer = access.viewer()
    workflow.drop(viewer, queries.get_import(viewer, record_id)[0])
    flash("这份记录没有导入，已经丢弃", "success")
    return redirect(url_for("exchange.index"), 303)


@pages.page("/exchange/imports/<record_id>/left.xlsx", access="exchange:write")
def left(record_id: str) -> FlaskResponse:
    """The rows that did not come in, each with its reason."""
    row, estate = queries.get_import(access.viewer(), record_id)
    answer = FlaskResponse(workflow.left_workbook(row), mimetype=XLSX)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{estate.name}未导入的记录.xlsx")
    return answer
