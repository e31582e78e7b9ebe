"""Certificates of service: asking for one, checking one, printing one."""

from __future__ import annotations

from datetime import date

from flask import Response as FlaskResponse
from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access, clock
from core.access import PUBLIC, SIGNED_IN
from core.config import Settings
from core.web.blueprints import Pages
from volunteers.certificates import queries, workflow
from volunteers.certificates.forms import PeriodForm

pages = Pages("certificates", __name__)
Answer = Response | str | tuple[str, int]


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
    found = queries.find_certificate(number[:40])
    viewer = access.find_viewer()
    mine = found is not None and viewer is not None and viewer.person_id == found.certificate.volunteer_id
    page = render_template("volunteers/certificates/verify.html", found=found, number=number[:40], mine=mine)
    return page, 200 if found else 404


@pages.page("/certificates/<number>.pdf", access=SIGNED_IN)
def pdf(number: str) -> FlaskResponse:
    """The certificate to print: it bears the full name, so it is for the volunteer and who may read the hours."""
    certificate, contents = queries.get_for_print(access.viewer(), number)
    settings: Settings = current_app.extensions["linju.settings"]
    base = settings.public_url or request.host_url.rstrip("/")
    address = base + url_for("certificates.verify", number=certificate.number)
    # Loaded by whoever prints: it takes half a second and 27 MB, which every start would pay.
    from volunteers.certificates import paper

    answer = FlaskResponse(paper.draw(certificate, contents, address), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="certificate-{certificate.number}.pdf"'
    return answer
