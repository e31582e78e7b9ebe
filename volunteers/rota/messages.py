"""What is said to whom about shifts: one function a message. One person hears of one deed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.outbox import Draft
from core.web.formats import clock_time, time_range, when
from volunteers.rota import kinds as _kinds  # noqa: F401

Shift = Mapping[str, Any]


def _link(shift: Shift) -> str:
    return f"/rota/shifts/{shift['id']}"


def _times(shift: Shift) -> str:
    return time_range(shift["starts_at"], shift["ends_at"])


def invited(shift: Shift, post: str, place: str, role: str, person: str, words: str) -> Draft:
    """To a volunteer: would you serve? Saying no is as good an answer."""
    body = f"{place}。{words + '。' if words else ''}方便就答应，不方便可以婉拒"
    return Draft(
        person,
        "rota.invited",
        f"邀请您值班：{post}，{role}，{_times(shift)}",
        body,
        _link(shift),
        f"邀请您值班：{post}，{role}，{_times(shift)}",
        matter=shift["id"],
    )


def entered(shift: Shift, post: str, place: str, role: str, person: str) -> Draft:
    """To a volunteer whom staff have entered with their consent."""
    body = f"{place}。来不了可以退出，或找人顶班"
    return Draft(
        person,
        "rota.entered",
        f"给您排了班：{post}，{role}，{_times(shift)}",
        body,
        _link(shift),
        f"给您排了班：{post}，{role}，{_times(shift)}",
        matter=shift["id"],
    )


def place_free(shift: Shift, post: str, person: str, until: datetime) -> Draft:
    """To whoever waited: a place is yours if you confirm it."""
    title = f"轮到您了：{post}，{_times(shift)}"
    return Draft(
        person,
        "rota.place_free",
        title,
        f"请在{when(until)}前确认，过了就让给下一位",
        _link(shift),
        title,
        matter=shift["id"],
    )


def lapsed(shift: Shift, post: str, person: str, why: str) -> Draft:
    """To whoever did not answer in time, or waited in vain."""
    return Draft(
        person,
        "rota.lapsed",
        f"没有排上：{post}，{_times(shift)}",
        why,
        _link(shift),
        f"没有排上：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def retimed(shift: Shift, post: str, person: str, was: str) -> Draft:
    """To whoever had accepted: the time is another one, please say whether you can."""
    title = f"改了时间，请再确认：{post}"
    return Draft(
        person,
        "rota.retimed",
        title,
        f"现在是{_times(shift)}，原来是{was}。位置给您留着，来不了请退出",
        _link(shift),
        title,
        matter=shift["id"],
    )


def changed(shift: Shift, post: str, person: str, what: str) -> Draft:
    """To whoever is on it or waits for it: something else than the time has changed, or the time for those who wait."""
    return Draft(
        person,
        "rota.changed",
        f"班次有改动：{post}，{_times(shift)}",
        what,
        _link(shift),
        f"班次有改动：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def called_off(shift: Shift, post: str, person: str, why: str) -> Draft:
    """To everybody on it: the shift is off."""
    return Draft(
        person,
        "rota.called_off",
        f"班次取消：{post}，{_times(shift)}",
        f"原因：{why}",
        _link(shift),
        f"班次取消：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def released(shift: Shift, post: str, person: str, why: str) -> Draft:
    """To somebody whom staff have taken off a shift."""
    return Draft(
        person,
        "rota.released",
        f"不用来值班了：{post}，{_times(shift)}",
        f"原因：{why}",
        _link(shift),
        f"不用来值班了：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def left(shift: Shift, post: str, name: str, leaders: Iterable[str], why: str, found: bool) -> list[Draft]:
    """To those who lead: somebody has withdrawn; whether somebody who waited is asked."""
    body = f"原因：{why}。{'已问候补的人' if found else '没有候补，请找人'}"
    title = f"{name}来不了：{post}，{_times(shift)}"
    sms = f"有人来不了：{post}，{_times(shift)}，{'已问候补' if found else '没有候补'}"
    return [Draft(person, "rota.left", title, body, _link(shift), sms, matter=shift["id"]) for person in leaders]


def declined(shift: Shift, post: str, name: str, leaders: Iterable[str], why: str) -> list[Draft]:
    """To those who lead: an invitation was declined."""
    title = f"{name}婉拒了邀请：{post}，{_times(shift)}"
    sms = f"有人婉拒了邀请：{post}，{_times(shift)}"
    return [Draft(person, "rota.declined", title, why, _link(shift), sms, matter=shift["id"]) for person in leaders]


def stand_in_asked(shift: Shift, post: str, place: str, name: str, person: str, back: Shift | None) -> Draft:
    """To a volunteer: would you stand in for somebody, or swap?"""
    title = f"{name}请您{'换班' if back else '顶班'}：{post}，{_times(shift)}"
    body = f"{place}。" + (f"换您的{_times(back)}那一班" if back else "方便就答应，不方便可以婉拒")
    sms = f"请您{'换班' if back else '顶班'}：{post}，{_times(shift)}"
    return Draft(person, "rota.stand_in_asked", title, body, _link(shift), sms, matter=shift["id"])


def stood_in(shift: Shift, post: str, name: str, person: str, back: Shift | None) -> Draft:
    """To whoever asked: somebody stands in for you."""
    body = f"您改值{_times(back)}那一班" if back else "您不用来了"
    what = f"{'换班' if back else '顶班'}：{post}，{_times(shift)}"
    return Draft(
        person, "rota.stood_in", f"{name}答应{what}", body, _link(shift), f"有人答应{what}", matter=shift["id"]
    )


def stood_in_of(shift: Shift, post: str, name: str, before: str, leaders: Iterable[str]) -> list[Draft]:
    """To those who lead: who comes instead of whom."""
    title = f"换人了：{post}，{_times(shift)}"
    return [
        Draft(person, "rota.stood_in_of", title, f"{before}换成{name}", _link(shift), title, matter=shift["id"])
        for person in leaders
    ]


def stand_in_declined(shift: Shift, post: str, name: str, person: str) -> Draft:
    """To whoever asked: no stand-in from there; the shift is still theirs."""
    body = "这一班还是您的，可以再请别人，或退出"
    what = f"顶不了：{post}，{_times(shift)}"
    return Draft(
        person, "rota.stand_in_declined", f"{name}{what}", body, _link(shift), f"对方{what}", matter=shift["id"]
    )


def stand_in_over(shift: Shift, post: str, name: str, person: str) -> Draft:
    """To whoever was asked to stand in: no need any more."""
    what = f"顶班了：{post}，{_times(shift)}"
    return Draft(
        person, "rota.stand_in_over", f"不用替{name}{what}", "", _link(shift), f"不用{what}", matter=shift["id"]
    )


def no_show(shift: Shift, post: str, person: str, why: str) -> Draft:
    """To a volunteer: it was noted that you did not come, and why; say so if that is not right."""
    body = f"记的原因：{why}。有出入请告诉支部，可以改"
    return Draft(
        person,
        "rota.no_show",
        f"记了未到：{post}，{_times(shift)}",
        body,
        _link(shift),
        f"记了未到：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def reinstated(shift: Shift, post: str, person: str, why: str) -> Draft:
    """To a volunteer: the note that you did not come was taken back."""
    return Draft(
        person,
        "rota.reinstated",
        f"撤销了未到：{post}，{_times(shift)}",
        why,
        _link(shift),
        f"撤销了未到：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def leading(shift: Shift, post: str, person: str) -> Draft:
    """To a volunteer: you lead the shift."""
    body = f"请{clock_time(shift['starts_at'])}前到，给大家点到，交班时记一笔"
    return Draft(
        person,
        "rota.leading",
        f"请您当班长：{post}，{_times(shift)}",
        body,
        _link(shift),
        f"请您当班长：{post}，{_times(shift)}",
        matter=shift["id"],
    )


def moved(post: str, place: str, rota_id: str, people: Iterable[str]) -> list[Draft]:
    """To everybody with a shift ahead at a post: it is elsewhere now."""
    return [
        Draft(
            person,
            "rota.moved",
            f"值班地点改了：{post}",
            f"现在在{place}",
            "/rota/mine",
            f"值班地点改了：{post}",
            matter=rota_id,
        )
        for person in people
    ]
