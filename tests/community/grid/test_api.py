"""Households and reveals for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.community.grid.conftest import World

Token = Callable[[str], dict[str, str]]


def test_households_are_masked_and_cut_to_reach(client: FlaskClient, token: Token, world: World) -> None:
    answer = client.get("/api/v1/households", headers=token("secretary")).json
    labels = [item["label"] for item in answer["items"]]
    assert sorted(labels) == sorted(["3栋2单元501", "3栋2单元502", "3栋1单元101", "4栋1单元301", "4栋1单元302"])
    home = next(item for item in answer["items"] if item["id"] == world.household)
    assert home == {"id": world.household, "label": "3栋2单元501", "building": "3栋", "unit": 2, "door": "501",
                    "people": [{"id": world.person, "name": "沈**", "phone": "139****1111"}]}  # fmt: skip


@pytest.mark.parametrize(("q", "count"), [("501", 1), ("3栋", 3), ("syl", 1), ("单雅春", 1), ("%", 0), ("无", 0)])
def test_households_are_found(client: FlaskClient, token: Token, q: str, count: int) -> None:
    answer = client.get("/api/v1/households", query_string={"q": q}, headers=token("grid_worker"))
    assert len(answer.json["items"]) == count


def test_households_come_in_pages_in_two_statements(
    client: FlaskClient, token: Token, statements: Callable[[], Any]
) -> None:
    headers, found, cursor = token("secretary"), [], None
    for _ in range(3):
        with statements() as seen:
            answer = client.get("/api/v1/households", query_string={"limit": 2, "cursor": cursor}, headers=headers).json
        assert len(seen) <= 2
        found += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
    assert cursor is None
    assert len(found) == len(set(found)) == 5


def test_a_building_of_another_estate_has_no_households(client: FlaskClient, token: Token, world: World) -> None:
    answer = client.get(f"/api/v1/households?building={world.other_building}", headers=token("secretary"))
    assert answer.json["items"] == []


@pytest.mark.parametrize(("who", "status"), [("steward", 403), ("admin", 403), ("community", 403), ("outsider", 200)])
def test_who_may_list_households(client: FlaskClient, token: Token, who: str, status: int) -> None:
    assert client.get("/api/v1/households", headers=token(who)).status_code == status
    assert client.get("/api/v1/households").status_code == 401


def test_a_reveal_needs_a_reason_and_reach(client: FlaskClient, token: Token, world: World) -> None:
    address, headers = f"/api/v1/people/{world.person}/reveal", token("secretary")
    good = client.post(address, json={"field": "phone", "reason": "约上门"}, headers=headers)
    assert (good.status_code, good.json) == (200, {"field": "phone", "value": "13900001111"})
    number = client.post(address, json={"field": "id_number", "reason": "核对"}, headers=headers)
    assert number.json["value"] == "110101194808100422"
    for body in ({"field": "phone"}, {"field": "phone", "reason": " "}, {"field": "name", "reason": "x"},
                 {"field": "phone", "reason": "长" * 201}, {"field": "phone", "reason": "a\0b"}, []):  # fmt: skip
        assert client.post(address, json=body, headers=headers).status_code == 422, body
    outside = client.post(address, json={"field": "phone", "reason": "x"}, headers=token("outsider"))
    assert outside.status_code == 404
    missing = client.post("/api/v1/people/nobody/reveal", json={"field": "phone", "reason": "x"}, headers=headers)
    assert missing.status_code == 404
