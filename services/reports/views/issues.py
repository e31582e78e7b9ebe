"""Reports that make themselves: the list, one of them beside today's figures, its papers, and who wants them."""

from __future__ import annotations

import io
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from core import access
from core.access import Forbidden, NotFound
from services.reports import tables, units, wording
from services.reports.asked import Asked
from services.reports.exports import making
from services.reports.exports import workflow as exports
from services.reports.exports.workflow import Wish
from services.reports.issues import papers, queries, workflow
from services.reports.papers import FORMAT_NAMES, SUFFIXES, TYPES
from services.reports.queries import Unit
from services.reports.views.blueprint import Answer, pages


@pages.page("/reports/issues", access="reports:read")
def issues() -> str:
    """Reports within reach, and a choice of which to be sent."""
    viewer = access.viewer()
    return render_template(
        "services/reports/issues.html", issues=queries.list_issues(viewer), kinds=queries.KIND_NAMES,
        units=units.list_units(viewer, request.args.get("find", "").strip()[:40]), own=queries.list_own(viewer),
    )  # fmt: skip


@pages.page("/reports/issues/<issue_id>", access="reports:read")
def issue(issue_id: str) -> str:
    """A report as it was frozen, and what would be other figures today."""
    viewer = access.viewer()
    found = queries.get_issue(viewer, issue_id[:16])
    return render_template(
        "services/reports/issue.html", issue=found, period=queries.period_of(found), lines=queries.compare(found),
        wording=wording, tables=tables, kinds=queries.KIND_NAMES, below=papers.units_table(found),
        may_export=viewer.may_at("reports:export", found.path),
        holds=workflow.digest_of(found.unit_id, queries.period_of(found), found.figures) == found.digest,
    )  # fmt: skip


@pages.page("/reports/issues/<issue_id>/paper", access="reports:export", methods=("POST",))
def issue_paper(issue_id: str) -> Answer:
    """The frozen report as a file, corrections apart."""
    viewer = access.viewer()
    found = queries.get_issue(viewer, issue_id[:16])
    if not viewer.may_at("reports:export", found.path):
        raise Forbidden
    wanted = request.form.get("format", "docx")
    if wanted not in FORMAT_NAMES:
        flash("请选 Excel、Word、PDF 或 CSV", "error")
        return redirect(url_for("reports.issue", issue_id=found.id), 303)
    paper = papers.paper_of(found, viewer.name)
    asked = Asked(Unit(found.unit_id, found.unit_name, found.path), queries.period_of(found))
    rows = sum(len(list(table.rows)) for table in paper.tables)
    exports.record(viewer, asked, Wish(paper.title, wanted, {"issue": found.id}, False, rows))
    return _file(making.document(paper, wanted), making.file_name(paper, wanted), TYPES[SUFFIXES[wanted]])


def _file(body: bytes, name: str, kind: str) -> Response:
    return send_file(io.BytesIO(body), mimetype=kind, as_attachment=True, download_name=name)


@pages.page("/reports/subscriptions", access="reports:read", methods=("POST",), writes=True)
def subscribe() -> Answer:
    """Want a unit's reports, or want them no more."""
    viewer, given = access.viewer(), request.form
    kind = given.get("kind", "")
    if kind not in queries.KIND_NAMES:
        raise NotFound
    body: Any = units.get_body(viewer, given.get("unit", "")[:16])
    if given.get("off"):
        workflow.unsubscribe(viewer, body.id, kind)
        flash(f"不再给您发{body.name}的{queries.KIND_NAMES[kind]}", "success")
    else:
        workflow.subscribe(viewer, body, kind)
        flash(f"订好了，{body.name}的{queries.KIND_NAMES[kind]}做好就给您发消息", "success")
    return redirect(url_for("reports.issues"), 303)
