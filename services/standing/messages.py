"""What is said to whom about a standing order: one function a message.

Title and body stand in the inbox of the person meant. The short text, which goes over the air, on lock screens and
into group chats, tells the days and the service and names nobody and no door.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from core.outbox import Draft
from core.web.formats import date_zh
from services.standing import kinds as _kinds  # noqa: F401
from services.standing.aggregate import Helper, Series

SHORT = 70
"""Characters of one text message."""


def _link(series: Series) -> str:
    return f"/standing/{series.id}"


def _what(series: Series) -> str:
    return f"{series.told}，{series.item_name}"


def proposed(series: Series, leaders: Iterable[str]) -> list[Draft]:
    """To the branch: a resident would like a series, please agree or not."""
    title = f"请看定期服务：{_what(series)}，{series.household_label}"
    body = f"{series.placed_by_name}提出，支部同意后才开始排"
    sms = f"居民提出定期服务，请支部看看：{_what(series)}"[:SHORT]
    return [Draft(person, "standing.proposed", title, body, _link(series), sms, matter=series.id)
            for person in leaders]  # fmt: skip


def approved(series: Series) -> list[Draft]:
    """To the resident: the branch agrees."""
    title = f"支部同意了：{_what(series)}"
    body = "到日子前会排好单"
    return [Draft(person, "standing.approved", title, body, _link(series)) for person in series.told_people()]


def turned_down(series: Series, why: str) -> list[Draft]:
    """To the resident: the branch does not agree, and why."""
    title = f"支部没有同意定期服务：{series.item_name}"
    return [Draft(person, "standing.turned_down", title, why, _link(series)) for person in series.told_people()]


def asked(series: Series, helpers: Iterable[Helper], anew: bool = False) -> list[Draft]:
    """To volunteers: would you come regularly; ``anew``: the days or the time have changed."""
    found = []
    for helper in helpers:
        wish = f"{'改了时间，还请您' if anew else '想请您'}{'固定上门' if helper.role == 'steady' else '做替补'}"
        title = f"{wish}：{_what(series)}，{series.household_label}"
        body = f"{series.clock_words}。愿意就点“愿意”，不方便可以不答应，每一次也还能婉拒"
        sms = f"{wish}：{_what(series)}。请到邻聚答复，不勉强"[:SHORT]
        found.append(Draft(helper.volunteer_id, "standing.asked", title, body, _link(series), sms))
    return found


def released(series: Series, helpers: Iterable[Helper], why: str) -> list[Draft]:
    """To volunteers: you are no longer the one who comes."""
    title = f"不用固定去了：{_what(series)}，{series.household_label}"
    sms = f"不用固定去了：{_what(series)}"[:SHORT]
    return [Draft(helper.volunteer_id, "standing.released", title, why, _link(series), sms) for helper in helpers]


def answered(series: Series, name: str, role: str, agreed: bool, why: str = "") -> list[Draft]:
    """To whoever set it up and the branch: the volunteer has answered, or comes no longer."""
    title = f"{name}{'愿意' if agreed else '不能'}{'固定上门' if role == 'steady' else '做替补'}：{_what(series)}"
    people = dict.fromkeys([series.placed_by, *series.leaders])
    return [Draft(person, "standing.answered", title, why, _link(series)) for person in people]


def changed(series: Series, by: str, kept: Iterable[date]) -> list[Draft]:
    """To the resident and those who come: it is another arrangement now; days already taken stay."""
    title = f"定期服务改了：{_what(series)}"
    days = "、".join(f"{day.month}月{day.day}日" for day in kept)
    body = f"{by}改的" + (f"。{days}已有人接单，不改动" if days else "")
    return [Draft(person, "standing.changed", title, body, _link(series)) for person in _everybody(series)]


def skipped(series: Series, day: date, by: str, why: str) -> list[Draft]:
    """To the resident and those who come: not on this day."""
    title = f"{date_zh(day)}这次不上门：{series.item_name}，{series.household_label}"
    return [Draft(person, "standing.skipped", title, f"{by}：{why}", _link(series), matter=day.isoformat())
            for person in _everybody(series)]  # fmt: skip


def restored(series: Series, day: date) -> list[Draft]:
    """To the resident and those who come: on this day after all."""
    title = f"{date_zh(day)}这次照常上门：{series.item_name}，{series.household_label}"
    return [Draft(person, "standing.restored", title, "", _link(series), matter=day.isoformat())
            for person in _everybody(series)]  # fmt: skip


def paused(series: Series, by: str, why: str) -> list[Draft]:
    """To the resident and those who come: from when until when, and why."""
    until = f"到{date_zh(series.pause_until)}" if series.pause_until else "，什么时候恢复另外通知"
    title = f"{date_zh(series.pause_from)}起暂停{until}：{_what(series)}"
    return [Draft(person, "standing.paused", title, f"{by}：{why}", _link(series)) for person in _everybody(series)]


def resumed(series: Series) -> list[Draft]:
    """To the resident and those who come: on it goes."""
    title = f"恢复上门：{_what(series)}"
    return [Draft(person, "standing.resumed", title, "", _link(series)) for person in _everybody(series)]


def ended(series: Series, by: str, why: str, also: Iterable[str] = ()) -> list[Draft]:
    """To the resident and those who come: it is over, and why."""
    title = f"定期服务结束：{_what(series)}"
    people = dict.fromkeys([*_everybody(series), *also])
    return [Draft(person, "standing.ended", title, f"{by}：{why}", _link(series)) for person in people]


def stalled(series: Series, why: str) -> list[Draft]:
    """To the branch and the resident: it cannot go on as it is."""
    title = f"定期服务停住了：{_what(series)}，{series.household_label}"
    people = dict.fromkeys([*series.told_people(), *series.leaders])
    return [Draft(person, "standing.stalled", title, why, _link(series)) for person in people]


def needs_a_hand(series: Series, order_id: str, day: date, why: str) -> list[Draft]:
    """To the branch: nobody of the series can come this time, please dispatch it."""
    title = f"请派单：{date_zh(day)} {series.item_name}，{series.household_label}"
    sms = f"请派单：{date_zh(day)} {series.item_name}，固定志愿者这次来不了"[:SHORT]
    return [Draft(person, "standing.needs_a_hand", title, why, f"/orders/{order_id}", sms, matter=order_id)
            for person in series.leaders]  # fmt: skip


def _everybody(series: Series) -> list[str]:
    return list(dict.fromkeys([*series.told_people(), *(helper.volunteer_id for helper in series.agreed())]))
