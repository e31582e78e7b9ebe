"""What is said to whom about an emergency call: one function a message. All but the last pass quiet hours.

Title and body stand in the inbox of the person meant. The short text goes over the air, on lock screens and, to staff
and volunteers, into group chats: it names the building and no door, and nobody but by a surname.
"""

from __future__ import annotations

from collections.abc import Iterable

from community.grid.addresses import AddressError, label_block, parse_address
from core.identity import surname
from core.outbox import Draft
from services.sos import kinds as _kinds  # noqa: F401
from services.sos.aggregate import Call, Response
from services.sos.circle import Told
from services.sos.models import Kind, State

PLACES = {"home": "在家", "downstairs": "在楼下", "other": "在别处"}
SHORT = 70
"""Characters of one text message."""


def _link(call: Call) -> str:
    return f"/emergency/{call.id}"


def where(call: Call) -> str:
    """Where somebody is, in words: 在楼下，花坛边."""
    return "，".join(filter(None, (PLACES[call.place], call.place_note)))


def building(call: Call) -> str:
    """The building without stairwell and door; 小区里 when the label tells none."""
    try:
        address = parse_address(call.household_label)
    except AddressError:
        return "小区里"
    return label_block(address, address.word)[:12]


def _body(call: Call) -> str:
    by = f"，{call.raised_by_name}代为求助" if call.raised_as != "self" else ""
    late = f"{call.lead_name}应了，还没有到场。" if call.state == State.ANSWERED else ""
    return f"{late}{where(call)}{by}。{call.note}".rstrip("。") + "。点开就能应答，危急先打120"


def needed(call: Call, told: Iterable[Told]) -> list[Draft]:
    """To everybody of a wave: help is needed, and where."""
    title, body, matter = f"紧急求助：{call.household_label}，{call.salutation}", _body(call), f"{call.id}:{call.wave}"
    help_us = f"{building(call)}有居民紧急求助，能去请马上打开邻聚看门牌、点“我在路上”，危急先打120"[:SHORT]
    home = f"您{building(call)}的家人按了紧急求助，请马上打开邻聚，危急先打120"[:SHORT]
    drafts = []
    for one in told:
        if one.person_id and one.kind == Kind.FAMILY:
            drafts.append(Draft(one.person_id, "emergency.family", title, body, _link(call), home, True, matter))
        elif one.person_id:
            drafts.append(Draft(one.person_id, "emergency.needed", title, body, _link(call), help_us, True, matter))
    return drafts


def text_for_outsider(call: Call) -> str:
    """The text message to a contact who has no account and so finds nothing more on the site."""
    duty = f"，值班电话{call.duty_phone}" if call.duty_phone else ""
    return f"{call.salutation}在{call.estate_name[:12]}按了紧急求助，请马上打电话问问，危急打120{duty}"[:SHORT]


def _discreet(response: Response) -> str:
    return f"{response.title}{surname(response.name)}某"


def _callers(call: Call, response: Response) -> list[str]:
    return [person for person in call.callers if person != response.person_id]


def _matter(call: Call, response: Response) -> str:
    return f"{call.id}:{response.person_id}"


BODY = "危急请直接打120"


def answered(call: Call, response: Response) -> list[Draft]:
    """To the caller: somebody has seen it."""
    said = "已看到您的求助" if response.kind == Kind.FAMILY else "已看到您的求助，正在赶来"
    return [
        Draft(person, "emergency.answered", response.called + said, BODY, _link(call), _discreet(response) + said, True,
              _matter(call, response))
        for person in _callers(call, response)
    ]  # fmt: skip


def on_way(call: Call, response: Response) -> list[Draft]:
    """To the caller: somebody is on the way."""
    return [
        Draft(person, "emergency.on_way", f"{response.called}在路上了", BODY, _link(call),
              f"{_discreet(response)}在来帮您的路上了", True, _matter(call, response))
        for person in _callers(call, response)
    ]  # fmt: skip


def arrived(call: Call, response: Response) -> list[Draft]:
    """To the caller, which may be a daughter far away: somebody is there."""
    return [
        Draft(person, "emergency.arrived", f"{response.called}到了{call.household_label}", BODY, _link(call),
              f"{_discreet(response)}到了{building(call)}求助的家里", True, _matter(call, response))
        for person in _callers(call, response)
    ]  # fmt: skip


def stood_down(call: Call, response: Response) -> list[Draft]:
    """To the caller: somebody cannot come after all."""
    left = "来不了，还有人在赶来" if call.coming() else "来不了，正在找别人"
    return [
        Draft(person, "emergency.stood_down", response.called + left, BODY, _link(call), _discreet(response) + left,
              True, _matter(call, response))
        for person in _callers(call, response)
    ]  # fmt: skip


def ended(call: Call, people: Iterable[str], actor_id: str) -> list[Draft]:
    """To everybody who was told, and to the caller: it is over, nobody needs to come any more. What was done is told
    to the caller alone: it may be about health (个人信息保护法: sensitive)."""
    head, text = {
        State.CLOSED: ("求助已处理", "已经有人处理好了。谢谢您马上看了"),
        State.FALSE_ALARM: ("没事了，不用再去", "是一场虚惊。谢谢您马上看了"),
        State.CANCELLED: ("没事了，不用再去", "是不小心按到的，已经撤回。谢谢您马上看了"),
    }[State(call.state)]
    title, sms = f"{head}：{call.household_label}，{call.salutation}", f"{building(call)}的紧急求助：{head}"
    body = dict.fromkeys(call.callers, call.outcome) if call.state == State.CLOSED else {}
    known = [person for person in dict.fromkeys([*call.callers, *people]) if person != actor_id]
    return [
        Draft(person, "emergency.ended", title, body.get(person, text), _link(call), sms, True, call.id)
        for person in known
    ]


def look_in(call: Call, leaders: Iterable[str], count: int) -> list[Draft]:
    """To the branch: a home has had several false alarms; somebody might look in. Nobody is blamed."""
    title = f"建议上门看看：{call.household_label}，{call.salutation}"
    body = f"90天里误报了{count}次。看看按键好不好用，人是不是心里不踏实，不要责怪"
    sms = f"{building(call)}有一户90天里误报了{count}次，建议上门看看"
    return [Draft(person, "emergency.look_in", title, body, _link(call), sms, matter=call.id) for person in leaders]
