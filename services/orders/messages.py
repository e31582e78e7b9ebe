"""What is said to whom about an order: one function a message."""

from __future__ import annotations

from collections.abc import Iterable

from core.outbox import Draft
from core.web.formats import time_range, when
from services.orders.aggregate import Order


def _link(order: Order) -> str:
    return f"/orders/{order.id}"


def _told(order: Order) -> list[str]:
    """The resident and whoever placed the order."""
    return list(dict.fromkeys([order.person_id, order.placed_by]))


def offered(order: Order, volunteer_ids: Iterable[str], is_open_call: bool) -> list[Draft]:
    """To volunteers: an order is offered to you."""
    title = f"{'抢单' if is_open_call else '派单'}：{order.item['name']}，{order.household_label}"
    time = time_range(order.preferred_start, order.preferred_end)
    body = f"{order.note}{'。希望 ' + time if time else ''}。不方便可以婉拒"
    return [Draft(person, "order.offered", title, body.lstrip("。"), "/tasks") for person in volunteer_ids]


def accepted(order: Order, volunteer_name: str) -> list[Draft]:
    """To the resident: someone has taken it."""
    time = when(order.preferred_start) if order.preferred_start else "上门前会先联系您"
    title = f"{volunteer_name}接了您的单：{order.item['name']}"
    body = f"{time}。开门前请对方报服务码 {order.door_code}"
    return [Draft(person, "order.accepted", title, body, _link(order)) for person in _told(order)]


def back_in_queue(order: Order, secretaries: Iterable[str], why: str) -> list[Draft]:
    """To the branch: nobody holds the order any more."""
    title = f"需要重新派单：{order.item['name']}，{order.household_label}"
    return [Draft(person, "order.back_in_queue", title, why, _link(order)) for person in secretaries]


def looking_again(order: Order, why: str) -> list[Draft]:
    """To the resident: the volunteer cannot come, the branch is looking for another."""
    title = f"正在为您另找志愿者：{order.item['name']}"
    return [Draft(person, "order.looking_again", title, why, _link(order)) for person in _told(order)]


def released(order: Order, volunteer_ids: Iterable[str], why: str) -> list[Draft]:
    """To volunteers: you are no longer needed for this one."""
    title = f"不用去了：{order.item['name']}，{order.household_label}"
    return [Draft(person, "order.released", title, why, "/tasks") for person in volunteer_ids]


def transferred(order: Order, leaders: Iterable[str], come_from: str, why: str) -> list[Draft]:
    """To the desk that an order was transferred to."""
    title = f"{come_from}转来一单：{order.item['name']}，{order.household_label}"
    return [Draft(person, "order.transferred", title, why, _link(order)) for person in leaders]


def moved(order: Order, desk_name: str) -> list[Draft]:
    """To the resident: another body looks after the order now."""
    title = f"{order.item['name']}已转给{desk_name}来办"
    return [Draft(person, "order.moved", title, "时限不变，不用重新点单", _link(order)) for person in _told(order)]


def completed(order: Order) -> list[Draft]:
    """To the resident: please rate."""
    title = f"{order.item['name']}做完了，请评价"
    body = "点一下星，说说做得好不好"
    return [Draft(person, "order.completed", title, body, _link(order)) for person in _told(order)]


def low_rating(order: Order, secretaries: Iterable[str]) -> list[Draft]:
    """To the branch: a low rating, call back."""
    title = f"请回访：{order.item['name']}，{order.household_label}，{order.stars}星"
    return [Draft(person, "order.low_rating", title, order.comment, _link(order)) for person in secretaries]


def thanked(order: Order, volunteer_ids: Iterable[str]) -> list[Draft]:
    """To volunteers: the resident has rated the service."""
    title = f"{order.salutation}评了{order.stars}星：{order.item['name']}"
    return [Draft(person, "order.thanked", title, order.comment, "/hours") for person in volunteer_ids]


def cancelled(order: Order, by: str, why: str) -> list[Draft]:
    """To the resident: the order was cancelled, by whom and why."""
    title = f"已撤单：{order.item['name']}"
    return [Draft(person, "order.cancelled", title, f"{by}撤单：{why}", _link(order)) for person in _told(order)]


def sent_back(order: Order, why: str) -> list[Draft]:
    """To the resident: the branch sends it back and says why."""
    title = f"请补充后再提交：{order.item['name']}"
    return [Draft(person, "order.sent_back", title, why, _link(order)) for person in _told(order)]


def called_back(order: Order, solved: bool) -> list[Draft]:
    """To the resident: what the call-back came to."""
    title = f"回访已记下：{order.item['name']}"
    body = "谢谢您的反馈" if solved else "没有办好，已重新安排志愿者"
    return [Draft(person, "order.called_back", title, body, _link(order)) for person in _told(order)]
