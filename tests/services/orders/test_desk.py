"""The desk: taking a dispatch back, handing an order on, internal notes, and a queue that stays fresh."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.access import Forbidden, NotFound
from core.database import db
from core.outbox import Message
from core.workflow import InvalidStep
from services.orders import desks, queries, workflow
from services.orders.models import OfferState, State
from services.orders.workflow import Refused
from tests.factories import World, caller
from tests.services.orders.site import Site, statements


@pytest.fixture
def site(app: Flask, world: World) -> Site:
    app.config["WTF_CSRF_ENABLED"] = False
    return Site(app, world)


# Undo


def test_a_dispatch_is_taken_back_and_can_be_made_again(site: Site) -> None:
    order_id = site.placed()
    answer = site.verb("secretary", order_id, "dispatch", volunteers=site.id("volunteer1"), back="/desk")
    assert answer.status_code == 303
    desk = site.get("secretary", "/desk").text
    assert "助老购物已派给陈一" in desk and f"/orders/{order_id}/undo" in desk
    assert "已派给陈一" not in site.get("secretary", "/desk").text
    assert site.verb("secretary", order_id, "undo").status_code == 303
    order = site.order(order_id)
    assert order.state == State.PLACED
    assert order.offers[site.id("volunteer1")].state == OfferState.LAPSED
    assert "撤回派单" in site.get("secretary", f"/orders/{order_id}").text
    site.offered(order_id, "volunteer1")
    assert site.order(order_id).state == State.DISPATCHED


def test_what_somebody_accepted_is_not_taken_back(site: Site) -> None:
    order_id = site.accepted("volunteer1", volunteers_needed=2)
    with site.app.app_context(), pytest.raises(InvalidStep):
        workflow.undo(site.world["secretary"].viewer(), order_id)


def test_taking_back_after_somebody_was_first_says_so(site: Site) -> None:
    order_id = site.placed()
    site.offered(order_id, "volunteer1")
    fields = site.filled("secretary", f"/orders/{order_id}", f"/orders/{order_id}/undo")
    site.do(lambda viewer: workflow.accept(viewer, order_id), "volunteer1")
    answer = site.post("secretary", f"/orders/{order_id}/undo", fields)
    assert answer.status_code == 409 and "陈一接单" in answer.text


# Handing on


def test_an_order_goes_to_a_neighbouring_branch_and_is_served_from_there(site: Site, world: World) -> None:
    order_id = site.placed()
    page = site.get("secretary", f"/orders/{order_id}/transfer").text
    assert "水泥厂小区党支部" in page and "东社区" in page and "天鹅园党支部" not in page
    cement = world.estates["cement"].branch.id
    answer = site.send("secretary", f"/orders/{order_id}/transfer", f"/orders/{order_id}/transfer", desk=cement,
                       reason="我们这里没有会的人")  # fmt: skip
    assert answer.status_code == 303
    assert order_id not in site.get("secretary", "/desk").text
    assert order_id in site.get("secretary", "/desk?tab=away").text
    shown = site.get("cement_secretary", f"/desk?order={order_id}")
    assert shown.status_code == 200
    there = shown.text
    assert "榕树园" in there and "1栋1单元" in there
    assert order_id in str(caller(site.app, world["cement_secretary"]).get("/orders").json)
    with site.app.app_context():
        told = set(db.session.scalars(select(Message.recipient_id).where(Message.kind == "order.transferred")))
        assert told == {site.id("cement_secretary")}
        moved = db.session.scalars(select(Message).where(Message.kind == "order.moved")).all()
        assert {message.recipient_id for message in moved} == {site.id("resident")}
        with pytest.raises(Forbidden):
            workflow.dispatch(world["secretary"].viewer(), order_id, volunteers=[site.id("volunteer1")])
        found = workflow.dispatch(world["cement_secretary"].viewer(), order_id, volunteers=[site.id("volunteer1")])
        assert found.state == State.DISPATCHED


def test_the_community_takes_over_what_is_carried_up(site: Site, world: World) -> None:
    order_id = site.placed()
    with site.app.app_context():
        staff, secretary = world["staff"].viewer(), world["secretary"].viewer()
        assert "dispatch" not in workflow.allowed(queries.get_order(staff, order_id), staff)
        workflow.transfer(secretary, order_id, world.bodies["community"].id, "请社区协调")
        order = queries.get_order(staff, order_id)
        assert {"dispatch", "transfer", "cancel", "send_back"} <= set(workflow.allowed(order, staff))
        assert order.leaders == (site.id("staff"),)
        workflow.dispatch(staff, order_id, volunteers=[site.id("volunteer1")])
        workflow.accept(world["volunteer1"].viewer(), order_id)
        assert queries.get_order(staff, order_id).state == State.ACCEPTED
        with pytest.raises(InvalidStep):
            workflow.transfer(staff, order_id, world.estates["banyan"].branch.id, "还给支部")


def test_the_own_branch_may_fetch_it_back_and_do_nothing_else(site: Site, world: World) -> None:
    order_id = site.placed()
    with site.app.app_context():
        secretary = world["secretary"].viewer()
        workflow.transfer(secretary, order_id, world.estates["cement"].branch.id, "请支援")
        order = queries.get_order(secretary, order_id)
        assert workflow.allowed(order, secretary) == ["transfer"]
        assert [desk.id for desk in desks.list_desks(secretary, order)] == [world.estates["banyan"].branch.id]
        workflow.transfer(secretary, order_id, world.estates["banyan"].branch.id, "自己办")
        assert queries.get_order(secretary, order_id).desk_path == world.estates["banyan"].branch.path
        with pytest.raises(NotFound):
            queries.get_order(world["cement_secretary"].viewer(), order_id)


def test_an_order_does_not_leave_the_community(site: Site, world: World) -> None:
    order_id = site.placed()
    with site.app.app_context(), pytest.raises(Refused, match="列出"):
        workflow.transfer(world["secretary"].viewer(), order_id, world.estates["swan"].branch.id, "请支援")
    answer = site.send("secretary", f"/orders/{order_id}/transfer", f"/orders/{order_id}/transfer", reason="")
    assert answer.status_code == 422 and "请选转给谁" in answer.text and "请写明原因" in answer.text
    assert site.get("outsider", f"/orders/{order_id}/transfer").status_code == 404


# Claims


def test_a_volunteer_holds_no_more_claims_than_the_estate_lets(site: Site, world: World) -> None:
    orders = [site.placed() for _ in range(3)]
    with site.app.app_context():
        secretary, helper = world["secretary"].viewer(), world["volunteer1"].viewer()
        for order_id in orders:
            workflow.dispatch(secretary, order_id, open_call=True)
        for order_id in orders[:2]:
            workflow.accept(helper, order_id)
        with pytest.raises(Refused, match="2单抢来的单"):
            workflow.accept(helper, orders[2])
    answer = site.verb("volunteer1", orders[2], "accept")
    assert answer.status_code == 422 and "做完一单再抢" in answer.text
    with site.app.app_context():
        workflow.check_in(world["volunteer1"].viewer(), orders[0])
        workflow.complete(world["volunteer1"].viewer(), orders[0], 1, "")
        assert workflow.accept(world["volunteer1"].viewer(), orders[2]).state == State.ACCEPTED


def test_named_offers_do_not_count_as_claims(site: Site) -> None:
    for _ in range(3):
        site.accepted("volunteer1")


# Notes


def test_a_note_is_read_by_the_staff_and_by_nobody_else(site: Site, world: World) -> None:
    order_id = site.accepted("volunteer1")
    before = site.order(order_id).version
    page = f"/orders/{order_id}"
    assert site.send("secretary", page, f"{page}/notes", **{"note-text": "女儿电话打不通"}).status_code == 303
    assert site.order(order_id).version == before
    assert "备注：女儿电话打不通" in site.get("secretary", page).text
    assert "女儿电话" in str(caller(site.app, world["staff"]).get(f"/orders/{order_id}/events").json)
    for name in ("resident", "volunteer1"):
        assert "女儿电话" not in site.get(name, page).text
        assert "女儿电话" not in str(caller(site.app, world[name]).get(f"/orders/{order_id}/events").json)
        assert site.post(name, f"{page}/notes", {"note-text": "x"}).status_code == 403
    assert site.post("outsider", f"{page}/notes", {"note-text": "x"}).status_code == 404
    empty = site.send("secretary", page, f"{page}/notes", **{"note-text": " "})
    assert empty.status_code == 422 and "请写下要记的话" in empty.text


# Freshness


def test_the_queue_answers_304_until_something_happens(site: Site) -> None:
    order_id = site.placed()
    client, path = site.client("secretary"), f"/desk/list?order={order_id}"
    first = client.get(path)
    assert first.status_code == 200 and order_id in first.text and "<html" not in first.text
    mark = {"If-None-Match": first.headers["ETag"]}
    with statements(site.app) as sent:
        again = client.get(path, headers=mark)
    assert again.status_code == 304 and not again.data and len(sent) == 2
    other = site.placed("neighbour")
    changed = client.get(path, headers=mark)
    assert changed.status_code == 200 and other in changed.text
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_the_fresh_queue_tells_the_version_of_the_open_order(site: Site) -> None:
    order_id = site.placed()
    assert f'data-version="{site.order(order_id).version}"' in site.get("secretary", f"/desk?order={order_id}").text
    site.offered(order_id, "volunteer1")
    fresh = site.get("secretary", f"/desk/list?order={order_id}").text
    assert f'data-version="{site.order(order_id).version}"' in fresh and order_id not in fresh.split("data-version")[1]


def test_the_order_of_the_queue_stays_in_the_address(site: Site) -> None:
    late = site.placed(urgent=True)
    soon = site.placed()
    by_due = site.get("secretary", "/desk/list").text
    by_placed = site.get("secretary", "/desk/list?sort=placed").text
    assert by_due.index(late) < by_due.index(soon)
    assert by_placed.index(soon) < by_placed.index(late)
    assert "sort=placed" in by_placed


@pytest.mark.parametrize("size", [3, 80])
def test_the_desk_costs_the_same_with_many_orders(size: int, site: Site) -> None:
    for _ in range(size):
        site.placed()
    site.get("secretary", "/desk")
    with statements(site.app) as sent:
        assert site.get("secretary", "/desk").status_code == 200
    assert len(sent) <= 5
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message)) is not None
