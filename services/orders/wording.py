"""What an order's page says: the conclusion on top, what happened and what is to come, and the record for the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.web.formats import clock_time, minutes_zh, time_range, when
from services.orders import clocks
from services.orders.aggregate import Order
from services.orders.models import State

DANGER_WORDS = (
    "头晕", "头有点晕", "胸口痛", "胸痛", "胸闷", "摔倒", "摔跤", "跌倒", "昏", "喘不上气", "呼吸困难", "出血", "煤气",
    "触电", "焦味", "自杀",
)  # fmt: skip
"""Words upon which the desk is told to ask by phone first."""

Told = tuple[str, datetime | None, str, str]


def danger_word(note: str) -> str:
    """The first word of danger in a wish, or nothing."""
    return next((word for word in DANGER_WORDS if word in note), "")


def moment_told(text: str | None) -> str:
    """A moment as the trail holds it, in words."""
    return when(datetime.fromisoformat(text)) if text else ""


def names(order: Order) -> str:
    """Those who took the order, by name."""
    return "、".join(offer.volunteer_name for offer in order.assigned())


def conclusion(order: Order, why: str = "") -> tuple[str, str]:
    """For the resident: how it stands, in a sentence, and a line under it. ``why``: the last reason given."""
    item = f"{order.item['name']}，大约{minutes_zh(order.item['usual_minutes'])}"
    missing = order.volunteers_needed - order.accepted_count
    if order.paused:
        return "等您回复后接着办", clocks.of_order(order.row).marks[-1].reason
    match order.row["state"]:
        case State.PLACED:
            title = "支部正在重新安排志愿者" if order.reopened or order.dispatched_at else "支部正在为您找志愿者"
            return title, f"{order.item['name']}，{when(order.due_at)}前办好"
        case State.DISPATCHED if order.accepted_count:
            return f"{names(order)}已接单，还差{missing}位", item
        case State.DISPATCHED:
            return "已派单，等志愿者接单", f"{order.item['name']}，{when(order.due_at)}前办好"
        case State.ACCEPTED if order.preferred_start:
            return f"{time_range(order.preferred_start, order.preferred_end)}，{names(order)}上门", item
        case State.ACCEPTED:
            return f"{names(order)}接了您的单", f"{item}，上门前会先联系您"
        case State.IN_SERVICE:
            return f"{names(order)}正在服务", item
        case State.COMPLETED:
            return f"{order.item['name']}做完了，您满意吗", _spent(order)
        case State.CLOSED:
            return (f"已办结，您评了{order.stars}星" if order.stars else "已办结"), _spent(order)
        case State.SENT_BACK:
            return "请补充后再提交", why
    return "已撤单", why


def _spent(order: Order) -> str:
    done = [offer for offer in order.assigned() if offer.checked_in_at and offer.completed_at]
    if not done:
        return str(order.item["name"])
    first, last = done[0].checked_in_at, max(offer.completed_at for offer in done if offer.completed_at)
    return f"{when(first)} 到 {clock_time(last)}，共{minutes_zh(order.minutes)}"


_TITLES = {
    "place": "已点单", "dispatch": "已派单", "accept": "已接单", "withdraw": "志愿者来不了", "no_show": "志愿者没有到",
    "check_in": "开始服务", "complete": "服务完成", "complete_for": "服务完成", "rate": "已评价",
    "call_back": "支部已回访", "cancel": "已撤单", "send_back": "已退单", "resubmit": "已重新提交",
    "reassign": "支部另派志愿者", "transfer": "换单位来办", "pause": "等您回复", "resume": "接着办",
    "extend": "时限延长", "recount": "时限重算",
}  # fmt: skip
_NEXT = {
    State.PLACED: ("等待派单", "已接单", "服务完成", "待评价"),
    State.DISPATCHED: ("等待接单", "服务完成", "待评价"),
    State.ACCEPTED: ("等待上门", "服务完成", "待评价"),
    State.IN_SERVICE: ("服务中", "待评价"),
    State.COMPLETED: ("待评价",),
    State.SENT_BACK: ("等您补充",),
}


def timeline(order: Order, events: Sequence[Any]) -> list[Told]:
    """For the resident: (title, when, text, done | now | next). What volunteers declined is the branch's matter."""
    told: list[Told] = [
        (_TITLES[event.verb], event.at, _resident_text(order, event), "done")
        for event in events
        if event.verb in _TITLES
    ]
    coming = _NEXT.get(State(order.row["state"]), ())
    for n, title in enumerate(coming):
        text = f"约{when(order.preferred_start)}" if title == "等待上门" and order.preferred_start else ""
        told.append((title, None, text, "next" if n else "now"))
    return told


def _resident_text(order: Order, event: Any) -> str:
    details = event.details or {}
    match event.verb:
        case "place" if order.standing_id is not None:
            return "定期服务，到日子自动点单"
        case "place" if order.placed_as != "self":
            return f"{event.actor_name}代{order.salutation}点单"
        case "dispatch":
            return "向符合条件的志愿者公开征集" if details.get("open") else "支部正在联系志愿者"
        case "accept":
            return f"{event.actor_name}接单"
        case "transfer":
            return f"由{details.get('to')}来办，时限不变"
        case "withdraw" | "no_show" | "reassign":
            return "支部正在为您另找志愿者"
        case "check_in":
            checked = "，服务码核对一致" if details.get("by") == "door_code" else ""
            return f"{details.get('volunteer') or event.actor_name}到达{checked}"
        case "complete":
            return f"{event.actor_name}用时{minutes_zh(details.get('minutes'))}"
        case "complete_for":
            return f"{details.get('volunteer')}用时{minutes_zh(details.get('minutes'))}"
        case "rate":
            return f"{details.get('stars')}星{'，' + details['comment'] if details.get('comment') else ''}"
        case "call_back":
            return "事情办好了" if details.get("solved") else "没有办好，已重新安排"
        case "extend" | "recount":
            return f"{event.reason or '工作日历有改动'}。现在的时限是{moment_told(details.get('due'))}"
    return str(event.reason)


ALARMS = ("remind", "escalate")
_DID = {
    "place": "点单", "accept": "接单", "decline": "婉拒", "withdraw": "退出", "check_in": "签到", "complete": "完成",
    "cancel": "撤单", "send_back": "退单", "resubmit": "补充后重新提交", "reassign": "转派", "expire": "收回过时的派单",
    "undo": "撤回派单",
    "pause": "暂停计时，等居民", "resume": "恢复计时", "take_up": "接手处理",
}  # fmt: skip


def record(events: Sequence[Any]) -> list[tuple[datetime, str]]:
    """For the desk: who did what and why, oldest first. Alarms stand with the clock."""
    done = [event for event in events if event.verb not in ALARMS]
    return [
        (event.at, f"{event.actor_name}{_did(event)}{'：' + event.reason if event.reason else ''}") for event in done
    ]


def _did(event: Any) -> str:
    details = event.details or {}
    match event.verb:
        case "dispatch" if details.get("open"):
            return f"公开抢单，通知{len(details.get('volunteers', ()))}人"
        case "dispatch":
            return f"派给{'、'.join(details.get('volunteers', ()))}"
        case "note":
            return f"备注：{details.get('text')}"
        case "transfer":
            return f"转给{details.get('to')}"
        case "no_show":
            return f"记{details.get('volunteer')}未到"
        case "extend" | "recount":
            how = "延期" if event.verb == "extend" else "因日历改动重算时限"
            return f"{how}，从{moment_told(details.get('due_before'))}到{moment_told(details.get('due'))}"
        case "check_in" if details.get("by"):
            return f"核对服务码，{details.get('volunteer')}签到"
        case "complete":
            note = f"，留言：{details['note']}" if details.get("note") else ""
            return f"完成，用时{minutes_zh(details.get('minutes'))}{note}"
        case "complete_for":
            return f"代{details.get('volunteer')}记完成，用时{minutes_zh(details.get('minutes'))}"
        case "rate":
            return f"评{details.get('stars')}星{'：' + details['comment'] if details.get('comment') else ''}"
        case "call_back":
            note = f"，{details['note']}" if details.get("note") else ""
            return f"回访：{'办好了' if details.get('solved') else '没有办好，重新安排'}{note}"
    return _DID.get(event.verb, str(event.verb))


def changes(events: Sequence[Any], version: int | None) -> list[tuple[datetime, str]]:
    """What happened after the version that somebody saw; every step makes one event and one version."""
    steps = [event for event in events if event.to_state is not None]
    return record(steps[version:] if version is not None and version > 0 else steps[-1:])


def last_reason(events: Sequence[Any]) -> str:
    """The reason given with the last step, with who gave it."""
    return next((f"{event.actor_name}：{event.reason}" for event in reversed(events) if event.reason), "")


def notes_left(events: Sequence[Any]) -> list[tuple[str, str]]:
    """What volunteers said on completing, with their names."""
    return [(e.actor_name, e.details["note"]) for e in events if e.verb == "complete" and (e.details or {}).get("note")]
