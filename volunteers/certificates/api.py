"""Certificates over the public API."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for
from pydantic import BaseModel, ConfigDict, Field

from core import access
from core.api.endpoints import call
from core.api.problems import Problem
from volunteers.certificates import workflow


class Period(BaseModel):
    """Whole days, both included."""

    model_config = ConfigDict(populate_by_name=True)
    first: date = Field(alias="from")
    last: date = Field(alias="to")


class CertificateBody(BaseModel):
    """An issued certificate; both addresses are relative, the first is public."""

    number: str
    total_minutes: int
    verify_url: str
    pdf_url: str


@call("POST", "/volunteers/me/certificates", access="orders:serve", summary="出具志愿服务记录证明", body=Period,
      answer=CertificateBody, status=201, writes=True)  # fmt: skip
def create(body: Period) -> dict[str, Any]:
    """Certify one's own hours in a period."""
    try:
        made = workflow.issue(access.viewer(), body.first, body.last)
    except workflow.Refused as problem:
        raise Problem(422, "invalid-input", str(problem), {problem.field: [str(problem)]}) from problem
    return {
        "number": made.number,
        "total_minutes": made.total_minutes,
        "verify_url": url_for("certificates.verify", number=made.number),
        "pdf_url": url_for("certificates.pdf", number=made.number),
    }
