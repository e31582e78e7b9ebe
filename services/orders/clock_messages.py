"""What is said about the clock of an order: one function a message. Short texts keep to the rules of ``messages``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.outbox import Draft
from core.web.formats import when
from services.orders.aggregate import Order
from services.orders.clocks import FOUR_FIFTHS, HALF
from services.orders.messages import _building as building
from services.orders.messages import _link as link
from services.orders.messages import _short as short
from services.orders.messages import _told as residents

_LEFT = {HALF: "时间过半", FOUR_FIFTHS: "快到时限"}
_NEXT = {"placed": "还没有派单", "dispatched": "还没有人接单", "accepted": "还没有开始服务", "in_service": "还没有做完"}


def _what(order: Order) -> str:
    return f"{order.item['name']}，{order.household_label}"


def _press(order: Order) -> str:
    return "急单" if order.urgent else ""


def paused(order: Order, why: str, until: datetime) -> list[Draft]:
    """To the resident: the branch waits for you, until then at most."""
    title = f"请您回复：{order.item['name']}"
    body = f"{why}。回复之前先不计时；到{when(until)}没有回复，就照原来的安排办"
    sms = short(order, "支部在等您回复：", "，请到邻聚看一看、回一句")
    return [Draft(person, "order.paused", title, body, link(order), sms, order.urgent, order.id)
            for person in residents(order)]  # fmt: skip


def held_up(order: Order, volunteer_ids: Iterable[str], why: str) -> list[Draft]:
    """To volunteers who took it: wait, the resident is to answer first."""
    title = f"先等一等：{_what(order)}"
    body = f"支部在等居民回复：{why}"
    sms = short(order, "先等一等：", f"{building(order)}，支部在等居民回复")
    return [Draft(person, "order.held_up", title, body, link(order), sms, order.urgent, order.id)
            for person in volunteer_ids]  # fmt: skip


def answered(order: Order, leaders: Iterable[str], note: str) -> list[Draft]:
    """To the branch: the resident has answered, the clock runs again."""
    title = f"居民已回复：{_what(order)}"
    body = f"{note}。时限{when(order.due_at)}".lstrip("。")
    sms = short(order, "居民已回复：", f"{building(order)}，时限{when(order.due_at)}")
    return [Draft(person, "order.answered", title, body, link(order), sms, order.urgent, order.id)
            for person in leaders]  # fmt: skip


def resumed(order: Order, people: Iterable[str], why: str) -> list[Draft]:
    """To whoever is concerned: the clock runs again, and until when."""
    title = f"恢复计时：{order.item['name']}"
    body = f"{why}。{when(order.due_at)}前办好"
    sms = short(order, "接着办：", f"，{when(order.due_at)}前办好")
    return [Draft(person, "order.resumed", title, body, link(order), sms, order.urgent, order.id) for person in people]


def extended(order: Order, volunteer_ids: Iterable[str], why: str) -> list[Draft]:
    """To the resident and to those who took it: the deadline moved, and why."""
    title = f"时限延到{when(order.due_at)}：{order.item['name']}"
    sms = short(order, "", f"的时限延到{when(order.due_at)}，原因请到邻聚看")
    return [Draft(person, "order.extended", title, f"原因：{why}", link(order), sms, order.urgent, order.id)
            for person in [*residents(order), *volunteer_ids]]  # fmt: skip


def extended_again(order: Order, staff: Iterable[str], by: str, count: int, why: str) -> list[Draft]:
    """To the community: this order was extended once more."""
    title = f"第{count}次延期：{_what(order)}"
    body = f"{by}延到{when(order.due_at)}。原因：{why}"
    sms = short(order, f"第{count}次延期：", f"{building(order)}，延到{when(order.due_at)}")
    return [Draft(person, "order.extended_again", title, body, link(order), sms, matter=order.id) for person in staff]


def recounted(order: Order, leaders: Iterable[str]) -> list[Draft]:
    """To the resident and the branch: the calendar changed, and the deadline with it."""
    title = f"时限改为{when(order.due_at)}：{order.item['name']}"
    body = "工作日历有改动，时限跟着重算了"
    sms = short(order, "", f"的时限改为{when(order.due_at)}，因为工作日历有改动")
    told = [*residents(order), *leaders]
    return [Draft(person, "order.recounted", title, body, link(order), sms, matter=order.id) for person in told]


def near(order: Order, leaders: Iterable[str], stage: int) -> list[Draft]:
    """To the branch: half, or four fifths, of the time is over."""
    title = f"{_LEFT[stage]}：{_what(order)}"
    body = f"{_NEXT[order.state]}，{when(order.due_at)}前要办好"
    sms = short(order, f"{_press(order)}{_LEFT[stage]}：", f"{building(order)}，{_NEXT[order.state]}")
    return [Draft(person, "order.near", title, body, link(order), sms, order.urgent, f"{order.id}:{stage}")
            for person in leaders]  # fmt: skip


def still_open(order: Order, volunteer_ids: Iterable[str], stage: int) -> list[Draft]:
    """To volunteers who have not answered yet, gently: it is still to be had, and may be declined."""
    title = f"还在等您答复：{_what(order)}"
    body = "能去就接单，不方便就婉拒，好让支部找别人"
    sms = short(order, f"{_press(order)}还在等您答复：", f"{building(order)}，能去就接，不方便就婉拒")
    return [Draft(person, "order.still_open", title, body, "/tasks", sms, order.urgent, f"{order.id}:{stage}")
            for person in volunteer_ids]  # fmt: skip


def yours(order: Order, volunteer_ids: Iterable[str], stage: int) -> list[Draft]:
    """To volunteers who took it: until when it is to be done."""
    head = "别忘了：" if stage in _LEFT else "时限到了："
    body = f"{when(order.due_at)}前办好。去不了请退出，好让支部找别人"
    if order.state == "in_service":
        body = "做完了请点“完成”"
    elif stage not in _LEFT:
        body = "请尽快联系居民。去不了请退出，好让支部找别人"
    sms = short(order, _press(order) + head, f"{building(order)}，{body}")
    return [Draft(person, "order.yours", f"{head}{_what(order)}", body, link(order), sms, order.urgent,
                  f"{order.id}:{stage}")
            for person in volunteer_ids]  # fmt: skip


def over(order: Order, leaders: Iterable[str]) -> list[Draft]:
    """To the branch: the time is over."""
    title = f"时限到了：{_what(order)}"
    body = f"{_NEXT[order.state]}。请处理，或点“我来处理”；没有动静会告诉上一级"
    sms = short(order, f"{_press(order)}时限到了：", f"{building(order)}，{_NEXT[order.state]}。请到邻聚处理")
    return [Draft(person, "order.over", title, body, link(order), sms, order.urgent, order.id) for person in leaders]


def escalated(order: Order, people: Iterable[str], level: str, why: str) -> list[Draft]:
    """To the next level: it is late, and nobody has done anything."""
    title = f"超时没有动静：{_what(order)}"
    body = f"{_NEXT[order.state]}，时限是{when(order.due_at)}。{why}请您处理，或点“我来处理”"
    sms = short(order, f"{_press(order)}超时没有动静：", f"{building(order)}，{_NEXT[order.state]}。请到邻聚处理")
    return [Draft(person, "order.escalated", title, body, link(order), sms, order.urgent, f"{order.id}:{level}")
            for person in people]  # fmt: skip


def taken_up(order: Order, people: Iterable[str], by: str, note: str) -> list[Draft]:
    """To the others in charge: someone has taken it up."""
    title = f"{by}接手处理：{_what(order)}"
    sms = short(order, "超时的单有人接手了：", building(order))
    return [Draft(person, "order.taken_up", title, note, link(order), sms, order.urgent, order.id)
            for person in people]  # fmt: skip
