"""What is said to whom about an order: one function a message.

Title and body stand in the inbox of the person meant. The short text goes over the air and on lock screens: it names
the building and no door, a surname with its title at most, and no reason that somebody typed. What a robot may post
names nobody at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from community.grid.addresses import AddressError, label_block, parse_address
from core.identity import mask_name
from core.outbox import Draft
from core.web.formats import time_range, when
from services.orders import kinds as _kinds  # noqa: F401
from services.orders.aggregate import Order

_MARK = re.compile("[：，。；]")
SHORT = 70
"""Characters of one text message."""


def _link(order: Order) -> str:
    return f"/orders/{order.id}"


def _told(order: Order) -> list[str]:
    """The resident and whoever placed the order."""
    return list(dict.fromkeys([order.person_id, order.placed_by]))


def _building(order: Order) -> str:
    """The building without stairwell and door, with a comma before it; nothing when the label tells none."""
    try:
        address = parse_address(order.household_label)
    except AddressError:
        return ""
    return f"，{label_block(address, address.word)[:12]}"


def _short(order: Order, before: str, after: str) -> str:
    """A short text around the name of the service, which gives way when it is too long."""
    name, room = str(order.item["name"]), max(SHORT - len(before) - len(after), 1)
    return (before + (name if len(name) <= room else name[: room - 1] + "…") + after)[:SHORT]


def offered(order: Order, volunteer_ids: Iterable[str], is_open_call: bool) -> list[Draft]:
    """To volunteers: an order is offered to you."""
    title = f"{'抢单' if is_open_call else '派单'}：{order.item['name']}，{order.household_label}"
    time = time_range(order.preferred_start, order.preferred_end)
    body = f"{order.note}{'。希望 ' + time if time else ''}。不方便可以婉拒".lstrip("。")
    what = f"{'急' if order.urgent else ''}{'抢单' if is_open_call else '派单'}："
    sms = _short(
        order,
        what,
        f"{_building(order)}{'，' + time if time else ''}。请到邻聚{'抢单' if is_open_call else '接单或婉拒'}",
    )
    if is_open_call:
        return [Draft(person, "order.open_call", title, body, "/tasks", sms, order.urgent, order.id)
                for person in volunteer_ids]  # fmt: skip
    return [
        Draft(person, "order.offered", title, body, "/tasks", sms, order.urgent, order.id) for person in volunteer_ids
    ]


def accepted(order: Order, volunteer_name: str) -> list[Draft]:
    """To the resident: someone has taken it."""
    time = when(order.preferred_start) if order.preferred_start else "上门前会先联系您"
    title = f"{volunteer_name}接了您的单：{order.item['name']}"
    body = f"{time}。开门前请对方报服务码 {order.door_code}"
    sms = _short(
        order, f"{mask_name(volunteer_name)[:6]}接了您的单：", f"，{time}。开门前请对方报服务码{order.door_code}"
    )
    return [Draft(person, "order.accepted", title, body, _link(order), sms, order.urgent, order.id)
            for person in _told(order)]  # fmt: skip


def back_in_queue(order: Order, secretaries: Iterable[str], why: str) -> list[Draft]:
    """To the branch: nobody holds the order any more."""
    title = f"需要重新派单：{order.item['name']}，{order.household_label}"
    sms = _short(order, f"{'急单' if order.urgent else ''}需要重新派单：", f"{_building(order)}。请到派单台处理")
    return [Draft(person, "order.back_in_queue", title, why, _link(order), sms, order.urgent, order.id)
            for person in secretaries]  # fmt: skip


def looking_again(order: Order, why: str) -> list[Draft]:
    """To the resident: the volunteer cannot come, the branch is looking for another."""
    title = f"正在为您另找志愿者：{order.item['name']}"
    sms = _short(order, "正在为您另找志愿者：", "，有人接单会再告诉您")
    return [Draft(person, "order.looking_again", title, why, _link(order), sms, order.urgent, order.id)
            for person in _told(order)]  # fmt: skip


def released(order: Order, volunteer_ids: Iterable[str], why: str) -> list[Draft]:
    """To volunteers: you are no longer needed for this one. ``why`` begins with what happened, up to a mark."""
    title = f"不用去了：{order.item['name']}，{order.household_label}"
    sms = _short(order, "不用去了：", f"{_building(order)}，{_MARK.split(why)[0][:12]}")
    return [Draft(person, "order.released", title, why, "/tasks", sms, order.urgent, order.id)
            for person in volunteer_ids]  # fmt: skip


def transferred(order: Order, leaders: Iterable[str], come_from: str, why: str) -> list[Draft]:
    """To the desk that an order was transferred to."""
    title = f"{come_from}转来一单：{order.item['name']}，{order.household_label}"
    sms = _short(order, f"{'急单' if order.urgent else ''}转来一单：", f"{_building(order)}。请到派单台处理")
    return [Draft(person, "order.transferred", title, why, _link(order), sms, order.urgent, order.id)
            for person in leaders]  # fmt: skip


def moved(order: Order, desk_name: str) -> list[Draft]:
    """To the resident: another body looks after the order now."""
    title = f"{order.item['name']}已转给{desk_name}来办"
    body = "时限不变，不用重新点单"
    sms = _short(order, "", f"已转给{desk_name[:16]}来办，{body}")
    return [Draft(person, "order.moved", title, body, _link(order), sms, matter=order.id) for person in _told(order)]


def completed(order: Order) -> list[Draft]:
    """To the resident: please rate."""
    title = f"{order.item['name']}做完了，请评价"
    body = "点一下星，说说做得好不好"
    sms = _short(order, "", "做完了，请到邻聚点一下星，说说做得好不好")
    return [
        Draft(person, "order.completed", title, body, _link(order), sms, matter=order.id) for person in _told(order)
    ]


def low_rating(order: Order, secretaries: Iterable[str]) -> list[Draft]:
    """To the branch: a low rating, call back."""
    title = f"请回访：{order.item['name']}，{order.household_label}，{order.stars}星"
    sms = _short(order, "请回访：", f"{_building(order)}，评了{order.stars}星")
    return [Draft(person, "order.low_rating", title, order.comment, _link(order), sms, matter=order.id)
            for person in secretaries]  # fmt: skip


def thanked(order: Order, volunteer_ids: Iterable[str]) -> list[Draft]:
    """To volunteers: the resident has rated the service."""
    title = f"{order.salutation}评了{order.stars}星：{order.item['name']}"
    sms = _short(order, f"{order.salutation[:6]}评了{order.stars}星：", "")
    return [Draft(person, "order.thanked", title, order.comment, "/hours", sms, matter=order.id)
            for person in volunteer_ids]  # fmt: skip


def cancelled(order: Order, by: str, why: str) -> list[Draft]:
    """To the resident: the order was cancelled, by whom and why."""
    title = f"已撤单：{order.item['name']}"
    sms = _short(order, f"{by[:6]}已撤单：", "，原因见邻聚")
    return [Draft(person, "order.cancelled", title, f"{by}撤单：{why}", _link(order), sms, order.urgent, order.id)
            for person in _told(order)]  # fmt: skip


def sent_back(order: Order, why: str) -> list[Draft]:
    """To the resident: the branch sends it back and says why."""
    title = f"请补充后再提交：{order.item['name']}"
    sms = _short(order, "请补充后再提交：", "，要补什么见邻聚")
    return [Draft(person, "order.sent_back", title, why, _link(order), sms, order.urgent, order.id)
            for person in _told(order)]  # fmt: skip


def called_back(order: Order, solved: bool) -> list[Draft]:
    """To the resident: what the call-back came to."""
    title = f"回访已记下：{order.item['name']}"
    body = "谢谢您的反馈" if solved else "没有办好，已重新安排志愿者"
    sms = _short(order, "回访已记下：", f"，{body}")
    return [Draft(person, "order.called_back", title, body, _link(order), sms, matter=order.id)
            for person in _told(order)]  # fmt: skip
