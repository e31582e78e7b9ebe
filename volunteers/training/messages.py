"""What is said to whom about training: one function a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from core.outbox import Draft
from core.web.formats import date_zh, time_range
from volunteers.training import kinds as _kinds  # noqa: F401

MINE = "/training/mine"


def _when(session: Any) -> str:
    return f"{time_range(session['starts_at'], session['ends_at'])}，{session['place']}"


def entered(course_name: str, session: Any, person_id: str, waiting: bool) -> Draft:
    """To a volunteer whom staff have put on the list."""
    title = f"{'为您排了候补' if waiting else '为您报了名'}：{course_name}"
    body = f"{_when(session)}。来不了，在“我的培训”里取消就行"
    return Draft(person_id, "training.entered", title, body, MINE, matter=session["id"])


def promoted(course_name: str, session: Any, person_id: str) -> Draft:
    """To whoever was waiting: there is a seat now."""
    title = f"有名额了，已给您排上：{course_name}"
    body = f"{_when(session)}。来不了，请取消，让给下一位"
    return Draft(person_id, "training.promoted", title, body, MINE, matter=session["id"])


def changed(course_name: str, session: Any, people: Iterable[str], was: str) -> list[Draft]:
    """To everyone on the list: time or place is another one."""
    title, body = f"培训改了时间或地点：{course_name}", f"现在是{_when(session)}。原来是{was}"
    return [Draft(person, "training.changed", title, body, MINE, matter=session["id"]) for person in people]


def called_off(course_name: str, session: Any, person_id: str, why: str) -> Draft:
    """To everyone on the list: it does not take place."""
    title = f"培训取消：{course_name}"
    body = f"原定{_when(session)}。原因：{why}"
    return Draft(person_id, "training.called_off", title, body, MINE, matter=session["id"])


def removed(course_name: str, session: Any, person_id: str, why: str) -> Draft:
    """To somebody whom staff have taken off the list."""
    return Draft(person_id, "training.removed", f"已从培训名单移出：{course_name}", f"原因：{why}", MINE,
                 matter=session["id"])  # fmt: skip


def passed(course_name: str, session: Any, person_id: str, expires_on: date | None) -> Draft:
    """To the volunteer: passed."""
    until = f"有效到{date_zh(expires_on, full=True)}" if expires_on else "长期有效"
    return Draft(person_id, "training.passed", f"培训合格：{course_name}", until, MINE, matter=session["id"])


def failed(course_name: str, session: Any, person_id: str, note: str) -> Draft:
    """To the volunteer: not passed this time."""
    body = note or "可以报下一场再学"
    return Draft(person_id, "training.failed", f"这次培训没有合格：{course_name}", body, MINE, matter=session["id"])


def lapsing(course_name: str, person_id: str, expires_on: date, days: int) -> Draft:
    """To the volunteer: a training lapses soon."""
    title = f"“{course_name}”还有{days}天到期" if days else f"“{course_name}”今天到期"
    body = f"有效到{date_zh(expires_on, full=True)}，过期后就不能做要这项培训的服务。请报名复训"
    return Draft(person_id, "training.lapsing", title, body, MINE, matter=f"{course_name[:20]}{expires_on}")


def lapsing_of(
    course_name: str, name: str, leaders: Iterable[str], expires_on: date, days: int, enrolment_id: str
) -> list[Draft]:
    """To the branch: a volunteer's training lapses soon."""
    title = f"{name}的“{course_name}”{f'还有{days}天' if days else '今天'}到期"
    body = f"有效到{date_zh(expires_on, full=True)}，请安排复训"
    sms = f"有志愿者的“{course_name}”快到期，请安排复训"
    return [
        Draft(person, "training.lapsing_of", title, body, "/training/lapsing", sms, matter=enrolment_id)
        for person in leaders
    ]


def told(starts_at: datetime, ends_at: datetime, place: str) -> str:
    """A time and place as messages write them."""
    return f"{time_range(starts_at, ends_at)}，{place}"
