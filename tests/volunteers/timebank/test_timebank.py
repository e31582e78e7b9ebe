"""The time bank: saved within limits, given with consent, used once, never below zero, never edited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from core import clock, jobs
from core.access import Forbidden
from core.audit import Event
from core.database import begin_write, db
from core.ids import new_id
from core.outbox import Message
from core.workflow import Stale
from services.orders import workflow as orders
from tests.factories import World, person, write
from tests.services.orders.site import Site
from tests.volunteers.making import at_once, decide, give, moment, submit
from volunteers.hours.models import HourEntry
from volunteers.notices.models import HourNotice
from volunteers.timebank import queries, workflow
from volunteers.timebank.models import TimeEntry, TimeTransfer
from volunteers.timebank.rules import TIME_BANK
from volunteers.timebank.workflow import Refused

OPEN = {**TIME_BANK.defaults, "runs": True, "cap_hours": 5}
OCTOBER = date(2026, 10, 1)


def confirm_month(app: Flask, world: World, month: date = OCTOBER) -> None:
    with app.app_context():
        begin_write()
        now = clock.now()
        write(HourNotice, id=new_id(), estate_id=world.estates["banyan"].id, month=month, state="closed", version=3,
              body="x", period_days=3, made_at=now, made_by="x", closed_at=now, updated_at=now)  # fmt: skip
        db.session.commit()


@pytest.fixture
def site(app: Flask, world: World, at: Callable[[datetime], None]) -> Site:
    """An estate that runs a time bank; its first volunteer gave four hours in October, which are confirmed."""
    site = Site(app, world)
    decide(app, world, "timebank", **OPEN)
    give(app, world, {"start": moment(10, 10, 9), "minutes": 240})
    confirm_month(app, world)
    return site


def save(site: Site, minutes: int, name: str = "volunteer1", month: str = "2026-10-01") -> Any:
    return submit(site, name, "/timebank/save", month=month, minutes=str(minutes))


def balance(site: Site, name: str = "volunteer1") -> int:
    with site.app.app_context():
        return queries.balance_of(site.id(name))


def moves(site: Site, name: str = "volunteer1") -> list[tuple[str, int, int]]:
    with site.app.app_context():
        own = select(TimeEntry).where(TimeEntry.holder_id == site.id(name)).order_by(TimeEntry.number)
        return [(one.kind, one.minutes, one.balance) for one in db.session.scalars(own)]


def test_closed_unless_the_estate_opens_it(app: Flask, world: World, at: object) -> None:
    site = Site(app, world)
    give(app, world, {"start": moment(10, 10, 9), "minutes": 240})
    assert "还没有开办时间储蓄" in site.get("volunteer1", "/timebank").text
    assert save(site, 60).status_code == 422
    with app.app_context():
        begin_write()
        with pytest.raises(Forbidden, match="还没有开办"):
            workflow.save(world["volunteer1"].viewer(), OCTOBER, 60)


def test_saved_from_a_confirmed_month_within_its_hours(site: Site) -> None:
    assert save(site, 100).status_code == 303
    assert save(site, 141).status_code == 422
    assert "10月最多还能存140分钟" in save(site, 141).text
    assert save(site, 140).status_code == 303
    assert moves(site) == [("saved", 100, 100), ("saved", 140, 240)]
    assert "余额4小时" in site.get("volunteer1", "/hours").text
    page = site.get("volunteer1", "/timebank").text
    assert "4小时" in page and "2026年10月的时长" in page
    with site.app.app_context():
        assert len(db.session.scalars(select(Event).where(Event.verb == "save_time")).all()) == 2


@pytest.mark.parametrize(
    ("month", "minutes", "text"),
    [
        ("2026-11-01", "10", "没填好"), ("2026-09-01", "10", "没填好"), ("", "10", "请选月份"),
        ("2026-10-01", "0", "1分钟以上"),
        ("2026-10-01", "-5", "1分钟以上"), ("2026-10-01", "x", "没填好"), ("2026-10-01", "", "请填要存多少分钟"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved(site: Site, month: str, minutes: str, text: str) -> None:
    give(site.app, site.world, {"start": moment(11, 2)}, {"start": moment(9, 2)})
    answer = submit(site, "volunteer1", "/timebank/save", month=month, minutes=minutes)
    assert answer.status_code == 422 and text in answer.text
    assert moves(site) == []


def test_share_and_cap_are_the_estates(app: Flask, world: World, at: object) -> None:
    site = Site(app, world)
    decide(app, world, "timebank", runs=True, share=50, cap_hours=1, only_confirmed=False)
    give(app, world, {"start": moment(10, 10, 9), "minutes": 90}, {"start": moment(9, 10, 9), "minutes": 600})
    assert "最多还能存45分钟" in save(site, 46).text
    assert "最多还能存60分钟" in save(site, 61, month="2026-09-01").text
    assert save(site, 45).status_code == save(site, 60, month="2026-09-01").status_code == 303


def test_a_correction_below_what_was_saved_is_shown_and_mended(site: Site) -> None:
    save(site, 200)
    desk = f"/volunteers/{site.id('volunteer1')}/hours"
    with site.app.app_context():
        entry = db.session.scalars(select(HourEntry.id)).one()
    assert submit(site, "secretary", f"{desk}/{entry}", minutes="120", reason="复核").status_code == 303
    with site.app.app_context():
        months = queries.list_months(site.id("volunteer1"), site.world.estates["banyan"].id)
    page = site.get("secretary", f"/hours/desk/timebank/holders/{site.id('volunteer1')}").text
    assert months[0].is_over and "最多能存120分钟，已存200分钟" in page
    with site.app.app_context():
        first = db.session.scalars(select(TimeEntry.id)).one()
    assert (
        submit(site, "secretary", f"/hours/desk/timebank/entries/{first}/reverse", reason="多存了").status_code == 303
    )
    assert moves(site) == [("saved", 200, 200), ("reversed", -200, 0)]
    assert save(site, 120).status_code == 303


# Giving


def asked(site: Site, minutes: int = 60, **values: str) -> Any:
    fields = {"to": "other", "to_name": "沈桂兰", "relation": "外婆", "whereabouts": "1栋1单元", "note": ""} | values
    return submit(site, "volunteer1", "/timebank/give", minutes=str(minutes), **fields)


def transfer(site: Site) -> str:
    with site.app.app_context():
        return str(db.session.scalars(select(TimeTransfer.id)).one())


def desk(site: Site, verb: str, **values: str) -> Any:
    fields = {"person": site.id("resident"), "consented_on": "2026-11-17", "agreed": "y", "answer": ""} | values
    return submit(site, "secretary", f"/hours/desk/timebank/{transfer(site)}/{verb}", **fields)


def test_a_gift_moves_when_the_branch_confirms_it(site: Site) -> None:
    save(site, 100)
    assert asked(site).status_code == 303
    assert balance(site) == 100
    page = site.get("secretary", f"/hours/desk/timebank/{transfer(site)}").text
    assert "陈一送给沈桂兰1小时" in page and site.id("resident") in page
    assert desk(site, "confirm").status_code == 303
    assert moves(site) == [("saved", 100, 100), ("given", -60, 40)]
    assert moves(site, "resident") == [("received", 60, 60)]
    assert "陈一赠送" in site.get("resident", "/timebank").text
    with site.app.app_context():
        kinds = {row[0]: row[1] for row in db.session.execute(select(Message.kind, Message.recipient_id))}
        kept = db.session.scalars(select(TimeTransfer)).one()
    assert kinds["timebank.received"] == site.id("resident")
    assert kinds["timebank.confirmed"] == site.id("volunteer1")
    assert (kept.state, kept.to_id, kept.consented_on) == ("confirmed", site.id("resident"), date(2026, 11, 17))
    assert desk(site, "confirm").status_code == 409


def test_to_somebody_of_ones_own_home(site: Site) -> None:
    save(site, 100)
    with site.app.app_context():
        begin_write()
        home = person("陈母", site.world.estates["banyan"], site.world["volunteer1"].household_id)
        db.session.commit()
    assert "陈母" in site.get("volunteer1", "/timebank/give").text
    assert asked(site, to=home.id, to_name="", relation="母亲").status_code == 303
    page = site.get("secretary", f"/hours/desk/timebank/{transfer(site)}").text
    assert "接受的人：" in page and "陈母" in page
    assert desk(site, "confirm", person=home.id).status_code == 303


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"to_name": ""}, "请写对方姓名"), ({"relation": ""}, "请写是您的什么人"), ({"minutes": "101"}, "请填1到100"),
        ({"minutes": "0"}, "1分钟以上"), ({"to": "0" * 16}, "没填好"), ({"to": ""}, "请选送给谁"),
    ],
)  # fmt: skip
def test_wrong_gifts_say_why(site: Site, values: dict[str, str], text: str) -> None:
    save(site, 100)
    answer = asked(site, int(values.get("minutes", "60")), **{k: v for k, v in values.items() if k != "minutes"})
    assert answer.status_code == 422 and text in answer.text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"agreed": ""}, "要先征得对方同意"), ({"consented_on": ""}, "请填对方同意的日期"),
        ({"consented_on": "2026-11-19"}, "不能在今天以后"), ({"person": ""}, "请先从名册里选接受的人"),
        ({"person": "0" * 16}, "请先从名册里选接受的人"),
    ],
)  # fmt: skip
def test_confirming_wants_a_person_and_consent(site: Site, values: dict[str, str], text: str) -> None:
    save(site, 100)
    asked(site)
    answer = desk(site, "confirm", **values)
    assert answer.status_code == 422 and text in answer.text
    assert balance(site) == 100


def test_a_gift_of_what_was_spent_meanwhile_is_not_confirmed(site: Site) -> None:
    save(site, 100)
    asked(site, 100)
    with site.app.app_context():
        begin_write()
        estate = site.world.estates["banyan"].id
        workflow.spend(site.world["volunteer1"].viewer(), site.id("volunteer1"), estate, 50, "order")
        db.session.commit()
    answer = desk(site, "confirm")
    assert answer.status_code == 422 and "储蓄余额只有50分钟" in answer.text
    assert balance(site) == 50 and balance(site, "resident") == 0


def test_refused_or_taken_back(site: Site) -> None:
    save(site, 100)
    asked(site)
    bare = desk(site, "refuse", reason="")
    assert bare.status_code == 422 and "请写明原因" in bare.text
    assert desk(site, "refuse", reason="对方不同意").status_code == 303
    assert "对方不同意" in site.get("volunteer1", "/timebank").text
    with site.app.app_context():
        begin_write()
        db.session.execute(text("DELETE FROM time_transfer"))
        db.session.commit()
    asked(site)
    assert submit(site, "volunteer2", f"/timebank/gifts/{transfer(site)}/back").status_code == 404
    assert submit(site, "volunteer1", f"/timebank/gifts/{transfer(site)}/back").status_code == 303
    assert desk(site, "confirm").status_code == 409
    assert balance(site) == 100


def test_reversing_a_gift_takes_it_back_on_both_sides(site: Site) -> None:
    save(site, 100)
    asked(site)
    desk(site, "confirm")
    with site.app.app_context():
        given = db.session.scalars(select(TimeEntry.id).where(TimeEntry.kind == "given")).one()
    path = f"/hours/desk/timebank/entries/{given}/reverse"
    assert submit(site, "secretary", path, reason="").status_code == 422
    assert submit(site, "secretary", path, reason="送错了人").status_code == 303
    assert moves(site)[-1] == ("reversed", 60, 100) and moves(site, "resident")[-1] == ("reversed", -60, 0)
    again = submit(site, "secretary", path, reason="再来")
    assert again.status_code == 422 and "已经冲销过" in again.text
    assert submit(site, "cement_secretary", path, reason="x").status_code == 404
    assert submit(site, "staff", path, reason="x").status_code == 403


# Using


def funded(site: Site) -> None:
    save(site, 100)
    asked(site, 100)
    desk(site, "confirm")


def test_used_for_an_order_it_goes_first_and_costs_nothing(site: Site) -> None:
    funded(site)
    order = site.placed()
    page = site.get("resident", f"/orders/{order}").text
    assert "用时间储蓄，优先安排" in page and "服务不收费" in page
    assert "时间储蓄，优先" not in site.get("secretary", "/desk").text
    assert site.send("resident", f"/orders/{order}", "/saved-time").status_code == 303
    assert moves(site, "resident")[-1] == ("used", -40, 60)
    assert "时间储蓄，优先" in site.get("secretary", "/desk").text
    assert "用了40分钟储蓄时间" in site.get("resident", f"/orders/{order}").text
    assert submit(site, "resident", f"/orders/{order}/saved-time").status_code == 303
    assert balance(site, "resident") == 60
    second = site.placed()
    site.send("resident", f"/orders/{second}", "/saved-time")
    third = site.placed()
    assert "还不够用" in site.get("resident", f"/orders/{third}").text
    submit(site, "resident", f"/orders/{third}/saved-time")
    assert balance(site, "resident") == 20


def test_who_may_use_it(site: Site) -> None:
    funded(site)
    order = site.placed()
    assert submit(site, "neighbour", f"/orders/{order}/saved-time").status_code == 404
    assert submit(site, "outsider", f"/orders/{order}/saved-time").status_code == 404
    assert submit(site, "staff", f"/orders/{order}/saved-time").status_code == 403
    assert submit(site, "secretary", f"/orders/{order}/saved-time").status_code == 303
    assert balance(site, "resident") == 60


def test_what_was_not_needed_comes_back(site: Site) -> None:
    funded(site)
    cancelled, served = site.placed(), site.accepted("volunteer2")
    for order in (cancelled, served):
        assert submit(site, "resident", f"/orders/{order}/saved-time").status_code == 303
    assert balance(site, "resident") == 20
    site.verb("resident", cancelled, "cancel", pick="不需要了", words="好了")
    site.do(lambda viewer: orders.check_in(viewer, served), "volunteer2")
    clock.set_now(clock.now() + timedelta(minutes=30))
    site.do(lambda viewer: orders.complete(viewer, served, 25, ""), "volunteer2")
    with site.app.app_context():
        assert jobs.run("settle_saved_time", "a").outcome == "退回2单"  # type: ignore[union-attr]
        assert jobs.run("settle_saved_time", "b").outcome == "退回0单"  # type: ignore[union-attr]
    assert balance(site, "resident") == 75
    last = sorted(move[:2] for move in moves(site, "resident")[-3:])
    assert last == [("reversed", 40), ("reversed", 40), ("used", -25)]
    late = submit(site, "resident", f"/orders/{served}/saved-time")
    assert late.status_code == 409


# The ledger


def test_two_at_once_never_spend_the_same_minutes(site: Site) -> None:
    save(site, 100)
    estate = site.world.estates["banyan"].id

    def spending(n: int) -> Callable[[], str]:
        def act() -> str:
            begin_write()
            done = workflow.spend(site.world["volunteer1"].viewer(), site.id("volunteer1"), estate, 70, f"order{n}")
            db.session.commit()
            return done

        return act

    answers = at_once(site.app, [spending(n) for n in range(6)])
    assert sum(isinstance(answer, str) for answer in answers) == 1, answers
    assert all(isinstance(answer, str | Stale | Refused) for answer in answers), answers
    assert balance(site) == 30


def test_one_order_takes_saved_time_once_even_at_once(site: Site) -> None:
    funded(site)
    order = site.placed()
    estate = site.world.estates["banyan"].id

    def act() -> str:
        begin_write()
        done = workflow.spend(site.world["resident"].viewer(), site.id("resident"), estate, 40, order)
        db.session.commit()
        return done

    answers = at_once(site.app, [act] * 4)
    assert sum(isinstance(answer, str) for answer in answers) == 1, answers
    assert balance(site, "resident") == 60


def test_saving_at_once_keeps_within_the_month(site: Site) -> None:
    def act() -> str:
        begin_write()
        done = workflow.save(site.world["volunteer1"].viewer(), OCTOBER, 150)
        db.session.commit()
        return done

    answers = at_once(site.app, [act] * 4)
    assert sum(isinstance(answer, str) for answer in answers) == 1, answers
    assert balance(site) == 150


@pytest.mark.parametrize("statement", ["UPDATE time_entry SET minutes = 1", "DELETE FROM time_entry"])
def test_the_ledger_refuses_changes(site: Site, statement: str) -> None:
    save(site, 100)
    with site.app.app_context():
        begin_write()
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(text(statement))
        db.session.rollback()
    assert moves(site) == [("saved", 100, 100)]


@pytest.mark.parametrize(
    "values",
    [
        {"number": 1, "minutes": 5, "balance": 5, "kind": "saved"},
        {"number": 3, "minutes": 5, "balance": 105, "kind": "saved"},
        {"number": 2, "minutes": 5, "balance": 500, "kind": "saved"},
        {"number": 2, "minutes": -101, "balance": -1, "kind": "used"},
        {"number": 2, "minutes": -5, "balance": 95, "kind": "saved"},
        {"number": 2, "minutes": 5, "balance": 105, "kind": "reversed"},
    ],
)
def test_the_database_refuses_an_entry_that_does_not_follow(site: Site, values: dict[str, Any]) -> None:
    save(site, 100)
    row = {"id": new_id(), "holder_id": site.id("volunteer1"), "estate_id": site.world.estates["banyan"].id, "note": "",
           "recorded_at": clock.now(), "recorded_by": "x"}  # fmt: skip
    with site.app.app_context():
        begin_write()
        with pytest.raises(IntegrityError):
            db.session.execute(insert(TimeEntry), [row | values])
        db.session.rollback()
    assert balance(site) == 100


def test_verify_looks_at_balances_too(site: Site) -> None:
    save(site, 100)
    assert site.app.test_cli_runner().invoke(args=["hours", "verify"]).exit_code == 0
    with site.app.app_context():
        assert queries.differences() == []
