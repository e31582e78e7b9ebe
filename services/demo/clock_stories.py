"""Clocks of the demo at work: an order that waits for its resident, one that was extended, one that went up; and the
alarms of all others set as if they had been heard in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core import audit, clock
from core.audit import Subject
from services.demo.people import Parts
from services.demo.present import Stage
from services.demo.stories import Cast, Rows, Someone, Story
from services.orders import clock_messages as say
from services.orders import clocks
from services.orders.alarms import LEVELS
from services.orders.models import OPEN

HEARD_AGAIN = timedelta(minutes=20)


def tell(stage: Stage, parts: Parts) -> None:
    """The three orders."""
    now = clock.now()
    waiting = stage.place("policy_question", 1500, parts[2])
    asked = now - timedelta(minutes=190)
    _remind(waiting, parts[21], asked)
    waiting.pause(asked, 3, "想问的是哪一项政策？把通知拍给我们看看也行")
    tomorrow_at_ten = 34 - clock.local(now).hour
    fixed = stage.accepted("small_repair", parts[12], tomorrow_at_ten)
    fixed.extend(now - timedelta(minutes=35), 2 * 1440, "要换的零件后天才到，已和居民说好")
    _go_up(stage.place("plumbing", 1650), parts[21])


def _remind(story: Story, secretary: Someone, until: datetime) -> datetime:
    """The alarms that were heard until then; when all of the time was over, or will be."""
    of = clocks.of_order(story.order.row)
    points = clocks.alarm_points(of, clocks.course(of))
    for stage, at in enumerate(points, 1):
        if at <= until:
            drafts = say.near(story.order, [secretary.id], stage) if stage < clocks.OVER else []
            details = {"stage": stage, "to": [secretary.name], "due_at": points[-1].isoformat()}
            story.ring(at, "remind", details, drafts)
            story.order.row["reminded"] = stage
    return points[-1]


def _go_up(story: Story, secretary: Someone) -> None:
    """Nobody took it: half, four fifths and the end passed, and there is no deputy to tell."""
    end = _remind(story, secretary, clock.now())
    passed = f"{LEVELS[0][0]}空缺"
    letters = say.escalated(story.order, [secretary.id], LEVELS[1][0], f"{passed}。")
    details = {"level": LEVELS[1][0], "to": [secretary.name], "skipped": [passed]}
    story.ring(end + timedelta(minutes=30), "escalate", details, letters)
    story.order.row["escalated"] = 2


def set_alarms(cast: Cast, rows: Rows, now: datetime) -> None:
    """Open orders: what is over was told of, and the next alarm lies ahead. Orders that are done have none."""
    rung = {event["ev_subject"] for event in rows.events if event["ev_verb"] == "remind"}
    for row in rows.orders:
        if row["state"] not in OPEN or row["paused_at"] is not None:
            row["next_alarm_at"] = row["next_alarm_at"] if row["state"] in OPEN else None
            continue
        of = clocks.of_order(row)
        points = clocks.alarm_points(of, clocks.course(of))
        row["reminded"] = clocks.stage_at(points, now)
        row["next_alarm_at"] = points[row["reminded"]] if row["reminded"] < clocks.OVER else now + HEARD_AGAIN
        if row["id"] not in rung:
            rows.events += [
                _reminder(cast, row, stage, points)
                for stage in range(1, row["reminded"] + 1)
                if points[stage - 1] < now
            ]


def _reminder(cast: Cast, row: dict[str, Any], stage: int, points: Sequence[datetime]) -> dict[str, Any]:
    details = {"stage": stage, "to": [cast.secretary.name], "due_at": points[-1].isoformat()}
    subject = Subject("order", row["id"], row["estate_id"])
    return audit.event_values("system", "系统", "remind", subject, details=details, at=points[stage - 1])
