"""Making the visits of the days ahead, never one twice.

A visit and its order are written in one transaction, under the lock of the series' row: a crash leaves both or neither,
and a second runner finds the day taken. What fails is tried again by the next run.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from community.organisations.queries import posts_of
from community.policies.queries import of
from core import clock
from core.access import NotFound, Viewer, system_viewer
from core.database import begin_write, db, dialect_name, fast
from core.workflow import InvalidStep, Stale
from services.orders import workflow as orders
from services.orders.workflow import Origin, Refused, Wish
from services.standing import people, queries
from services.standing.aggregate import HELD, Series, fingerprint
from services.standing.models import LIVE, StandingOrder, StandingState, StandingVisit, VisitState
from services.standing.plan import BACK, Occurrence, occurrences
from services.standing.rules import STANDING as RULES
from services.standing.workflow.living import end, lose_helper, resume, stall
from services.standing.workflow.settling import settle
from services.standing.workflow.steps import acting, held

log = logging.getLogger(__name__)
ROUNDS = 4


class _Taken(Exception):
    """Another runner has made this day's visit."""


def advance(standing_id: str) -> int:
    """Bring a series up to date: end or resume it when its day has come, settle and make what is due.

    Returns how many visits were made. Doing it twice does no harm.
    """
    made = 0
    for _ in range(ROUNDS):
        try:
            series = queries.get_series(system_viewer(), standing_id)
            if not _keeps_going(series):
                continue
            if series.state in LIVE:
                made += _make(series)
            _done(series)
        except (Stale, InvalidStep):
            # Somebody changed it meanwhile: look again.
            continue
        except NotFound:
            pass
        break
    return made


def _keeps_going(series: Series) -> bool:
    """Whether the series stays as it is; otherwise it has just been moved on and has to be read again."""
    today, actor = clock.today(), acting()
    if not series.is_open:
        return True
    if series.is_gone:
        end(actor, series.id, "居民已搬走", series.version)
        return False
    if series.until is not None and series.until < today and not _comes(series):
        end(actor, series.id, "已经到期", series.version)
        return False
    if series.state == StandingState.PAUSED and series.pause_until is not None and series.pause_until < today:
        resume(actor, series.id, series.version)
        return False
    named = [who for who in series.helpers if who.state in HELD]
    present = people.on_register(series.estate_id, [who.volunteer_id for who in named])
    for who in named:
        if who.volunteer_id not in present:
            lose_helper(actor, series, who)
            return False
    return True


def _comes(series: Series) -> bool:
    """Whether a visit moved by a holiday still lies ahead of a series that is over."""
    last = series.until or clock.today()
    return any(not found.skipped for found in occurrences(series.terms, clock.today(), last))


def _make(series: Series) -> int:
    today = clock.today()
    horizon = today + timedelta(days=of(RULES, series.estate_id).values["days_ahead"])
    with held(system_viewer(), series.id, series.version) as read:
        settle(read, "定期服务的日子有变动，这一次重新安排")
        plan = occurrences(read.terms, today - BACK, horizon, read.called_off)
        coming = [found for found in plan if today <= found.on <= horizon and found.day >= read.settle_from]
        _write_skips(read, coming)
    taken = {visit.day for visit in queries.list_coming(series.id) if visit.state == VisitState.MADE}
    made = 0
    for occurrence in coming:
        if occurrence.skipped or occurrence.day in taken:
            continue
        try:
            _make_one(series, occurrence)
        except _Taken:
            log.info("visit of %s on %s was made by another runner", series.id, occurrence.day)
        except Refused as refused:
            stall(acting(), series.id, str(refused), series.version)
            raise Stale("standing_order") from refused
        else:
            made += 1
    return made


def _make_one(series: Series, occurrence: Occurrence) -> None:
    """An order and the row that says so. Raises ``_Taken``, ``Stale``, ``Refused``."""
    start, finish = series.terms.period(occurrence.on)
    wish = Wish(
        series.item_code, series.note, series.person_id, None, start, finish, attention=tuple(series.attention),
        origin=_origin(series),
    )  # fmt: skip
    with held(system_viewer(), series.id, series.version, orders=False):
        order = orders.place(acting(), wish)
        values = {
            "standing_id": series.id, "day": occurrence.day, "estate_id": series.estate_id, "held_on": occurrence.on,
            "order_id": order.id, "reason": occurrence.moved, "made_as": fingerprint(series.row, occurrence.on),
            "written_at": clock.now(), "state": VisitState.MADE,
        }  # fmt: skip
        if fast().execute(_CLAIM[dialect_name()], values).first() is None:
            raise _Taken


def _origin(series: Series) -> Origin:
    """On whose behalf it is placed: whoever set the series up, while they may still order there, else the resident."""
    by = Origin(series.id, series.placed_by, series.placed_by_name, series.placed_as)
    if series.placed_as == "staff":
        setter = Viewer(series.placed_by, "", series.placed_by_name, tuple(posts_of(series.placed_by)))
        if setter.may_at("orders:place_for", series.node_path):
            return by
    elif series.placed_by == series.person_id or people.orders_for(series.placed_by, series.household_id):
        return by
    return Origin(series.id, series.person_id, series.person_name, series.placed_as)


def _claim_statement(maker: Any) -> Any:
    """Take a day that nobody has: it is new, or was skipped by a rule that no longer holds."""
    names = ("standing_id", "day", "estate_id", "held_on", "order_id", "reason", "made_as", "written_at", "state")
    row = maker(StandingVisit).values({name: bindparam(name) for name in names} | {"by_hand": False, "note": ""})
    changed = {name: row.excluded[name] for name in (*names[3:], "note")}
    free = (StandingVisit.state == VisitState.SKIPPED) & ~StandingVisit.by_hand
    claimed = row.on_conflict_do_update(index_elements=["standing_id", "day"], set_=changed, where=free)
    return claimed.returning(StandingVisit.day)


def _skip_statement(maker: Any) -> Any:
    names = ("standing_id", "day", "estate_id", "held_on", "reason", "written_at")
    fixed = {"state": VisitState.SKIPPED, "by_hand": False, "note": "", "made_as": "", "order_id": None}
    row = maker(StandingVisit).values({name: bindparam(name) for name in names} | fixed)
    other = (StandingVisit.state == VisitState.SKIPPED) & ~StandingVisit.by_hand
    other &= StandingVisit.reason != row.excluded.reason
    changed = {name: row.excluded[name] for name in ("held_on", "reason", "written_at")}
    return row.on_conflict_do_update(index_elements=["standing_id", "day"], set_=changed, where=other)


_MAKERS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_CLAIM = {name: _claim_statement(maker) for name, maker in _MAKERS.items()}
_SKIP = {name: _skip_statement(maker) for name, maker in _MAKERS.items()}


def _write_skips(series: Series, coming: list[Occurrence]) -> None:
    rows = [
        {"standing_id": series.id, "day": found.day, "estate_id": series.estate_id, "held_on": found.on,
         "reason": found.skipped, "written_at": clock.now()}
        for found in coming if found.skipped
    ]  # fmt: skip
    for row in rows:
        fast().execute(_SKIP[dialect_name()], row)


def _done(series: Series) -> None:
    """Move the watermark, unless the series has changed since it was read."""
    today: date = clock.today()
    ahead = timedelta(days=of(RULES, series.estate_id).values["days_ahead"])
    begin_write()
    db.session.execute(
        update(StandingOrder)
        .where(StandingOrder.id == series.id, StandingOrder.version == series.version)
        .values(made_until=today + ahead, due_on=today + timedelta(days=1))
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
