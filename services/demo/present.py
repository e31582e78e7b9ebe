"""The estate as it stands this hour: what waits, what is on its way, what is done and not yet rated.

Parts are named by the last two digits of their phone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from core import clock
from services.demo import words
from services.demo.people import Parts
from services.demo.stories import Cast, Rows, Someone, Story, Wanted

QUEUE = (
    ("emergency", 4, "self"), ("elder_shopping", 11, "self"), ("plumbing", 26, "self"), ("blood_pressure", 42, "staff"),
    ("tech_help", 65, "self"), ("errands", 97, "staff"), ("listening", 150, "self"), ("clinic_company", 205, "staff"),
    ("haircut", 330, "staff"), ("small_repair", 4530, "self"), ("elder_shopping", 1530, "self"),
    ("plumbing", 1760, "self"), ("cleaning", 4400, "self"),
)  # fmt: skip
"""Waiting to be dispatched: item, minutes ago, by whom. Some are past their deadline."""

OFFERED = (
    ("elder_shopping", 48, (11,)), ("small_repair", 95, (12,)), ("tech_help", 70, (13, 15)),
    ("clinic_company", 160, (14,)),    ("elder_shopping", 33, (12, 13, 15, 16)),
)  # fmt: skip
"""Offered and not answered yet: item, minutes ago, to whom; to several as an open call."""

ACCEPTED = (("blood_pressure", 11, 3), ("clinic_company", 14, 24), ("cleaning", 15, 28), ("tutoring", 16, 7))
"""Accepted: item, volunteer, hours until it begins."""

IN_SERVICE = (("tech_help", 13, 24), ("plumbing", 12, 41))
"""Under way: item, volunteer, minutes since it began."""

UNRATED = (
    ("elder_shopping", 1, 12, 1150), ("elder_shopping", 2, 11, 1500), ("errands", 0, 13, 300), ("haircut", 0, 15, 2800),
)  # fmt: skip
"""Done, to be rated: item, resident (0: anybody), volunteer, minutes ago."""


class Stage:
    """Puts present orders on stage for one estate."""

    def __init__(self, cast: Cast, parts: Parts, rows: Rows, rng: Random) -> None:
        self._cast, self._parts, self._rows, self._rng = cast, parts, rows, rng
        today, known = clock.today(), parts.ids()
        elders = [who for who in cast.residents if (who.age_on(today) or 0) >= 60 and who.id not in known]
        self._elders = list({who.household_id: who for who in elders}.values())
        rng.shuffle(self._elders)
        self._told: set[str] = set()

    def set(self) -> None:
        """Everything."""
        for item, minutes, placed_as in QUEUE:
            self._place(item, minutes, placed_as=placed_as)
        for item, minutes, asked in OFFERED:
            story = self._place(item, minutes)
            story.dispatch([self._parts[n] for n in asked], self._ago(minutes - 7), is_open=len(asked) > 1)
        for item, number, hours in ACCEPTED:
            self._accepted(item, self._parts[number], hours)
        for item, number, minutes in IN_SERVICE:
            story, who = self._place(item, minutes + 140), self._parts[number]
            self._cast.keep_free(who.id, self._ago(minutes + 1), minutes + 60)
            self._give(story, who, minutes + 120)
            story.check_in(who, self._ago(minutes))
        self._forget()
        for item, resident, number, minutes in UNRATED:
            self._done(item, self._parts[resident] if resident else None, self._parts[number], minutes)
        self._done("plumbing", None, self._parts[12], 1700).rate(self._ago(900), 2, "拧紧了，夜里又滴水")
        self._accepted("blood_pressure", self._parts[11], 26, self._parts[1])
        for minutes, number in ((20_000, 14), (43_000, 11), (90_000, 12)):
            story = self._done("elder_shopping", self._parts[1], self._parts[number], minutes)
            story.rate(self._ago(minutes - 200), 5, self._rng.choice(words.PRAISE[5]))

    def _forget(self) -> None:
        """A volunteer without an account checked in twelve days ago and has not ended the service."""
        known, minutes = self._parts.ids(), 12 * 1440
        who = next((one for one in self._cast.volunteers if one.id not in known), None)
        if who is not None:
            self._cast.keep_free(who.id, self._ago(minutes + 1), 60)
            story = self._place("small_repair", minutes + 300)
            self._give(story, who, minutes + 120)
            story.check_in(who, self._ago(minutes))

    def _ago(self, minutes: int) -> datetime:
        return clock.now() - timedelta(minutes=minutes, seconds=self._rng.randrange(50))

    def place(self, item: str, minutes: int, person: Someone | None = None) -> Story:
        """An order of somebody, or of anybody old, placed so many minutes ago."""
        return self._place(item, minutes, person)

    def accepted(self, item: str, who: Someone, hours: int) -> Story:
        """An order that begins in so many hours, and who comes."""
        return self._accepted(item, who, hours)

    def _place(
        self, item: str, minutes: int, person: Someone | None = None, *, placed_as: str = "self",
        start: datetime | None = None,
    ) -> Story:  # fmt: skip
        who = person or self._elders.pop()
        notes = [note for note in words.WISHES[item] if note not in self._told]
        note = self._rng.choice(notes or words.WISHES[item])
        self._told.add(note)
        urgent = item == "emergency"
        end = start + timedelta(hours=2) if start else None
        wanted = Wanted(who, item, note, self._ago(minutes), placed_as, start, end, urgent=urgent)
        return Story(self._cast, self._rows, self._rng, wanted)

    def _give(self, story: Story, who: Someone, minutes: int) -> None:
        """Dispatched and accepted, the latter so many minutes ago."""
        story.dispatch([who], self._ago(minutes + 9))
        story.accept(who, self._ago(minutes))

    def _accepted(self, item: str, who: Someone, hours: int, person: Someone | None = None) -> Story:
        day = clock.local(clock.now() + timedelta(hours=hours))
        start = clock.from_local(day.replace(minute=0, second=0, microsecond=0, tzinfo=None))
        story = self._place(item, 190, person, start=start)
        self._give(story, who, 80)
        return story

    def _done(self, item: str, person: Someone | None, who: Someone, minutes: int) -> Story:
        """A service that ended so many minutes ago, or a little before when the volunteer was busy then."""
        while not self._cast.keep_free(who.id, self._ago(minutes + 42), 44):
            minutes += 50
        story = self._place(item, minutes + 400, person)
        self._give(story, who, minutes + 200)
        story.check_in(who, self._ago(minutes + 40))
        story.complete(who, self._ago(minutes), 35, self._rng.choice(words.DONE))
        return story
