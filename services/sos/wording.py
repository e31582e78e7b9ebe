"""What the pages of an emergency call say: the conclusion on top, and its course line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from core import clock
from core.identity import mask_name
from core.web.formats import date_zh
from services.sos.aggregate import Call, Response
from services.sos.circle import TELL_OUTSIDER
from services.sos.models import Coming, Kind, State

STATE_NAMES: Mapping[str, str] = {
    "raised": "等人应", "answered": "有人应", "on_site": "有人到场", "closed": "已处理", "false_alarm": "误报",
    "cancelled": "按错撤回",
}  # fmt: skip
COMING_NAMES: Mapping[str, str] = {"seen": "已看到", "on_way": "在路上", "arrived": "到了", "left": "来不了"}
LEVEL_NAMES = ("家人和邻近的人", "书记、副书记和全部应急志愿者", "社区", "街道")


def told_names(people: Iterable[Any]) -> tuple[str, str]:
    """Who is told, by what they are, the family first: 女儿、网格员、2位志愿者. And who has to be rung by somebody,
    when there is no way to send them a text message."""
    told: Counter[str] = Counter()
    rung: Counter[str] = Counter()
    for one in sorted(people, key=lambda one: _ORDER.index(one.kind)):
        by_hand = one.kind == Kind.OUTSIDER and not TELL_OUTSIDER
        (rung if by_hand else told)[one.title] += 1
    return _counted(told), _counted(rung)


_ORDER = (Kind.FAMILY, Kind.OUTSIDER, Kind.STAFF, Kind.VOLUNTEER)


def _counted(titles: Counter[str]) -> str:
    return "、".join(title if count == 1 else f"{count}位{title}" for title, count in titles.items())


def reached(people: Iterable[Any]) -> str:
    """Who was told, in a sentence."""
    told, rung = told_names(people)
    return "，".join(filter(None, (f"已经通知{told}" if told else "", f"请他们给{rung}打电话" if rung else "")))


def conclusion(call: Call, notices: Sequence[Any]) -> tuple[str, str]:
    """For the caller: how it stands, in a sentence, and a line under it."""
    match call.state:
        case State.RAISED if seen := [r for r in call.answered() if r.is_active]:
            return f"{seen[0].called}已看到", "还在找能马上赶到的人"
        case State.RAISED:
            return "求助已发出，正在等人应", reached(_once(notices)) or "没有找到能通知的人，请马上打120"
        case State.ANSWERED:
            return f"{coming_text(call.coming()[0])}", _others(call)
        case State.ON_SITE:
            there = [r for r in call.coming() if r.state == Coming.ARRIVED]
            return f"{there[0].called}到了" if there else "有人到了", _others(call)
        case State.CLOSED:
            return "这次求助已处理", call.outcome
        case State.FALSE_ALARM:
            return "没事就好", "按错了不要紧，这个按键就是给您用的。有事随时再按"
    return "已经撤回", "大家都知道是按错了，不要紧。有事随时再按"


def _once(notices: Sequence[Any]) -> list[Any]:
    """Each of those told once, however many waves they were told in."""
    return list({row.person_id or row.contact_id: row for row in notices}.values())


def coming_text(response: Response) -> str:
    """One who sees to it, in words for the caller."""
    doing = {
        Coming.SEEN: "已看到，正在赶来",
        Coming.ON_WAY: "在路上了",
        Coming.ARRIVED: "到了",
        Coming.LEFT: "来不了",
    }
    if response.kind == Kind.FAMILY and response.state == Coming.SEEN:
        return f"{response.called}已看到"
    return f"{response.called}{doing[Coming(response.state)]}"


def _others(call: Call) -> str:
    more = len(call.coming()) - 1
    return f"还有{more}人也在赶来" if more else ""


def heading(call: Call) -> str:
    """For those who come: how it stands."""
    match call.state:
        case State.RAISED:
            return "还没有人应"
        case State.ANSWERED:
            return f"{call.lead_name}去处理了"
        case State.ON_SITE:
            return f"{next((r.name for r in call.answered() if r.state == Coming.ARRIVED), call.lead_name)}在现场"
        case State.CLOSED:
            return "已处理"
        case State.FALSE_ALARM:
            return "没事了，是一场虚惊"
    return "没事了，是按错了"


_DID = {
    "answer": "看到了", "on_way": "出发了", "arrive": "到了", "stand_down": "来不了", "remark": "补充",
    "call_off": "说按错了，撤回", "false_alarm": "说没事了", "close": "处理完", "after_care": "回访",
}  # fmt: skip


def course(events: Sequence[Any], notices: Sequence[Any]) -> list[tuple[datetime, str]]:
    """The whole course, oldest first: every step, and who was told in each wave."""
    waves = {number: list(rows) for number, rows in groupby(notices, key=lambda row: row.wave)}
    lines, number = [], 0
    for event in events:
        if event.verb in ("raise", "escalate"):
            if event.verb == "raise":
                lines.append((event.at, f"{event.actor_name}求助"))
            lines.append((event.at, _wave(number, waves.get(number, []), event.details or {})))
            number += 1
        elif event.to_state is not None:
            title = (event.details or {}).get("title", "")
            lines.append((event.at, f"{title}{event.actor_name}{_DID.get(event.verb, event.verb)}{_why(event)}"))
        elif event.verb == "reveal":
            whom = (event.details or {}).get("whom", "")
            lines.append((event.at, f"{event.actor_name}看了{whom}的号码，去打电话"))
        elif event.verb == "view_care":
            lines.append((event.at, f"{event.actor_name}看了家中注意事项"))
    first = clock.local(lines[0][0]).date() if lines else None
    return [(at, text if clock.local(at).date() == first else f"{date_zh(at)}，{text}") for at, text in lines]


def _why(event: Any) -> str:
    return f"：{event.reason}" if event.reason else ""


def _wave(number: int, rows: Sequence[Any], details: Mapping[str, Any]) -> str:
    if not rows:
        return f"第{number + 1}次通知：没有找到能通知的人"
    told = "、".join(f"{row.title}{row.name}" for row in rows if row.kind != Kind.OUTSIDER)
    by_hand = "没有账号，请人打电话" if not details.get("texts") else "没有账号，发短信并请人打电话"
    rung = "、".join(f"{row.title}{mask_name(row.name)}" for row in rows if row.kind == Kind.OUTSIDER)
    level = f"（到{LEVEL_NAMES[details['level']]}）" if details.get("level") else ""
    parts = [f"通知{told}" if told else "", f"{rung}{by_hand}" if rung else ""]
    return f"第{number + 1}次{level}：" + "；".join(filter(None, parts))


def steps_for_caller(call: Call, events: Sequence[Any], notices: Sequence[Any]) -> list[tuple[str, Any, str, str]]:
    """For the caller: (title, when, text, done | now | next), names only of those who agreed."""
    told = [("求助已发出", call.raised_at, "", "done")]
    for number, rows in groupby(notices, key=lambda row: row.wave):
        wave = list(rows)
        title = f"已通知{len(wave)}人" if number == 0 else f"又找人，{reached(wave)}"
        told.append((title, wave[0].told_at, "", "done"))
    for event in events:
        response = call.responses.get(event.actor_id)
        if event.verb in ("answer", "on_way", "arrive", "stand_down") and response is not None:
            told.append((f"{response.called}{_DID[event.verb]}", event.at, "", "done"))
        elif event.verb == "remark":
            mine = event.actor_id in call.callers
            told.append(("您补充" if mine else "现场补充", event.at, event.reason, "done"))
    told.sort(key=lambda line: line[1])
    if call.state == State.RAISED and call.next_wave_at:
        told.append(("还没有人应，就再往上找", call.next_wave_at, "", "now"))
    return told
