"""The order calls from outside: answers, refusals, idempotency keys, paging, and input meant to hurt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import clock, idempotency
from core.database import begin_write, db
from services.orders import workflow
from services.orders.models import ServiceOrder
from services.orders.workflow import steps
from tests.conftest import MOMENT
from tests.factories import PASSWORD, Caller, World, caller

WISH = {"service_item": "elder_shopping", "note": "买一袋米"}


@pytest.fixture
def who(app: Flask, world: World, at: Callable[[datetime], None]) -> Callable[[str], Caller]:
    """Programs of the town's people, by name."""
    return lambda name: caller(app, world[name])


Who = Callable[[str], Caller]


def place(who: Who, name: str = "resident", **more: Any) -> dict[str, Any]:
    answer = who(name).post("/orders", WISH | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def count_orders(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(ServiceOrder)) or 0


def refused(answer: Any, status: int, kind: str, *fields: str) -> None:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    body = answer.json
    assert (body["type"], body["status"]) == (kind, status)
    assert body["title"]
    assert body["detail"]
    assert set(fields) <= set(body.get("errors", {})), body


# The main job


def test_from_order_to_rating(who: Who, world: World) -> None:
    order = place(who)
    assert order["state"] == "placed"
    assert order["service_item"] == {"code": "elder_shopping", "name": "助老购物"}
    assert order["person"] == {"id": world["resident"].id, "name": "沈桂兰"}
    assert order["placed_at"] == "2026-11-18T02:00:00Z"
    assert order["due_at"] == "2026-11-19T02:00:00Z"
    path = f"/orders/{order['id']}"
    assert who("secretary").post(path + "/dispatch", {"open": True}).json["state"] == "dispatched"
    taken = who("volunteer1").post(path + "/accept").json
    assert (taken["state"], taken["assignments"][0]["volunteer"]["id"]) == ("accepted", world["volunteer1"].id)
    refused(who("volunteer2").post(path + "/accept"), 409, "already-taken")
    assert (
        who("volunteer1").post(path + "/check_in", {"latitude": 27.9, "longitude": 113.1}).json["state"] == "in_service"
    )
    assert who("volunteer1").post(path + "/complete", {"note": "送到了", "minutes": 45}).json["state"] == "completed"
    closed = who("resident").post(path + "/rate", {"stars": 5, "comment": "谢谢"}).json
    assert (closed["state"], closed["rating"]) == ("closed", {"stars": 5, "comment": "谢谢"})
    events = who("resident").get(path + "/events").json["items"]
    assert [e["verb"] for e in events] == ["place", "dispatch", "accept", "check_in", "complete", "rate"]
    assert [e["to_state"] for e in events][-1] == "closed"
    assert events[4]["note"] == "送到了"


def test_a_returned_order_is_mended_and_submitted_again(who: Who) -> None:
    path = f"/orders/{place(who)['id']}"
    assert who("secretary").post(path + "/send_back", {"reason": "请写清楚买什么"}).json["state"] == "sent_back"
    again = who("resident").post(path + "/resubmit", {"note": "一袋米，十斤"}).json
    assert (again["state"], again["note"]) == ("placed", "一袋米，十斤")


def test_staff_order_for_a_household_and_it_is_recorded(who: Who, world: World) -> None:
    order = place(who, "grid_worker", household=world["neighbour"].household_id)
    assert order["person"]["id"] == world["neighbour"].id
    assert order["placed_by"]["id"] == world["grid_worker"].id
    assert who("neighbour").get(f"/orders/{order['id']}").status_code == 200


# Refusals


def test_nobody_signed_in_gets_401(app: Flask, who: Who) -> None:
    order = place(who)
    stranger = Caller(app.test_client(), "nothing")
    answers = [stranger.get("/orders"), stranger.get(f"/orders/{order['id']}"), stranger.post("/orders", WISH)]
    for answer in answers:
        refused(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_refused_step_names_the_state_and_what_is_allowed(who: Who) -> None:
    order = place(who)
    answer = who("secretary").post(f"/orders/{order['id']}/reassign", {"reason": "换人"})
    refused(answer, 409, "invalid-transition")
    assert answer.json["state"] == "placed"
    assert answer.json["allowed"] == ["dispatch", "cancel", "send_back", "transfer", "pause", "extend"]


@pytest.mark.parametrize(
    "name", ["outsider", "cement_secretary", "far_resident", "far_volunteer", "neighbour", "admin"]
)
def test_an_order_out_of_scope_does_not_exist(name: str, who: Who) -> None:
    path = f"/orders/{place(who)['id']}"
    program = who(name)
    for answer in (
        program.get(path), program.get(path + "/events"), program.get(path + "/candidates"),
        program.post(path + "/accept"),
        program.post(path + "/dispatch", {"open": True}), program.post(path + "/cancel", {"reason": "不用了"}),
    ):  # fmt: skip
        refused(answer, 404, "not-found")
    assert program.get("/orders").json["items"] == []


def test_people_and_households_of_other_estates_are_unknown(who: Who, world: World) -> None:
    far = world["far_resident"]
    for name in ("resident", "grid_worker", "secretary"):
        refused(who(name).post("/orders", WISH | {"person": far.id}), 422, "invalid-input", "person")
        answer = who(name).post("/orders", WISH | {"household": far.household_id})
        assert answer.status_code == 422
    answer = who("secretary").post(f"/orders/{place(who)['id']}/dispatch", {"volunteers": [world["far_volunteer"].id]})
    refused(answer, 422, "invalid-input", "volunteers")
    assert who("secretary").get("/orders", estate=world.estates["swan"].id).json["items"] == []


def test_who_sees_but_may_not_order_is_told_so(who: Who, world: World) -> None:
    refused(who("staff").post("/orders", WISH | {"person": world["neighbour"].id}), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["service_item"]),
        ({"service_item": "nope"}, ["service_item"]),
        ({"service_item": 7}, ["service_item"]),
        (WISH | {"note": "长" * 501}, ["note"]),
        (WISH | {"note": "带\0零"}, ["note"]),
        (WISH | {"note": "带\x1b控制符"}, ["note"]),
        (WISH | {"service_item": "elder\0"}, ["service_item"]),
        (WISH | {"volunteers_needed": 0}, ["volunteers_needed"]),
        (WISH | {"volunteers_needed": 21}, ["volunteers_needed"]),
        (WISH | {"volunteers_needed": "2"}, ["volunteers_needed"]),
        (WISH | {"urgent": "maybe"}, ["urgent"]),
        (WISH | {"preferred_start": "2026-02-30T10:00:00+08:00"}, ["preferred_start"]),
        (WISH | {"preferred_start": "2026-11-20T10:00:00"}, ["preferred_start"]),
        (WISH | {"preferred_start": "0001-01-01T00:00:00+14:00"}, ["preferred_start"]),
        (WISH | {"preferred_start": "2026-11-20T10:00:00+08:00"}, ["preferred_end"]),
        (WISH | {"preferred_end": "2026-11-20T10:00:00+08:00"}, ["preferred_start"]),
        ([1, 2], []),
        ("text", []),
    ],
)
def test_a_wish_that_cannot_be(body: Any, fields: list[str], who: Who, app: Flask) -> None:
    refused(who("resident").post("/orders", body), 422, "invalid-input", *fields)
    assert count_orders(app) == 0


@pytest.mark.parametrize(
    ("start", "hours", "field"),
    [(-3, 1, "preferred_start"), (24 * 91, 1, "preferred_start"), (24, 25, "preferred_end"), (24, 0, "preferred_end")],
)
def test_a_wished_time_lies_ahead_and_is_a_day_at_most(start: int, hours: int, field: str, who: Who) -> None:
    first = MOMENT + timedelta(hours=start)
    wish = WISH | {"preferred_start": first.isoformat(), "preferred_end": (first + timedelta(hours=hours)).isoformat()}
    refused(who("resident").post("/orders", wish), 422, "invalid-input", field)


def test_the_deadline_is_never_before_the_wished_time_is_over(who: Who) -> None:
    wish = {"preferred_start": "2026-11-25T15:00:00+08:00", "preferred_end": "2026-11-25T17:00:00+08:00"}
    assert place(who, **wish)["due_at"] == "2026-11-25T09:00:00Z"
    assert place(who, urgent=True)["due_at"] == "2026-11-18T04:00:00Z"


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("dispatch", {}, "body"),
        ("dispatch", {"open": True, "volunteers": ["a"]}, "body"),
        ("dispatch", {"open": True, "expires_minutes": 1}, "expires_minutes"),
        ("cancel", {}, "reason"),
        ("cancel", {"reason": "   "}, "reason"),
        ("decline", {"reason": "长" * 201}, "reason"),
        ("check_in", {"latitude": 91}, "latitude"),
        ("complete", {"minutes": -5}, "minutes"),
        ("complete", {"minutes": 0}, "minutes"),
        ("complete", {"minutes": 1441}, "minutes"),
        ("complete", {"minutes": 3.5}, "minutes"),
        ("complete", {"minutes": True}, "minutes"),
        ("rate", {"stars": 6}, "stars"),
        ("call_back", {}, "solved"),
    ],
)
def test_a_body_that_does_not_fit(verb: str, body: dict[str, Any], field: str, who: Who) -> None:
    refused(who("secretary").post(f"/orders/{place(who)['id']}/{verb}", body), 422, "invalid-input", field)


def test_a_wrong_door_code_is_refused(who: Who, world: World) -> None:
    path = f"/orders/{place(who)['id']}"
    who("secretary").post(path + "/dispatch", {"volunteers": [world["volunteer1"].id]})
    who("volunteer1").post(path + "/accept")
    refused(who("resident").post(path + "/check_in", {"code": "none"}), 422, "invalid-input", "code")


@pytest.mark.parametrize("raw", [b"{", b"\xff", b'{"note": NaN}', b"{'a': 1}"])
def test_what_is_no_json(raw: bytes, app: Flask, world: World) -> None:
    headers = {"Authorization": f"Bearer {world['resident'].token}"}
    refused(app.test_client().post("/api/v1/orders", data=raw, headers=headers), 400, "malformed-json")


def test_a_huge_body_is_refused_before_it_is_read(app: Flask, who: Who) -> None:
    refused(who("resident").post("/orders", WISH | {"note": "x" * 1_000_001}), 413, "too-large")
    assert count_orders(app) == 0


@pytest.mark.parametrize("id_", ["nothing", "a%00b", "%F0%9F%92%A9", "..", "x" * 300, "%ED%A0%80"])
def test_an_id_that_is_none(id_: str, who: Who) -> None:
    for answer in (who("secretary").get(f"/orders/{id_}"), who("secretary").post(f"/orders/{id_}/accept")):
        assert answer.status_code == 404
        assert answer.mimetype == "application/problem+json"


def test_an_unknown_address_and_a_wrong_method_are_problems_too(who: Who) -> None:
    refused(who("resident").get("/nothing"), 404, "http-error")
    refused(who("resident").delete("/orders"), 405, "http-error")


def test_markup_is_text(who: Who) -> None:
    note = "<script>alert('x')</script> & \"引号\" {{ 7 * 7 }} '; DROP TABLE service_order; --"
    order = place(who, note=note)
    assert who("secretary").get(f"/orders/{order['id']}").json["note"] == note


def test_a_volunteer_merely_offered_it_does_not_learn_the_name(who: Who, world: World) -> None:
    path = f"/orders/{place(who)['id']}"
    both = [world["volunteer1"].id, world["volunteer2"].id]
    who("secretary").post(path + "/dispatch", {"volunteers": both})
    seen = who("volunteer1").get(path).json
    assert seen["person"]["name"] == "沈**"
    assert [o["volunteer"]["id"] for o in seen["offers"]] == [world["volunteer1"].id]
    assert who("volunteer1").post(path + "/accept").json["person"]["name"] == "沈桂兰"


# Idempotency


def test_the_same_key_and_body_give_the_first_answer_again(app: Flask, who: Who) -> None:
    first, again = (who("resident").post("/orders", WISH, "key-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count_orders(app) == 1


def test_the_same_key_with_another_body_is_refused(app: Flask, who: Who) -> None:
    who("resident").post("/orders", WISH, "key-1")
    refused(who("resident").post("/orders", WISH | {"note": "别的"}, "key-1"), 422, "idempotency-key-reused")
    assert count_orders(app) == 1


def test_a_key_belongs_to_one_account(app: Flask, who: Who) -> None:
    mine, theirs = (who(name).post("/orders", WISH, "key-1") for name in ("resident", "neighbour"))
    assert mine.json["id"] != theirs.json["id"]
    assert count_orders(app) == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_that_will_not_do(key: str, who: Who) -> None:
    refused(who("resident").post("/orders", WISH, key), 422, "invalid-input", "Idempotency-Key")


def test_a_key_is_kept_for_24_hours(app: Flask, who: Who) -> None:
    who("resident").post("/orders", WISH, "key-1")
    clock.set_now(MOMENT + timedelta(hours=23, minutes=59))
    who("resident").post("/orders", WISH, "key-1")
    assert count_orders(app) == 1
    clock.set_now(MOMENT + timedelta(hours=24))
    assert who("resident").post("/orders", WISH, "key-1").status_code == 201
    assert count_orders(app) == 2
    assert "Idempotency-Replayed" in who("resident").post("/orders", WISH, "key-1").headers
    with app.app_context():
        begin_write()
        assert idempotency.forget_old() == 0
        clock.set_now(MOMENT + timedelta(hours=49))
        assert idempotency.forget_old() == 1


def test_a_refusal_is_not_kept(app: Flask, who: Who) -> None:
    who("resident").post("/orders", {"service_item": "nope"}, "key-1")
    assert who("resident").post("/orders", WISH, "key-1").status_code == 201


def test_a_step_that_had_to_be_decided_again_keeps_its_key(who: Who, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/orders/{place(who)['id']}"
    save, calls = steps._save, []

    def late(*values: Any) -> None:
        calls.append(values)
        if len(calls) == 1:
            values[0].row["version"] += 5
        save(*values)

    monkeypatch.setattr(steps, "_save", late)
    first = who("secretary").post(path + "/dispatch", {"open": True}, "key-1")
    again = who("secretary").post(path + "/dispatch", {"open": True}, "key-1")
    assert first.status_code == again.status_code == 200
    assert first.data == again.data
    assert len(calls) == 2


@pytest.mark.parametrize("step", ["place", "accept"])
def test_the_same_request_twice_at_one_moment_is_done_once(step: str, app: Flask, who: Who, world: World) -> None:
    path, name, body = "/orders", "resident", dict(WISH)
    if step == "accept":
        path, name, body = f"/orders/{place(who)['id']}/accept", "volunteer1", {}
        who("secretary").post(path.replace("accept", "dispatch"), {"volunteers": [world["volunteer1"].id]})
    before, start, answers = count_orders(app), threading.Barrier(6), []

    def send() -> None:
        program = who(name)
        start.wait()
        answers.append(program.post(path, body, "key-1"))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.data for answer in answers}) == 1, [answer.text for answer in answers]
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert count_orders(app) == before + (step == "place")


# Lists


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json["items"]]


def test_pages_hold_every_order_once_newest_deadline_first(who: Who) -> None:
    made = []
    for n in range(7):
        clock.set_now(MOMENT + timedelta(minutes=n // 2))
        made.append(place(who)["id"])
    program, seen, cursor = who("secretary"), [], ""
    while True:
        page = program.get("/orders", limit=3, **({"cursor": cursor} if cursor else {})).json
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert len(seen) == 7
    assert {order["id"] for order in seen} == set(made)
    keys = [(order["due_at"], order["id"]) for order in seen]
    assert keys == sorted(keys, reverse=True)


def test_lists_are_cut(who: Who, world: World) -> None:
    first, second = place(who)["id"], place(who, "neighbour")["id"]
    clock.set_now(MOMENT + timedelta(hours=1))
    who("secretary").post(f"/orders/{second}/dispatch", {"volunteers": [world["volunteer1"].id]})
    assert ids(who("secretary").get("/orders")) == sorted([first, second], reverse=True)
    assert ids(who("secretary").get("/orders", state="placed")) == [first]
    assert set(ids(who("secretary").get("/orders", state="placed,dispatched"))) == {first, second}
    assert ids(who("secretary").get("/orders", state="closed")) == []
    assert ids(who("secretary").get("/orders", updated_since="2026-11-18T10:30:00+08:00")) == [second]
    assert ids(who("resident").get("/orders")) == [first]
    assert ids(who("neighbour").get("/orders", mine="true")) == [second]
    assert ids(who("volunteer1").get("/orders", mine="true")) == [second]
    assert ids(who("secretary").get("/orders", mine="true")) == []
    assert set(ids(who("staff").get("/orders", estate=world.estates["banyan"].id))) == {first, second}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "gone"}, "state"), ({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"limit": "many"}, "limit"),
        ({"cursor": "none"}, "cursor"), ({"cursor": "W10"}, "cursor"), ({"cursor": "é"}, "cursor"),
        ({"updated_since": "yesterday"}, "updated_since"), ({"updated_since": "2026-11-18T10:00:00"}, "updated_since"),
        ({"mine": "maybe"}, "mine"), ({"estate": "a\0"}, "estate"), ({"state": "placed\0"}, "state"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_asked_for(query: dict[str, Any], field: str, who: Who) -> None:
    refused(who("secretary").get("/orders", **query), 422, "invalid-input", field)


# Signing in


def test_signing_in_and_out(app: Flask, world: World) -> None:
    client = app.test_client()
    answer = client.post("/api/v1/tokens", json={"phone": world["resident"].phone, "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json["person"] == {"id": world["resident"].id, "name": "沈桂兰", "roles": ["resident"]}
    program = Caller(client, answer.json["token"])
    assert program.get("/me").json["household"]["id"] == world["resident"].household_id
    assert program.delete("/tokens/current").status_code == 204
    refused(program.get("/me"), 401, "unauthenticated")


@pytest.mark.parametrize("known", [True, False])
def test_five_failures_lock_for_five_minutes(
    known: bool, app: Flask, world: World, at: Callable[[datetime], None]
) -> None:
    phone = world["resident"].phone if known else "13900000000"
    client = app.test_client()
    for _ in range(5):
        refused(client.post("/api/v1/tokens", json={"phone": phone, "password": "x"}), 401, "invalid-credentials")
    body = {"phone": phone, "password": PASSWORD}
    refused(client.post("/api/v1/tokens", json=body), 429, "too-many-attempts")
    at(MOMENT + timedelta(minutes=5))
    assert client.post("/api/v1/tokens", json=body).status_code == (201 if known else 401)


def test_verbs_are_those_of_the_api(app: Flask) -> None:
    """Every action an order may name as allowed is a call."""
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    verbs = set(workflow.ORDERS.steps) - {"place", "expire", "recount"}
    assert {f"/api/v1/orders/<id>/{verb}" for verb in verbs} <= rules
