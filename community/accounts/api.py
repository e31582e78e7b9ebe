"""Sign-in of the public API, and who one is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, request
from pydantic import BaseModel, Field

from community.accounts import workflow
from community.accounts.queries import resolve
from core import access
from core.access import PUBLIC, SIGNED_IN
from core.api.endpoints import call
from core.api.problems import Problem


class TokenBody(BaseModel):
    """Phone and password."""

    phone: str = Field(max_length=40)
    password: str = Field(max_length=200)


class Me(BaseModel):
    """Who signed in."""

    id: str
    name: str
    roles: list[str]


class TokenAnswer(BaseModel):
    """A token, shown once."""

    token: str
    expires_at: datetime
    person: Me


class Household(BaseModel):
    """Where the caller lives."""

    id: str
    estate: str


class PostBody(BaseModel):
    """A post the caller holds."""

    role: str
    organisation_id: str
    organisation: str


class MeAnswer(Me):
    """Who the caller is and what the caller may do."""

    estate: str | None
    household: Household | None
    appointments: list[PostBody]
    permissions: list[str]


@call(
    "POST",
    "/tokens",
    access=PUBLIC,
    summary="登录",
    body=TokenBody,
    answer=TokenAnswer,
    status=201,
    refusals=(401, 429),
)
def sign_in(body: TokenBody) -> dict[str, Any]:
    """Begin a sign-in."""
    settings = current_app.extensions["linju.settings"]
    try:
        done = workflow.sign_in(settings, body.phone.strip(), body.password, request.remote_addr or "", "api")
    except workflow.TooManyAttempts as error:
        raise Problem(429, "too-many-attempts", "试的次数太多了，请5分钟后再试") from error
    except workflow.WrongCredentials as error:
        raise Problem(401, "invalid-credentials", "手机号或密码不对") from error
    found = resolve(done.token, "api")
    if found is None:
        raise Problem(401, "invalid-credentials", "手机号或密码不对")
    viewer = found.viewer
    person = {"id": viewer.person_id, "name": viewer.name, "roles": list(viewer.roles)}
    return {"token": done.token, "expires_at": done.expires_at, "person": person}


@call("DELETE", "/tokens/current", access=SIGNED_IN, summary="退出登录", status=204)
def sign_out() -> None:
    """End the sign-in of the token."""
    workflow.sign_out(access.viewer().token_id)


@call("GET", "/me", access=SIGNED_IN, summary="我是谁", answer=MeAnswer)
def me() -> dict[str, Any]:
    """The caller."""
    viewer = access.viewer()
    posts = [
        {"role": post.role, "organisation_id": post.organisation_id, "organisation": post.organisation_name}
        for post in viewer.posts
        if post.organisation_id
    ]
    home = {"id": viewer.household_id, "estate": viewer.estate_name} if viewer.household_id else None
    return {
        "id": viewer.person_id, "name": viewer.name, "roles": list(viewer.roles), "estate": viewer.estate_id,
        "household": home, "appointments": posts, "permissions": list(viewer.granted()),
    }  # fmt: skip
