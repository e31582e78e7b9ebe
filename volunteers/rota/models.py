"""Rotas (排班): posts to be manned, the weeks they repeat, shifts, who holds a place in them, and their log."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, JsonText


class ShiftState(StrEnum):
    """States of a shift."""

    PLANNED = "planned"
    CALLED_OFF = "called_off"


class State(StrEnum):
    """What became of one person in one shift."""

    INVITED = "invited"
    ASKED = "asked"
    SIGNED_UP = "signed_up"
    WAITING = "waiting"
    TO_CONFIRM = "to_confirm"
    PRESENT = "present"
    DONE = "done"
    NO_SHOW = "no_show"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    LAPSED = "lapsed"
    CALLED_OFF = "called_off"


HOLDING = (State.SIGNED_UP, State.TO_CONFIRM, State.PRESENT, State.DONE)
"""Those who take up a place."""
COMING = (State.SIGNED_UP, State.TO_CONFIRM)
LIVE = (State.INVITED, State.ASKED, State.WAITING, *HOLDING, State.NO_SHOW)
"""Of these a person has one in a shift at most; the others are past, and may be followed by another."""
STATE_NAMES: dict[str, str] = {
    State.INVITED: "已邀请",
    State.ASKED: "请他顶班",
    State.SIGNED_UP: "已报名",
    State.WAITING: "候补",
    State.TO_CONFIRM: "待确认",
    State.PRESENT: "在岗",
    State.DONE: "已值完",
    State.NO_SHOW: "未到",
    State.DECLINED: "已婉拒",
    State.WITHDRAWN: "已退出",
    State.REPLACED: "已由别人顶班",
    State.LAPSED: "过时未答",
    State.CALLED_OFF: "班次取消",
}
_LIVE_SQL = text("state IN ('" + "', '".join(LIVE) + "')")
_OPEN_SQL = text("state IN ('invited', 'asked', 'waiting', 'to_confirm')")
LONGEST = 1440
"""Minutes of the longest shift: a day."""


class Rota(Base):
    """A post to be manned (值守岗位), of a body; volunteers of its subtree, and of the estate it lies in, may serve.

    ``counters`` are what its log counts (vehicles, people). ``is_open``: volunteers sign up by themselves.
    """

    __tablename__ = "rota"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))
    path: Mapped[str] = mapped_column(String(170), index=True)
    estate_id: Mapped[str | None] = mapped_column(ForeignKey("estate.id"))
    name: Mapped[str] = mapped_column(String(30))
    purpose: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(String(80))
    counters: Mapped[list[Any]] = mapped_column(JsonText, default=list)
    is_open: Mapped[bool] = mapped_column(Boolean, default=True)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RotaPattern(Base):
    """A shift that repeats every week: weekday 0 is Monday, minutes of the Shanghai day; it may end on the next day."""

    __tablename__ = "rota_pattern"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    rota_id: Mapped[str] = mapped_column(ForeignKey("rota.id"), index=True)
    weekday: Mapped[int] = mapped_column(Integer)
    start_minute: Mapped[int] = mapped_column(Integer)
    minutes: Mapped[int] = mapped_column(Integer)
    needs: Mapped[list[Any]] = mapped_column(JsonText)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("start_minute BETWEEN 0 AND 1439", name="start_minute"),
        CheckConstraint(f"minutes BETWEEN 30 AND {LONGEST}", name="minutes"),
    )


class Shift(Base):
    """A shift of a post. ``needs`` are its places by role; ``day`` is the Shanghai day on which it was laid or begins.

    One slot of a post has one shift, and a repeated week one for each of its days, whatever became of it.
    """

    __tablename__ = "shift"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    rota_id: Mapped[str] = mapped_column(ForeignKey("rota.id"))
    pattern_id: Mapped[str | None] = mapped_column(ForeignKey("rota_pattern.id"))
    day: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    needs: Mapped[list[Any]] = mapped_column(JsonText)
    places: Mapped[int] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(String(4))
    note: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(ShiftState) + "')", name="state"),
        CheckConstraint("places BETWEEN 1 AND 200", name="places"),
        CheckConstraint("ends_at > starts_at", name="period"),
        Index("ix_shift_slot", "rota_id", "starts_at", "ends_at", unique=True),
        Index("ix_shift_pattern", "pattern_id", "day", unique=True, postgresql_where=text("pattern_id IS NOT NULL"),
              sqlite_where=text("pattern_id IS NOT NULL")),
        Index("ix_shift_starts", "starts_at", "id"),
    )  # fmt: skip


class ShiftPlace(Base):
    """A person in a shift, from invitation or signing up to the minutes given.

    ``need`` is the key of the role. A place ``to_confirm`` with ``confirm_by`` goes to the next one after that; without
    it (the time was changed) it waits for the answer. ``for_id`` is the place that one is asked to take over,
    ``back_id`` the one that is given for it in a swap. ``reason`` is why somebody left or did not come, and is kept.
    """

    __tablename__ = "shift_place"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    need: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer)
    is_leader: Mapped[bool] = mapped_column(Boolean, default=False)
    by_staff: Mapped[bool] = mapped_column(Boolean, default=False)
    consent: Mapped[str] = mapped_column(String(100), default="")
    queued_at: Mapped[datetime]
    confirm_by: Mapped[datetime | None]
    for_id: Mapped[str | None] = mapped_column(ForeignKey("shift_place.id"))
    back_id: Mapped[str | None] = mapped_column(ForeignKey("shift_place.id"))
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    minutes: Mapped[int] = mapped_column(Integer, default=0)
    entry_id: Mapped[str | None] = mapped_column(ForeignKey("hour_entry.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(State) + "')", name="state"),
        CheckConstraint(f"minutes BETWEEN 0 AND {LONGEST}", name="minutes"),
        CheckConstraint("(entry_id IS NULL) = (minutes = 0)", name="credited"),
        CheckConstraint("state <> 'no_show' OR reason <> ''", name="no_show"),
        Index("ix_shift_place_once", "shift_id", "person_id", unique=True, postgresql_where=_LIVE_SQL,
              sqlite_where=_LIVE_SQL),
        Index("ix_shift_place_shift", "shift_id", "queued_at", "id"),
        Index("ix_shift_place_person", "person_id", "queued_at", "id"),
        Index("ix_shift_place_open", "shift_id", postgresql_where=_OPEN_SQL, sqlite_where=_OPEN_SQL),
        Index("ix_shift_place_confirm", "confirm_by", postgresql_where=text("state = 'to_confirm'"),
              sqlite_where=text("state = 'to_confirm'")),
    )  # fmt: skip


class ShiftLog(Base):
    """A line of a shift's log: hand-over words, and what was counted. Lines are added and never changed."""

    __tablename__ = "shift_log"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    shift_id: Mapped[str] = mapped_column(ForeignKey("shift.id"))
    at: Mapped[datetime]
    by_id: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(60))
    words: Mapped[str] = mapped_column(String(500), default="")
    counts: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    __table_args__ = (Index("ix_shift_log_shift", "shift_id", "at", "id"), Index("ix_shift_log_at", "at", "id"))


class _Day:
    """A day or a month of a post."""

    rota_id: Mapped[str] = mapped_column(ForeignKey("rota.id"), primary_key=True)
    grain: Mapped[str] = mapped_column(String(1), primary_key=True)
    period: Mapped[date] = mapped_column(Date, primary_key=True)


class ShiftSum(_Day, Base):
    """What the shifts that began on a day or in a month add up to: how many and their places, how many places were
    filled, who was expected, came and did not come."""

    __tablename__ = "shift_sum"
    shifts: Mapped[int] = mapped_column(Integer)
    places: Mapped[int] = mapped_column(Integer)
    filled: Mapped[int] = mapped_column(Integer)
    expected: Mapped[int] = mapped_column(Integer)
    came: Mapped[int] = mapped_column(Integer)
    missed: Mapped[int] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("grain IN ('d', 'm')", name="grain"),)


class ShiftLogSum(_Day, Base):
    """What the logs written on a day or in a month counted, by counter."""

    __tablename__ = "shift_log_sum"
    counter: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("grain IN ('d', 'm')", name="grain"),)


class ShiftTail(Base):
    """A day of a post on which something was written that its sums have not taken in: by a trigger, with what was
    written. One row for each writing, so that none is lost to a sum that is made at the same moment."""

    __tablename__ = "shift_tail"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    rota_id: Mapped[str] = mapped_column(String(16))
    day: Mapped[date] = mapped_column(Date)
    __table_args__ = (Index("ix_shift_tail_day", "rota_id", "day"),)


class ShiftRollup(Base):
    """The one row that whoever makes sums holds meanwhile: there are sums of the days before ``upto``."""

    __tablename__ = "shift_rollup"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    upto: Mapped[date] = mapped_column(Date)
    __table_args__ = (CheckConstraint("id = 1", name="id"),)
