"""Certificates for many at once: asked for, watched, stopped, taken away as one PDF or as an archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response

from core import access, audit, clock
from core.access import NotFound
from core.archives import Member, stream_zip
from core.audit import Subject
from volunteers.certificates import batches, workflow
from volunteers.certificates.forms import BatchForm
from volunteers.certificates.models import BATCH_NAMES, UNDER_WAY, Certificate
from volunteers.certificates.queries import contents_of
from volunteers.certificates.views.blueprint import Answer, pages, verify_url


@pages.page("/certificates/batches", access="certificates:batch", methods=("GET", "POST"), writes=True)
def batch_list() -> Answer:
    """Batches within reach, and a new one."""
    viewer, form, status = access.viewer(), BatchForm(), 200
    form.offer(batches.list_estates(viewer))
    if form.is_submitted():
        status = 422
        if form.validate() and (made := _queue(form)):
            return redirect(url_for("certificates.batch", batch_id=made), 303)
    else:
        form.first.data, form.last.data = date(clock.today().year, 1, 1), clock.today()
    page = batches.list_batches(viewer, request.args.get("cursor"))
    teams = batches.list_teams(viewer)
    return render_template(
        "volunteers/certificates/batches.html", form=form, page=page, teams=teams, names=BATCH_NAMES
    ), status


def _queue(form: BatchForm) -> str | None:
    viewer = access.viewer()
    estate = batches.get_estate(viewer, form.estate.data)
    assert form.first.data and form.last.data
    try:
        chosen = workflow.choose(estate, form.team.data or "", form.chosen_numbers())
        return workflow.queue(viewer, estate, chosen, form.first.data, form.last.data)
    except workflow.Refused as problem:
        field = {"from": form.first, "to": form.last, "numbers": form.numbers}.get(problem.field, form.team)
        field.errors = [str(problem)]
        return None


@pages.page("/certificates/batches/<batch_id>", access="certificates:batch", passive=True)
def batch(batch_id: str) -> str:
    """How far a batch is; the page asks again by itself until it is done."""
    row = batches.get_progress(access.viewer(), batch_id)
    return render_template(
        "volunteers/certificates/batch.html", row=row, names=BATCH_NAMES, under_way=row.state in UNDER_WAY,
        left_out=batches.list_left_out(batch_id) if row.left_out else (),
    )  # fmt: skip


@pages.page("/certificates/batches/<batch_id>/cancel", access="certificates:batch", methods=("POST",), writes=True)
def cancel_batch(batch_id: str) -> Response:
    """Issue no more of it."""
    viewer = access.viewer()
    workflow.cancel(viewer, batches.get_batch(viewer, batch_id))
    flash("已停止，开出来的证明仍然有效", "success")
    return redirect(url_for("certificates.batch", batch_id=batch_id), 303)


@pages.page("/certificates/batches/<batch_id>/file", access="certificates:batch", methods=("POST",), writes=True)
def batch_file(batch_id: str) -> FlaskResponse:
    """The papers of a batch: one PDF, or an archive of single ones. That they were taken, and by whom, is kept."""
    viewer = access.viewer()
    row, found = batches.get_progress(viewer, batch_id), batches.get_batch(viewer, batch_id)
    if not row.issued:
        raise NotFound
    kind = "zip" if request.form.get("kind") == "zip" else "pdf"
    subject = Subject("certificate_batch", batch_id, found.estate_id)
    audit.record(viewer.person_id, viewer.name, "take_batch", subject, details={"count": row.issued, "file": kind})
    if kind == "zip":
        answer = FlaskResponse(stream_with_context(stream_zip(_members(batch_id), compress=False)))
        answer.mimetype = "application/zip"
    else:
        from volunteers.certificates import paper

        papers = [paper.Paper(*one) for one in _facts(batch_id)]
        answer = FlaskResponse(paper.draw_together(papers, batch_id), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="certificates-{batch_id}.{kind}"'
    return answer


def _facts(batch_id: str) -> list[tuple[Certificate, list[str], str]]:
    return [
        (one, contents_of(one), verify_url(one.number)) for some in batches.each_certificate(batch_id) for one in some
    ]


def _members(batch_id: str) -> Iterator[Member]:
    """The papers as members: the fonts are cut once for all, then once more for each share."""
    from volunteers.certificates import paper

    papers = [paper.Paper(*one) for one in _facts(batch_id)]
    with paper.cut_fonts(papers) as small:
        for start in range(0, len(papers), paper.SHARE):
            share = papers[start : start + paper.SHARE]
            with paper.cut_fonts(share, small) as smaller:
                for one in share:
                    number = one.certificate.number
                    yield f"{number}.pdf", [paper.draw(one, smaller)]
