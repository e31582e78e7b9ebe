"""What is said about orders: short texts are short, name nobody in full, and tell no door."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.outbox import Draft
from core.outbox.kinds import find
from services.orders import clock_messages as clock_say
from services.orders import messages as say
from services.orders.aggregate import Order

NAMES = ("沈桂兰", "廖小满", "王秀兰")


def order(
    name: str = "代买代办", label: str = "3栋1单元501", urgent: bool = False, start: datetime | None = None
) -> Order:
    row = {
        "id": "o" * 16, "item": {"name": name}, "household_label": label, "person_id": "p1", "placed_by": "p2",
        "person_name": NAMES[0], "placed_by_name": NAMES[2], "salutation": "沈阿姨", "door_code": "4821",
        "urgent": urgent, "preferred_start": start, "preferred_end": start and start + timedelta(hours=2),
        "note": f"找{NAMES[0]}13800000055",
        "stars": 2, "comment": f"{NAMES[1]}没来", "estate_id": "e",
    }  # fmt: skip
    return Order(row, "path/")


def everything(found: Order) -> list[Draft]:
    """Each message there is about an order."""
    why = f"{NAMES[1]}来不了：家里有事"
    return [
        *say.offered(found, ["v"], False), *say.offered(found, ["v"], True), *say.accepted(found, NAMES[1]),
        *say.back_in_queue(found, ["s"], why), *say.looking_again(found, why),
        *say.released(found, ["v"], f"已撤单：{NAMES[0]}说不用了"), *say.completed(found),
        *say.released(found, ["v"], "支部撤回了这次派单，不用答复"), *say.moved(found, "望月社区党委"),
        *say.transferred(found, ["s"], "榕树花园", why),
        *say.low_rating(found, ["s"]), *say.thanked(found, ["v"]), *say.cancelled(found, "支部", why),
        *say.sent_back(found, why), *say.called_back(found, True), *say.called_back(found, False),
    ]  # fmt: skip


def about_the_clock(found: Order) -> list[Draft]:
    """Each message there is about an order's clock, in every state that it runs in."""
    why, told = f"{NAMES[1]}来不了：家里有事", []
    for state in ("placed", "dispatched", "accepted", "in_service"):
        now = Order(found.row | {"state": state, "due_at": clock.now()}, "path/")
        told += [
            *clock_say.paused(now, why, clock.now()), *clock_say.held_up(now, ["v"], why), *clock_say.over(now, ["s"]),
            *clock_say.answered(now, ["s"], why), *clock_say.resumed(now, ["p1"], why), *clock_say.recounted(now, []),
            *clock_say.extended(now, ["v"], why), *clock_say.extended_again(now, ["s"], NAMES[2], 2, why),
            *clock_say.escalated(now, ["s"], "社区", f"{NAMES[2]}已经告诉过。"),
            *clock_say.taken_up(now, ["s"], NAMES[2], why),
            *[draft for stage in (1, 2) for draft in clock_say.near(now, ["s"], stage)],
            *[draft for stage in (1, 2, 3) for draft in clock_say.still_open(now, ["v"], stage)],
            *[draft for stage in (1, 2, 3) for draft in clock_say.yours(now, ["v"], stage)],
        ]  # fmt: skip
    return told


@given(
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=30),
    st.sampled_from(["3栋1单元501", "12号楼2-1802", "樟树屋场15号", "商业街东段门面无号", ""]),
    st.booleans(),
    st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(clock.from_local),
)
def test_every_short_text_fits_one_text_message_and_says_something(
    name: str, label: str, urgent: bool, start: datetime | None
) -> None:
    for draft in everything(order(name, label, urgent, start)):
        assert 0 < len(draft.sms) <= say.SHORT, draft
        assert "\n" not in draft.sms and "！" not in draft.sms
        assert draft.matter == "o" * 16
    for draft in about_the_clock(order(name, label, urgent, start)):
        assert 0 < len(draft.sms) <= say.SHORT, draft
        assert draft.matter.startswith("o" * 16) and len(draft.matter) <= 40


def test_short_texts_name_nobody_in_full_and_tell_no_door() -> None:
    for draft in [*everything(order()), *about_the_clock(order())]:
        for secret in (*NAMES, "1单元", "501", "13800000055", "家里有事"):
            assert secret not in draft.sms, draft
        if find(draft.kind)[1].robot:
            assert "阿姨" not in draft.sms and "**" not in draft.sms


def test_the_texts(at: Any) -> None:
    start = clock.now().replace(minute=0) + timedelta(hours=5)
    short = {draft.kind: draft.sms for draft in everything(order(urgent=True, start=start))}
    assert short["order.offered"] == "急派单：代买代办，3栋，今天 15:00–17:00。请到邻聚接单或婉拒"
    assert short["order.open_call"] == "急抢单：代买代办，3栋，今天 15:00–17:00。请到邻聚抢单"
    assert short["order.accepted"] == "廖**接了您的单：代买代办，今天 15:00。开门前请对方报服务码4821"
    assert short["order.released"] == "不用去了：代买代办，3栋，支部撤回了这次派单"
    assert short["order.moved"] == "代买代办已转给望月社区党委来办，时限不变，不用重新点单"
    assert short["order.thanked"] == "沈阿姨评了2星：代买代办"


@pytest.mark.parametrize("urgent", [True, False])
def test_an_urgent_order_makes_urgent_messages_where_time_presses(urgent: bool) -> None:
    pressing = {draft.kind for draft in everything(order(urgent=urgent)) if draft.urgent}
    wanted = (
        "offered", "open_call", "accepted", "back_in_queue", "looking_again", "released", "cancelled", "sent_back",
        "transferred",
    )  # fmt: skip
    assert pressing == ({"order." + kind for kind in wanted} if urgent else set())
