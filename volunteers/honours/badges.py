"""Badges: rules as data, earned from entries that stand, each with the day on which it was reached.

They count what was done for people, never how often the application was opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, case, func, select, true, type_coerce
from sqlalchemy.orm import aliased

from core.database import dialect_name, fast
from volunteers.hours import evidence
from volunteers.hours.models import HourEntry

EVENING = 19


@dataclass(frozen=True)
class Badge:
    """What a badge asks for: so much of a measure."""

    code: str
    icon: str
    name: str
    text: str
    measure: str
    least: int


BADGES = (
    Badge("first", "i-c-talk", "第一次服务", "完成第1次服务", "services", 1),
    Badge("ten", "i-ok-circle", "十次有我", "完成10次服务", "services", 10),
    Badge("hundred", "i-target", "百次有我", "完成100次服务", "services", 100),
    Badge("elders", "i-c-bp", "敬老之星", "为60岁以上老人服务满50小时", "elder_minutes", 50 * 60),
    Badge("praised", "i-star", "暖心邻居", "得到10次五星好评", "praised", 10),
    Badge("urgent", "i-bolt", "随叫随到", "完成5次急单", "urgent", 5),
    Badge("evenings", "i-clock", "夜里的灯", "晚上7点以后服务10次", "evenings", 10),
    Badge("together", "i-flag", "集体先锋", "参加10次集体活动", "together", 10),
)


@dataclass(frozen=True)
class Earned:
    """A badge with when it was reached, or how far one has come."""

    badge: Badge
    have: int
    at: datetime | None

    @property
    def progress(self) -> str:
        """What is there and what is asked, in words."""
        if self.badge.measure == "elder_minutes":
            return f"{self.have // 60}/{self.badge.least // 60}小时"
        return f"{self.have}/{self.badge.least}次"


def _hour(moment: Any) -> Any:
    """The hour of day in Shanghai."""
    if dialect_name() == "postgresql":
        return func.extract("hour", func.timezone("Asia/Shanghai", moment))
    return type_coerce(func.strftime("%H", type_coerce(moment, String()), "+8 hours"), String())


def _measures() -> dict[str, Any]:
    entry = HourEntry
    evening = _hour(entry.starts_at) >= (EVENING if dialect_name() == "postgresql" else f"{EVENING:02d}")
    conditions = {
        "services": true(),
        "praised": evidence.is_marked("praised", entry.order_id),
        "urgent": evidence.is_marked("urgent", entry.order_id),
        "evenings": evening,
        "together": entry.source == "activity",
    }
    found = {name: case((condition, 1), else_=0) for name, condition in conditions.items()}
    return found | {"elder_minutes": case((evidence.is_marked("elder", entry.order_id), entry.minutes), else_=0)}


def _standing(volunteer_id: str) -> Select[Any]:
    reversal = aliased(HourEntry)
    gone = select(reversal.id).where(reversal.reverses_id == HourEntry.id).exists()
    columns = [measure.label(name) for name, measure in _measures().items()]
    return select(HourEntry.id, HourEntry.starts_at, *columns).where(
        HourEntry.volunteer_id == volunteer_id, HourEntry.minutes > 0, ~gone
    )


def list_badges(volunteer_id: str) -> Sequence[Earned]:
    """Every badge with how a volunteer stands, in one statement; the caller has checked that the viewer may know."""
    rows = _standing(volunteer_id).subquery()
    order = (rows.c.starts_at, rows.c.id)
    names = sorted({badge.measure for badge in BADGES})
    running = select(
        rows.c.starts_at, *[func.sum(rows.c[name]).over(order_by=order).label(name) for name in names]
    ).subquery()
    reached = [func.min(case((running.c[badge.measure] >= badge.least, running.c.starts_at))) for badge in BADGES]
    have = [func.coalesce(func.max(running.c[name]), 0) for name in names]
    row = fast().execute(select(*reached, *have)).one()
    sums = dict(zip(names, row[len(BADGES) :], strict=True))
    return [Earned(badge, int(sums[badge.measure]), at) for badge, at in zip(BADGES, row, strict=False)]
