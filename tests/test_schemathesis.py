"""The description of the API against the API: generated requests, as several people, at every call."""

from __future__ import annotations

from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.api.description import description
from core.database import begin_write, db
from services.dispatch import workflow as dispatch
from services.orders import workflow
from services.orders.workflow import Wish
from tests.factories import World

CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
)  # fmt: skip
EXAMPLES = 15


def ids(world: World) -> dict[str, list[str]]:
    """Ids that exist, so that generated requests find something."""
    resident, secretary, helper = (world[name].viewer() for name in ("resident", "secretary", "volunteer1"))
    orders = [workflow.place(resident, Wish("elder_shopping")).id for _ in range(4)]
    for order_id in orders[:3]:
        workflow.dispatch(secretary, order_id, volunteers=[helper.person_id])
    for order_id in orders[:2]:
        workflow.accept(helper, order_id)
        workflow.check_in(helper, order_id)
    workflow.complete(helper, orders[0], 1, "")
    begin_write()
    plan = dispatch.propose(secretary, world.estates["banyan"].id, None)
    db.session.commit()
    return {"orders": orders, "dispatch-plans": [plan.id], "people": [world["neighbour"].id], "volunteers": ["me"]}


def operations(app: Flask) -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    return [found.ok() for found in schema.get_all_operations()]


def test_the_api_does_what_its_description_says(app: Flask, world: World) -> None:
    with app.app_context():
        known = ids(world)
    tokens = [world[name].token for name in ("resident", "volunteer1", "secretary")]
    seen: set[int] = set()
    for operation in operations(app):
        if operation.path == "/tokens/current":
            continue
        there = known.get(operation.path.split("/")[1], [])

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(),
            token=st.sampled_from(tokens),
            some=st.sampled_from(there) if there else st.none(),
        )
        def ask(case: Any, token: str, some: str | None) -> None:
            if some is not None and case.path_parameters:
                case.path_parameters = dict.fromkeys(case.path_parameters, some)
            answer = case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)
            seen.add(answer.status_code)

        ask()
    assert seen >= {200, 403, 404, 409, 422}


def test_the_description_holds_every_call(app: Flask) -> None:
    described = {(method.upper(), "/api/v1" + path) for path, item in description()["paths"].items() for method in item}
    served = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api.")
    }
    assert described == served


def test_the_description_is_served_to_anybody(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.json["openapi"] == "3.1.0"
    assert "token" in answer.json["components"]["securitySchemes"]
