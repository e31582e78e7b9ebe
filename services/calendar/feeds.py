"""A volunteer's calendar as iCalendar (RFC 5545) for calendar programs, which copy it to other companies.

So it tells the service and the building, never a resident, a door, a phone or a note (个人信息保护法: no more than the
purpose needs). What was called off stays for 30 days as cancelled, so that every program takes it out.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, Timezone, TimezoneStandard, vText

from core import clock, diary
from core.access import Viewer
from core.diary import Asked, Entry

BACK, AHEAD = timedelta(days=30), timedelta(days=180)
OFFSET = timedelta(hours=8)
HOUR = 3600.0


def entries_of(person_id: str, name: str) -> list[Entry]:
    """What a feed holds: everything of the person's calendar that carries a uid."""
    viewer, today = Viewer(person_id, "", name), clock.today()
    asked = Asked(today - BACK, today + AHEAD, person_id, cancelled_since=clock.now() - BACK)
    return [entry for entry in diary.entries(viewer, asked) if entry.uid]


def written(entries: Sequence[Entry], since: datetime) -> tuple[bytes, str, datetime]:
    """The feed as bytes, its ETag, and when something in it last changed (``since`` when it is empty)."""
    calendar = Calendar()
    for name, value in (
        ("prodid", "-//Linju//Calendar//ZH"), ("version", "2.0"), ("calscale", "GREGORIAN"), ("method", "PUBLISH"),
        ("x-wr-calname", "邻聚志愿服务"), ("x-wr-timezone", "Asia/Shanghai"), ("x-published-ttl", "PT1H"),
    ):  # fmt: skip
        calendar.add(name, vText(value))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add_component(_zone())
    for entry in sorted(entries, key=lambda entry: entry.uid):
        calendar.add_component(_event(entry, since))
    body = calendar.to_ical()
    changed = max([since, *(entry.changed_at for entry in entries if entry.changed_at)])
    return body, hashlib.sha256(body).hexdigest()[:32], changed


def _zone() -> Timezone:
    """China has kept one time without summer time since 1992."""
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Asia/Shanghai")
    standard.add("tzname", "CST")
    standard.add("dtstart", datetime(1992, 1, 1))
    standard.add("tzoffsetfrom", OFFSET)
    standard.add("tzoffsetto", OFFSET)
    zone.add_component(standard)
    return zone


def _event(entry: Entry, since: datetime) -> Event:
    event, changed = Event(), (entry.changed_at or since).astimezone(UTC)
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("summary", entry.title if entry.start else f"{entry.title}（时间待约）")
    if entry.start is not None:
        event.add("dtstart", clock.local(entry.start))
        event.add("dtend", clock.local(entry.end or entry.start + timedelta(hours=1)))
    else:
        event.add("dtstart", entry.day)
        event.add("dtend", entry.day + timedelta(days=1))
    if entry.area:
        event.add("location", entry.area)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.cancelled or entry.start is None else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


class Pace:
    """How often an address is asked: so many times an hour, counted in each process, forgotten when it is quiet."""

    def __init__(self, an_hour: int, known: int = 10_000) -> None:
        self._allowed, self._known = float(an_hour), known
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, key: str, now: float | None = None) -> bool:
        """Whether the key may ask once more; a refused question does not count."""
        at = time.monotonic() if now is None else now
        with self._lock:
            left, since = self._seen.pop(key, (self._allowed, at))
            left = min(self._allowed, left + (at - since) * self._allowed / HOUR)
            allowed = left >= 1
            self._seen[key] = (left - allowed, at)
            while len(self._seen) > self._known:
                self._seen.popitem(last=False)
        return allowed
