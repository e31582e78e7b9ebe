"""Standing orders of the demo: one that has gone on for weeks, one that waits for a volunteer, one for the branch."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from core import audit, clock
from core.audit import Subject
from core.database import db
from core.holidays import holiday
from core.ids import new_id
from services.demo import words
from services.demo.history import by_day, moment_on
from services.demo.people import Parts
from services.demo.stories import Cast, Rows, Someone, Story, Wanted
from services.demo.writing import insert_rows
from services.standing.aggregate import FIELDS, fingerprint
from services.standing.models import StandingOrder, StandingVisit
from services.standing.plan import part_of_day
from services.standing.recurrence import Pattern

WEEKS = 4
TUESDAYS, FRIDAYS = Pattern("week", weekdays=(1,)), Pattern("week", 2, (4,))
FIFTEENTHS = Pattern("month_day", day=15)


class Series:
    """Sets the series up and tells the visits of one; ``write`` comes after the orders are written."""

    def __init__(self, cast: Cast, parts: Parts, rows: Rows, rng: Random) -> None:
        self._cast, self._parts, self._rows, self._rng = cast, parts, rows, rng
        self._series: list[dict[str, Any]] = []
        self._visits: list[dict[str, Any]] = []

    def tell(self) -> None:
        """Everything."""
        self._blood_pressure()
        self._listening()
        self._haircut()

    def write(self) -> None:
        """Write the series and their visits in the present transaction."""
        connection = db.session.connection()
        insert_rows(connection, StandingOrder, self._series)
        insert_rows(connection, StandingVisit, self._visits)

    def _blood_pressure(self) -> None:
        """Every Tuesday morning for weeks, always by the same volunteer; the next visit is accepted already."""
        elder, helper = self._parts[1], self._parts[11]
        began = clock.today() - timedelta(weeks=WEEKS, days=clock.today().weekday() + 2)
        others = [who for who in self._cast.volunteers if "blood_pressure" in who.skills and who.id != helper.id]
        standin = next((who for who in others if who.household_id != elder.household_id), None)
        row = self._set_up(elder, "blood_pressure", TUESDAYS, began, (510, 630), "量两次，记在本子上", "staff")
        self._named(row, "steady", helper, "agreed")
        if standin is not None:
            self._named(row, "standin", standin, "agreed")
        until = clock.today() + timedelta(days=7)
        for day in (began + timedelta(days=n) for n in range((until - began).days + 1)):
            if day.weekday() == 1 and moment_on(day, 8, 30) > moment_on(clock.today(), 0):
                self._visit(row, elder, helper, day, ahead=True)
            elif day.weekday() == 1:
                self._visit(row, elder, helper, day, ahead=False)
        row["made_until"] = until

    def _listening(self) -> None:
        """Every second Friday afternoon; the volunteer has not answered yet."""
        elder = self._parts[2]
        start = clock.today() + timedelta(days=8)
        row = self._set_up(elder, "listening", FRIDAYS, start, (840, 960), "陪着说说话，老伴刚走", "staff")
        self._named(row, "steady", self._parts[11], "asked")

    def _haircut(self) -> None:
        """On the 15th of every month; the resident asks, the branch has not agreed yet."""
        self._set_up(self._parts[2], "haircut", FIFTEENTHS, clock.today(), (840, 960), "剪短就行", "self", "proposed")

    def _set_up(
        self, who: Someone, item: str, pattern: Pattern, start: date, period: tuple[int, int], note: str, as_: str,
        state: str = "active",
    ) -> dict[str, Any]:  # fmt: skip
        by = self._cast.worker if as_ == "staff" else who
        at = min(moment_on(start, 9, 10), clock.now() - timedelta(hours=3))
        row = dict.fromkeys(FIELDS) | {
            "id": new_id(), "estate_id": self._cast.estate_id, "state": state, "version": 1, "person_id": who.id,
            "item_code": item, "item_name": self._cast.items[item]["name"], "note": note, "attention": [],
            "pattern": pattern.data(), "starts_on": start, "start_minute": period[0], "end_minute": period[1],
            "holidays": "skip", "steady_name": "", "steady_state": "", "standin_name": "", "standin_state": "",
            "settle_from": start, "due_on": clock.today(), "placed_by": by.id, "placed_by_name": by.name,
            "placed_as": as_, "created_at": at, "updated_at": at,
        }  # fmt: skip
        self._series.append(row)
        self._event(row, by, "set_up_series", at, {"told": pattern.told() + part_of_day(*period), "as": as_}, None)
        return row

    def _named(self, row: dict[str, Any], role: str, who: Someone, state: str) -> None:
        row |= {f"{role}_id": who.id, f"{role}_name": who.name, f"{role}_state": state}
        if state == "agreed":
            at = row["updated_at"] + timedelta(minutes=self._rng.randrange(20, 90))
            row |= {"version": row["version"] + 1, "updated_at": at}
            self._event(row, who, "agree_series", at, {"role": role}, row["state"])

    def _event(
        self, row: dict[str, Any], by: Someone, verb: str, at: datetime, details: dict[str, Any], before: str | None
    ) -> None:
        subject = Subject("standing_order", row["id"], row["estate_id"])
        self._rows.events.append(
            audit.event_values(by.id, by.name, verb, subject, from_state=before, to_state=row["state"],
                               details=details, at=at)
        )  # fmt: skip

    def _visit(self, row: dict[str, Any], elder: Someone, helper: Someone, day: date, *, ahead: bool) -> None:
        visit = {"standing_id": row["id"], "day": day, "estate_id": row["estate_id"], "held_on": day, "order_id": None,
                 "state": "skipped", "by_hand": False, "reason": "", "note": "", "made_as": "",
                 "written_at": row["updated_at"]}  # fmt: skip
        if name := holiday(day):
            self._visits.append(visit | {"reason": f"{name}放假"})
            return
        start = moment_on(day, 8, 30)
        if not ahead and not self._cast.keep_free(helper.id, start - timedelta(minutes=5), 50):
            self._visits.append(visit | {"reason": "那天不在家", "by_hand": True})
            return
        placed = max(moment_on(day - timedelta(days=7), 8, 7), row["updated_at"] + timedelta(hours=1))
        placed = min(placed, clock.now() - timedelta(minutes=40))
        wanted = Wanted(elder, "blood_pressure", row["note"], placed, "staff", start, start + timedelta(hours=2))
        story = Story(self._cast, self._rows, self._rng, wanted)
        story.order.row["standing_id"] = row["id"]
        story.dispatch([helper], placed + timedelta(minutes=1))
        story.accept(helper, placed + timedelta(minutes=20))
        self._visits.append(visit | {"order_id": story.order.id, "state": "made", "made_as": fingerprint(row, day)})
        if not ahead:
            story.check_in(helper, start)
            story.complete(helper, start + timedelta(minutes=35), 35, self._rng.choice(words.DONE))
            story.rate(by_day(start + timedelta(hours=3), self._rng), 5, self._rng.choice(words.PRAISE[5]))
