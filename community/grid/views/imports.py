"""Rolls on the page: uploaded, looked at, confirmed or dropped."""

from __future__ import annotations

from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.grid import queries
from community.grid.forms import UploadForm
from community.grid.views.estates import pages
from community.grid.workflow import imports as workflow
from core import access
from core.sheets import SheetError, write_workbook
from core.web.forms import clean

Answer = Response | str | tuple[str, int]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEMPLATE = tuple("楼栋 单元 房号 与户主关系 姓名 性别 身份证号 联系电话 政治面貌 居住情况 困难类别 备注".split())
EXAMPLE = ("3栋", "2单元", "501", "户主", "张三（举例，请删去）", "女", "", "", "群众", "自住", "独居", "")


@pages.page("/imports", access="people:import")
def imports() -> str:
    """Past imports, and a new one."""
    return _page(UploadForm(formdata=None))


def _page(form: UploadForm) -> str:
    viewer = access.viewer()
    form.offer(queries.list_importable(viewer))
    page = queries.list_imports(viewer, cursor=request.args.get("cursor"))
    return render_template("community/grid/imports.html", form=form, page=page)


@pages.page("/imports/upload", access="people:import", methods=("POST",))
def upload() -> Answer:
    """Read an uploaded file and lead to its preview. Reading takes a while, so no transaction is open meanwhile."""
    viewer, form = access.viewer(), UploadForm()
    form.offer(queries.list_importable(viewer))
    if not form.validate():
        return _page(form), 422
    estate = queries.get_estate(viewer, form.estate.data, "people:import")
    name = clean(form.file.data.filename).replace("/", "_").replace("\\", "_")
    try:
        import_id = workflow.upload(viewer, estate, name, form.file.data.read())
    except SheetError as error:
        form.file.errors = [error.message_zh]
        return _page(form), 422
    return redirect(url_for("grid.preview", import_id=import_id))


@pages.page("/imports/template.xlsx", access="people:import")
def template() -> FileResponse:
    """An empty roll with the usual columns."""
    return _file(write_workbook("居民花名册", TEMPLATE, [EXAMPLE]), "居民花名册模板.xlsx")


def _file(data: bytes, name: str) -> FileResponse:
    response = FileResponse(data, mimetype=XLSX)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@pages.page("/imports/<import_id>", access="people:import")
def preview(import_id: str) -> Answer:
    """What an uploaded roll would change."""
    row, estate = queries.get_import(access.viewer(), import_id)
    if row.state != "previewed":
        return redirect(url_for("grid.result", import_id=import_id))
    leavers = queries.list_leavers(estate.id, row.summary.get("leavers", []))
    return render_template("community/grid/preview.html", row=row, estate=estate, s=row.summary, leavers=leavers)


@pages.page("/imports/<import_id>/confirm", access="people:import", methods=("POST",))
def confirm(import_id: str) -> Response:
    """Bring the roll in. The file is read again before the transaction begins."""
    viewer = access.viewer()
    row, estate = queries.get_import(viewer, import_id)
    workflow.confirm(viewer, row, estate, request.form.getlist("leaving"))
    flash("名册已导入", "success")
    return redirect(url_for("grid.result", import_id=import_id))


@pages.page("/imports/<import_id>/result", access="people:import")
def result(import_id: str) -> Answer:
    """What an import did."""
    row, estate = queries.get_import(access.viewer(), import_id)
    if row.state == "previewed":
        return redirect(url_for("grid.preview", import_id=import_id))
    return render_template("community/grid/result.html", row=row, estate=estate, s=row.summary)


@pages.page("/imports/<import_id>/refused.xlsx", access="people:import")
def refused(import_id: str) -> FileResponse:
    """The rows that were not taken, to be mended and uploaded again."""
    row, estate = queries.get_import(access.viewer(), import_id)
    return _file(workflow.refused_workbook(row), f"{estate.name}未导入的行.xlsx")


@pages.page("/imports/<import_id>/drop", access="people:import", methods=("POST",), writes=True)
def drop(import_id: str) -> Response:
    """Throw an uploaded roll away."""
    viewer = access.viewer()
    row, _ = queries.get_import(viewer, import_id)
    workflow.drop(viewer, row)
    flash("这份名册没有导入，已经丢弃", "success")
    return redirect(url_for("grid.imports"))


__all__ = ["pages"]
