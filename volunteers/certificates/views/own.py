"""Certificates of service: asking for one, checking one, printing one."""

from __future__ import annotations

from datetime import date

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for

from core import access, clock
from core.access import PUBLIC, SIGNED_IN
from volunteers.certificates import limits, queries, workflow
from volunteers.certificates.forms import CompareForm, PeriodForm, WithdrawForm
from volunteers.certificates.seals import Compared, compare_file
from volunteers.certificates.views.blueprint import Answer, pages, verify_url

MOST_BYTES = 2 * 1024 * 1024


@pages.page("/certificates/new", access="orders:serve", methods=("GET", "POST"), writes=True)
def ask() -> Answer:
    """Ask for a certificate of one's own hours; those issued before stand below."""
    viewer, form, status = access.viewer(), PeriodForm(), 200
    if form.is_submitted():
        status = 422
        if form.validate() and form.first.data and form.last.data:
            try:
                made = workflow.issue(viewer, form.first.data, form.last.data)
            except workflow.Refused as problem:
                field = form.last if problem.field == "to" else form.first
                field.errors = [str(problem)]
            else:
                return redirect(url_for("certificates.verify", number=made.number))
    else:
        form.first.data, form.last.data = date(clock.today().year, 1, 1), clock.today()
    return render_template("volunteers/certificates/new.html", form=form, issued=queries.list_own(viewer)), status


@pages.page("/certificates", access=PUBLIC)
def find() -> Answer:
    """Type a number to check it."""
    number = queries.tidy_number(request.args.get("number", "")[:40])
    if number:
        return redirect(url_for("certificates.verify", number=number))
    return render_template("volunteers/certificates/verify.html", found=None, number="", mine=False)


@pages.page("/certificates/<number>", access=PUBLIC)
def verify(number: str) -> Answer:
    """What anyone who holds the number may know: the masked name, hours, body and date."""
    return _checked(number)


@pages.page("/certificates/<number>/compare", access=PUBLIC, methods=("POST",))
def compare(number: str) -> Answer:
    """Whether a file is, byte for byte, the one that was issued. It is looked at and not kept."""
    form = CompareForm()
    limits.check()
    limits.count()
    if not form.validate():
        return _checked(number, form=form, status=422)
    data = form.file.data.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        form.file.errors = ["文件太大，证明的 PDF 不超过2MB"]
        return _checked(number, form=form, status=422)
    return _checked(number, compared=compare_file(data, queries.tidy_number(number[:40])))


@pages.page("/certificates/<number>/withdraw", access="certificates:revoke", methods=("POST",), writes=True)
def withdraw(number: str) -> Answer:
    """Say publicly that a certificate no longer holds."""
    viewer, form = access.viewer(), WithdrawForm()
    certificate = queries.get_to_withdraw(viewer, number[:40])
    if not form.validate():
        return _checked(number, withdrawing=form, status=422)
    workflow.withdraw(viewer, certificate, form.reason.data or "")
    flash("证明已撤回，核对的人会看到原因", "success")
    return redirect(url_for("certificates.verify", number=certificate.number), 303)


def _checked(
    number: str, *, form: CompareForm | None = None, withdrawing: WithdrawForm | None = None,
    compared: Compared | None = None, status: int = 200,
) -> Answer:  # fmt: skip
    limits.check()
    found, viewer = queries.find_certificate(number[:40]), access.find_viewer()
    if found is None:
        limits.count()
    mine = found is not None and viewer is not None and viewer.person_id == found.certificate.volunteer_id
    page = render_template(
        "volunteers/certificates/verify.html", found=found, number=number[:40], mine=mine, compared=compared,
        form=form or CompareForm(formdata=None), withdrawing=withdrawing or WithdrawForm(formdata=None),
        may_print=bool(found and viewer and viewer.may_at("hours:read", found.estate_path)),
        may_withdraw=bool(
            found and not found.withdrawal and viewer and viewer.may_at("certificates:revoke", found.estate_path)
        ),
    )  # fmt: skip
    return page, status if found else 404


@pages.page("/certificates/<number>.pdf", access=SIGNED_IN)
def pdf(number: str) -> FlaskResponse:
    """The certificate to print: it bears the full name, so it is for the volunteer and who may read the hours."""
    certificate, contents = queries.get_for_print(access.viewer(), number)
    # Loaded by whoever prints: it takes half a second and 27 MB, which every start would pay.
    from volunteers.certificates import paper

    data = paper.draw(paper.Paper(certificate, contents, verify_url(certificate.number)))
    answer = FlaskResponse(data, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="certificate-{certificate.number}.pdf"'
    return answer
