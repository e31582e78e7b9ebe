"""What an estate decides for itself: defaults, bounds, who may change it, and two who change it at once."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from community.policies import queries, workflow
from community.policies.declared import Rule, Topic, declare
from core.audit import Event
from core.database import begin_write, db
from core.workflow import Stale
from services.orders.rules import OFFERS
from tests.factories import World, browser

PAGE = "/policies/{}/offers"


def filled(**changes: str) -> dict[str, str]:
    return {
        "offers_a_day": "4", "quiet_from": "21:00", "quiet_until": "08:00", "on_expiry": "queue", "claims_held": "2",
        "automatic_rounds": "3", "version": "0",
    } | changes  # fmt: skip


def test_an_estate_begins_with_the_defaults(app: Flask, world: World) -> None:
    with app.app_context():
        decided = queries.of(OFFERS, world.estates["banyan"].id)
    assert decided.values["offers_a_day"] == 4 and decided.version == 0


def test_a_topic_needs_defaults_within_its_bounds_and_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        declare(Topic("odd", "", "", (Rule("n", "", 5, high=4),)))
    with pytest.raises(ValueError, match="twice"):
        declare(OFFERS)


def test_the_secretary_changes_a_rule_and_the_trail_says_what_it_was(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    banyan = world.estates["banyan"].id
    client = browser(app, world["secretary"])
    answer = client.post(PAGE.format(banyan), data=filled(offers_a_day="6", quiet_from="20:30"))
    assert answer.status_code == 303
    shown = client.get("/policies").get_data(as_text=True)
    assert "6单" in shown and "20:30" in shown
    with app.app_context():
        decided = queries.of(OFFERS, banyan)
        assert (decided.values["offers_a_day"], decided.values["quiet_from"], decided.version) == (6, 20 * 60 + 30, 1)
        assert queries.of(OFFERS, world.estates["cement"].id).values["offers_a_day"] == 4
        event = db.session.scalars(select(Event).where(Event.verb == "change_policy")).one()
        assert event.details["每位志愿者一天最多收到"] == ["4单", "6单"]


def test_a_value_out_of_bounds_comes_back_with_what_to_fill_in(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = browser(app, world["secretary"])
    answer = client.post(PAGE.format(world.estates["banyan"].id), data=filled(offers_a_day="900", claims_held="5"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "填1到50单" in text and 'value="5"' in text


def test_whoever_is_late_sees_what_stands_now(app: Flask, world: World) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client, page = browser(app, world["secretary"]), PAGE.format(world.estates["banyan"].id)
    assert client.post(page, data=filled(offers_a_day="6")).status_code == 303
    late = client.post(page, data=filled(offers_a_day="7"))
    assert late.status_code == 409 and "现在是“6单”" in late.get_data(as_text=True)
    assert client.post(page, data=filled(offers_a_day="7", version="1")).status_code == 303
    with app.app_context():
        begin_write()
        with pytest.raises(Stale):
            workflow.change(world["secretary"].viewer(), world.estates["banyan"].id, OFFERS, {"offers_a_day": 9}, 0)


@pytest.mark.parametrize(("name", "status"), [("outsider", 404), ("grid_worker", 403), ("resident", 403)])
def test_others_do_not_change_it(app: Flask, world: World, name: str, status: int) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = browser(app, world[name])
    assert client.post(PAGE.format(world.estates["banyan"].id), data=filled()).status_code == status
