"""The OpenAPI 3.1 description, generated from the declared calls and their models."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from core.access import PUBLIC
from core.api.endpoints import PREFIX, Endpoint, endpoints
from core.api.problems import MIME, TITLES, ProblemBody

REF = "#/components/schemas/{model}"


@cache
def description() -> dict[str, Any]:
    """The whole document."""
    used = {m for e in endpoints() for m in (e.body, e.query, e.answer) if m is not None} | {ProblemBody}
    ordered = sorted(used, key=lambda m: m.__name__)
    inputs = {m for e in endpoints() for m in (e.body, e.query) if m is not None}
    pairs: Any = [(m, "validation" if m in inputs else "serialization") for m in ordered]
    refs, definitions = models_json_schema(pairs, ref_template=REF)
    schemas = definitions.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints():
        paths.setdefault(endpoint.rule, {})[endpoint.method.lower()] = _operation(endpoint, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Linju 邻聚 API", "version": "1", "description": "点单、派单、接单与服务时长"},
        "servers": [{"url": PREFIX}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, refs: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    mode = "serialization"
    answer: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        answer["content"] = {"application/json": {"schema": refs[(endpoint.answer, mode)]}}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": _path_parameters(endpoint.rule) + _query_parameters(endpoint, schemas),
        "responses": {str(status): answer for status in (endpoint.status, *endpoint.also)} | _refusals(endpoint),
        "security": [] if endpoint.access == PUBLIC else [{"token": []}],
    }
    if endpoint.method == "POST" and endpoint.access != PUBLIC:
        schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"}
        operation["parameters"].append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema})
    if endpoint.body is not None:
        content = {"application/json": {"schema": refs[(endpoint.body, "validation")]}}
        needed = bool(schemas[endpoint.body.__name__].get("required"))
        operation["requestBody"] = {"required": needed, "content": content}
    return operation


def _path_parameters(rule: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", rule)
    return [{"name": n, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for n in names]


def _query_parameters(endpoint: Endpoint, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = schemas[endpoint.query.__name__]
    needed = schema.get("required", [])
    found = schema.get("properties", {}).items()
    return [{"name": n, "in": "query", "required": n in needed, "schema": s} for n, s in found]


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    statuses = set(endpoint.refusals) | {400, 413, 500}
    if endpoint.access != PUBLIC:
        statuses |= {401, 403}
    if endpoint.body is not None or endpoint.query is not None or endpoint.method == "POST":
        statuses.add(422)
    if "{" in endpoint.rule:
        statuses.add(404)
    content = {MIME: {"schema": {"$ref": REF.format(model="ProblemBody")}}}
    return {str(s): {"description": TITLES.get(s, "没有办成"), "content": content} for s in sorted(statuses)}
