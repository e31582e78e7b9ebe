"""The JSON API: endpoints declared with their models, guarded, and described by the same declaration.

A handler gets the viewer, the path's values and the validated ``body`` or ``query`` and returns a JSON-able value.
POST takes ``Idempotency-Key``: the same key and request give the first answer again, another request with it 422.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from flask import Blueprint, Flask, Response, g, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from core import access, idempotency
from core.access import PUBLIC, SIGNED_IN, Forbidden, NotFound, Viewer
from core.api.problems import Problem, invalid
from core.database import begin_write, db, fast
from core.web.paging import BadCursor
from core.workflow import InvalidStep, ReasonMissing, Stale

log = logging.getLogger(__name__)
PREFIX = "/api/v1"
MAX_BODY = 1_000_000
Handler = TypeVar("Handler", bound=Callable[..., Any])
Resolve = Callable[[str, str | None], tuple[Viewer, tuple[str, int, str] | None] | None]


@dataclass(frozen=True)
class Endpoint:
    """One call of the API."""

    method: str
    rule: str
    name: str
    access: str
    summary: str
    handler: Callable[..., Any]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    refusals: tuple[int, ...]
    writes: bool
    paths: dict[str, str] = field(default_factory=dict)
    also: tuple[int, ...] = ()


_endpoints: list[Endpoint] = []


def call(
    method: str, rule: str, *, access: str, summary: str, body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None, answer: type[BaseModel] | None = None, status: int = 200,
    refusals: Sequence[int] = (), writes: bool = False, also: Sequence[int] = (),
) -> Callable[[Handler], Handler]:  # fmt: skip
    """Declare a call. ``refusals`` are statuses beyond those every call shares; ``writes``: through ``db.session``;
    ``also``: further statuses of success, with the same answer."""

    def declare(handler: Handler) -> Handler:
        name = f"{handler.__module__.rsplit('.', 2)[-2]}_{handler.__name__}"
        _endpoints.append(
            Endpoint(
                method,
                rule,
                name,
                access,
                summary,
                handler,
                body,
                query,
                answer,
                status,
                tuple(refusals),
                writes,
                also=tuple(also),
            )
        )
        return handler

    return declare


def endpoints() -> Sequence[Endpoint]:
    """All declared calls."""
    return _endpoints


def init_app(app: Flask, resolve: Resolve) -> None:
    """Put all declared calls on the application. Raises ``ValueError`` for an access nobody declared."""
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
    for endpoint in _endpoints:
        if not access.known(endpoint.access):
            raise ValueError(f"{endpoint.name} names the unknown access {endpoint.access!r}")
        rule = endpoint.rule.replace("{", "<").replace("}", ">")
        blueprint.add_url_rule(rule, endpoint.name, _view(endpoint, resolve), methods=[endpoint.method])
    app.register_blueprint(blueprint)


def is_api() -> bool:
    """Whether this request is one for the API, known route or not."""
    return request.path.startswith("/api/")


def _view(endpoint: Endpoint, resolve: Resolve) -> Callable[..., Response]:
    def view(**values: str) -> Response:
        try:
            return _answer(endpoint, resolve, values)
        except Exception as error:
            db.session.rollback()
            return _answer_of_twin(resolve, error) or problem_of(error).response()

    return view


def problem_of(error: Exception) -> Problem:
    """The refusal that an exception amounts to; unexpected ones are logged and become 500."""
    match error:
        case Problem():
            return error
        case NotFound():
            return Problem(404, "not-found", "没有找到，或者不在您的范围内")
        case Forbidden():
            return Problem(403, "forbidden", str(error))
        case Stale():
            return Problem(409, "changed-meanwhile", "别人刚刚处理过，请看最新情况再试")
        case InvalidStep():
            return Problem(409, "invalid-transition", str(error), state=error.state, allowed=[])
        case ReasonMissing():
            return Problem(422, "invalid-input", "请写明原因", {"reason": ["请写明原因"]})
        case BadCursor():
            return Problem(422, "invalid-input", str(error), {"cursor": [str(error)]})
        case HTTPException():
            status = error.code or 500
            return Problem(status, "http-error", "请求没有成功，请检查地址、方法和内容")
    log.exception("API error at %s", request.endpoint)
    return Problem(500, "internal-error", "系统出了问题，已经记下，请稍后再试")


def _answer_of_twin(resolve: Resolve, error: Exception) -> Response | None:
    """The answer of the same request when it came in twice at one moment and the other one was first."""
    held = idempotency.pending()
    late = isinstance(error, IntegrityError | Stale | InvalidStep | Forbidden) or getattr(error, "status", 0) == 409
    found = resolve(access.viewer().token_id, held.key) if held is not None and late else None
    if held is None or found is None or found[1] is None:
        return None
    try:
        return _replay(found[1], held.request_digest)
    except Problem as other:
        return other.response()


def _answer(endpoint: Endpoint, resolve: Resolve, values: dict[str, str]) -> Response:
    raw = _body_bytes()
    if any("\0" in value for value in values.values()):
        raise NotFound
    if endpoint.access != PUBLIC:
        replay = _admit(endpoint, resolve, raw)
        if replay is not None:
            return replay
    arguments: dict[str, Any] = dict(values)
    if endpoint.body is not None:
        arguments["body"] = _parse(endpoint.body, raw)
    if endpoint.query is not None:
        arguments["query"] = _query(endpoint.query)
    if endpoint.writes:
        begin_write()
    response = _respond(endpoint, endpoint.handler(**arguments))
    if idempotency.pending() is not None:
        _keep(response)
    if endpoint.writes:
        db.session.commit()
    return response


def _body_bytes() -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise Problem(413, "too-large", "内容太大，最多 1 MB")
    return request.get_data(cache=False)


def _admit(endpoint: Endpoint, resolve: Resolve, raw: bytes) -> Response | None:
    header = request.headers.get("Authorization", "")
    token = header[7:].strip() if header[:7].lower() == "bearer " else ""
    key = request.headers.get("Idempotency-Key") if endpoint.method == "POST" else None
    if key is not None and (not 1 <= len(key) <= 200 or not key.isprintable()):
        raise Problem(422, "invalid-input", "Idempotency-Key 要 1 到 200 个可见字符", {"Idempotency-Key": ["长度不对"]})
    found = resolve(token, key) if token else None
    if found is None:
        raise Problem(401, "unauthenticated", "请先登录；令牌无效或已过期")
    g.viewer, prior = found
    if key is not None:
        asked = idempotency.digest(endpoint.method, request.path, raw)
        if prior is not None:
            return _replay(prior, asked)
        g.idempotency = idempotency.Pending(g.viewer.account_id, key, asked)
    if g.viewer.must_change_password:
        raise Problem(403, "password-change-required", "请先在网页上修改初始密码")
    if endpoint.access != SIGNED_IN and not g.viewer.may(endpoint.access):
        raise Forbidden
    return None


def _replay(prior: tuple[str, int, str], asked: str) -> Response:
    digest, status, answer = prior
    if digest != asked:
        raise Problem(422, "idempotency-key-reused", "这个 Idempotency-Key 用在过别的请求上，请换一个")
    response = Response(idempotency.opened(answer), status, mimetype="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _parse(model: type[BaseModel], raw: bytes) -> BaseModel:
    try:
        data = orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Problem(400, "malformed-json", "内容不是有效的 JSON") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(error.errors()) from error


def _query(model: type[BaseModel]) -> BaseModel:
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise invalid(error.errors()) from error


def dumps(value: Any) -> bytes:
    """A JSON answer: times in RFC 3339 with offset."""

    def plain(item: Any) -> Any:
        if isinstance(item, datetime):
            return item.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(item, BaseModel):
            return item.model_dump()
        raise TypeError(type(item).__name__)

    return orjson.dumps(value, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _respond(endpoint: Endpoint, value: Any) -> Response:
    if isinstance(value, Response):
        return value
    if value is None:
        return Response(status=204)
    payload = value if isinstance(value, bytes) else dumps(value)
    return Response(payload, endpoint.status, mimetype="application/json")


def _keep(response: Response) -> None:
    """Keep the answer under the request's key: in the transaction of what was done, or after steps that stand alone."""
    values = idempotency.key_values(response.status_code, response.get_data(as_text=True))
    try:
        idempotency.KEEP.run(db.session.connection() if db.session().in_transaction() else fast(), values)
    except IntegrityError as error:
        raise Problem(409, "changed-meanwhile", "同一个请求正在办理，请稍后再查") from error
