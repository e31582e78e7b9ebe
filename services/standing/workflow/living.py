"""What happens to a series once it is agreed: volunteers answer, days are skipped, it pauses, goes on and ends."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from core import clock
from core.access import Viewer
from core.database import dialect_name, fast
from core.workflow import InvalidStep
from services.orders.workflow import Refused
from services.standing import messages as say
from services.standing import queries
from services.standing.aggregate import HELD, Helper, Series
from services.standing.models import HelperState, StandingState, StandingVisit, VisitState
from services.standing.plan import BACK, occurrences
from services.standing.workflow.settling import FAR, Settled, settle, withdraw
from services.standing.workflow.steps import apply, held


def agree(viewer: Viewer, standing_id: str) -> Series:
    """A volunteer agrees to come regularly, or to stand in; each visit is still an offer that may be declined."""
    series = queries.get_series(viewer, standing_id)
    who = _who(series, viewer, "agree_series", HelperState.ASKED)
    apply(viewer, "agree_series", series, None, _answered(series, who, HelperState.AGREED),
          tell=lambda s: say.answered(s, viewer.name, who.role, True), details={"role": who.role})  # fmt: skip
    return series


def leave(viewer: Viewer, standing_id: str, reason: str) -> Series:
    """A volunteer does not agree, or comes no longer, with a reason. Visits accepted before are answered one by one."""
    series = queries.get_series(viewer, standing_id)
    who = _who(series, viewer, "leave_series", *HELD)
    apply(viewer, "leave_series", series, None, _answered(series, who, HelperState.DECLINED), reason=reason,
          tell=lambda s: say.answered(s, viewer.name, who.role, False, reason), details={"role": who.role})  # fmt: skip
    return series


def _who(series: Series, viewer: Viewer, verb: str, *states: HelperState) -> Helper:
    who = series.helper(viewer.person_id, states)
    if who is None:
        raise InvalidStep(series.state, verb, "答复")
    return who


def _answered(series: Series, who: Helper, state: HelperState) -> dict[str, Any]:
    names = [f"{role}_{part}" for role in ("steady", "standin") for part in ("id", "name", "state")]
    return {name: series.row[name] for name in names} | {f"{who.role}_state": state}


def lose_helper(viewer: Viewer, series: Series, who: Helper) -> None:
    """A volunteer who was named has left the register (the job finds it); the branch is told to name another one."""
    apply(viewer, "lose_helper", series, None, _answered(series, who, HelperState.GONE),
          tell=lambda s: say.answered(s, who.name, who.role, False, "已不在志愿者名册上，请另请一位"),
          details={"role": who.role, "volunteer_name": who.name})  # fmt: skip


def _skip_statement(maker: Any) -> Any:
    row = maker(StandingVisit).values(
        {name: bindparam(name) for name in ("standing_id", "day", "estate_id", "held_on", "reason", "written_at")}
        | {"state": VisitState.SKIPPED, "by_hand": True, "note": "", "made_as": "", "order_id": None}
    )  # fmt: skip
    changed = {name: row.excluded[name] for name in ("state", "by_hand", "reason", "order_id", "note", "written_at")}
    return row.on_conflict_do_update(index_elements=["standing_id", "day"], set_=changed)


_SKIP = {"postgresql": _skip_statement(postgresql.insert), "sqlite": _skip_statement(sqlite.insert)}


def skip(viewer: Viewer, standing_id: str, day: date, reason: str) -> Series:
    """Leave one day out. An order that nobody has taken is withdrawn; one that is taken is left to its own page.

    Raises ``Refused`` for a day that is none of the series', is over, or is taken.
    """
    with held(viewer, standing_id) as series:
        today = clock.today()
        visit = next((found for found in queries.list_coming(standing_id) if found.day == day), None)
        plan = occurrences(series.terms, today - BACK, max(day, today + FAR), series.called_off)
        planned = next((found for found in plan if found.day == day and not found.skipped and found.on >= today), None)
        if visit is not None and visit.is_taken:
            raise Refused("day", f"{day.month}月{day.day}日那次已有人接单，要取消请到那一单里撤单")
        if planned is None and not (visit is not None and visit.is_loose):
            raise Refused("day", "这一天本来就不上门，请看看是哪几天")
        held_on = visit.held_on if visit is not None else planned.on if planned is not None else day
        if visit is not None and visit.is_loose:
            withdraw(series, visit, reason, by_hand=True)
        else:
            values = {"standing_id": standing_id, "day": day, "estate_id": series.estate_id, "held_on": held_on,
                      "reason": reason[:200], "written_at": clock.now()}  # fmt: skip
            fast().execute(_SKIP[dialect_name()], values)
        apply(viewer, "skip_visit", series, reason=reason, details={"day": day.isoformat()},
              tell=lambda s: say.skipped(s, held_on, viewer.name, reason))  # fmt: skip
    return series


def restore(viewer: Viewer, standing_id: str, day: date) -> Series:
    """Come on a day after all that was left out by hand. Raises ``Refused`` when it was not, or is over."""
    with held(viewer, standing_id) as series:
        visit = next((found for found in queries.list_coming(standing_id) if found.day == day), None)
        if visit is None or not visit.by_hand:
            raise Refused("day", "这一次没有被跳过，不用恢复")
        again = update(StandingVisit).where(StandingVisit.standing_id == standing_id, StandingVisit.day == day)
        fast().execute(again.values(by_hand=False, reason="", written_at=clock.now()))
        apply(viewer, "restore_visit", series, None, {"due_on": clock.today()}, details={"day": day.isoformat()},
              tell=lambda s: say.restored(s, visit.held_on))  # fmt: skip
    return series


def pause(
    viewer: Viewer, standing_id: str, first: date, last: date | None, reason: str, version: int | None = None
) -> tuple[Series, Settled]:
    """Pause from one day until another, or until it is resumed. Raises ``Refused`` for days that do not go."""
    if first < clock.today():
        raise Refused("pause_from", "暂停从今天或以后开始")
    if last is not None and last < first:
        raise Refused("pause_until", "暂停的最后一天要在第一天之后")
    with held(viewer, standing_id, version) as series:
        changes = {"pause_from": first, "pause_until": last, "due_on": clock.today()}
        details = {"from": first.isoformat(), "until": last.isoformat() if last else None}
        apply(viewer, "pause_series", series, StandingState.PAUSED, changes, reason=reason, details=details,
              tell=lambda s: say.paused(s, viewer.name, reason))  # fmt: skip
        settled = settle(series, f"定期服务暂停：{reason}")
    return series, settled


def stall(viewer: Viewer, standing_id: str, reason: str, version: int) -> None:
    """The job cannot go on, as when the service is no longer on the list: pause, and tell the branch."""
    with held(viewer, standing_id, version) as series:
        changes = {"pause_from": clock.today(), "pause_until": None, "due_on": clock.today()}
        apply(viewer, "pause_series", series, StandingState.PAUSED, changes, reason=reason,
              tell=lambda s: say.stalled(s, reason))  # fmt: skip
        settle(series, reason)


def resume(viewer: Viewer, standing_id: str, version: int | None = None) -> Series:
    """Go on."""
    with held(viewer, standing_id, version, orders=False) as series:
        changes = {"pause_from": None, "pause_until": None, "due_on": clock.today()}
        apply(viewer, "resume_series", series, StandingState.ACTIVE, changes, tell=say.resumed)
    return series


def end(viewer: Viewer, standing_id: str, reason: str, version: int | None = None) -> tuple[Series, Settled]:
    """End it, with a reason. Coming orders that nobody has taken are withdrawn, those taken are served."""
    with held(viewer, standing_id, version) as series:
        also = series.leaders if viewer.person_id == "system" else ()
        apply(viewer, "end_series", series, StandingState.ENDED, {"ended_at": clock.now()}, reason=reason,
              tell=lambda s: say.ended(s, viewer.name, reason, also))  # fmt: skip
        settled = settle(series, f"定期服务结束：{reason}")
    return series, settled
