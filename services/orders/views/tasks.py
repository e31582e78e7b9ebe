"""A volunteer's page: the next task, offers to answer, the agenda, hours, and whether one takes orders."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from core import access, clock
from core.access import Forbidden
from core.web.formats import remaining
from services.orders import own
from services.orders.forms import DECLINE_REASONS
from services.orders.views.blueprint import pages
from services.standing.queries import list_asked
from volunteers.registry import workflow as registry

SOON = timedelta(hours=2)


@pages.page("/tasks", access="orders:serve")
def tasks() -> str:
    """What a volunteer has to answer and to do."""
    viewer = access.viewer()
    me = own.find_standing(viewer)
    if me is None:
        raise Forbidden("您的志愿者登记还没有完成，请联系支部")
    found = own.list_tasks(viewer)
    goal = me.stars.goal(me.minutes)
    return render_template(
        "services/orders/tasks.html",
        me=me,
        tasks=found,
        days=[(day, list(rows)) for day, rows in groupby(found.agenda, key=_day)],
        lead=_lead(found.next) if found.next else "",
        level=me.stars.level(me.minutes),
        goal=goal,
        next_name=me.stars.next_name(me.minutes),
        reasons=DECLINE_REASONS,
        soon=_is_soon(found.next),
        asked_series=list_asked(viewer),
        today=clock.today(),
    )


def _day(row: Any) -> Any:
    return clock.local(row.completed_at or row.preferred_start or row.due_at).date()


def _lead(row: Any) -> str:
    """How far off the next task is."""
    if row.checked_in_at:
        return "正在服务"
    if row.preferred_start is None:
        return "下一单，先打电话约时间"
    left = remaining(row.preferred_start)
    return "下一单，到时间了" if left.kind == "late" else f"下一单，{left.text.removeprefix('剩 ')}后开始"


def _is_soon(row: Any) -> bool:
    """Whether checking in is the thing to do: the next task has no time, or begins within two hours."""
    return row is not None and (row.preferred_start is None or row.preferred_start - clock.now() < SOON)


@pages.page("/tasks/available", access="orders:serve", methods=("POST",), writes=True)
def set_available() -> Response:
    """Take orders, or take a break from them."""
    on = request.form.get("on") == "1"
    registry.set_available(access.viewer(), on)
    flash("已打开接单，有合适的单会派给您" if on else "已关闭接单，不再给您派新单", "success")
    return redirect(url_for("orders.tasks"), 303)
