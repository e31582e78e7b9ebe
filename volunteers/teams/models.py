"""Teams of volunteers and who belongs to them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Kind(StrEnum):
    """Kinds of teams."""

    PARTY_LEAGUE_WOMEN = "plw"
    VANGUARD = "vanguard"
    CORPS = "corps"
    DETACHMENT = "detachment"
    SQUAD = "squad"


KIND_NAMES = {
    Kind.PARTY_LEAGUE_WOMEN: "党团妇队伍", Kind.VANGUARD: "先锋队", Kind.CORPS: "总队", Kind.DETACHMENT: "支队",
    Kind.SQUAD: "小队",
}  # fmt: skip


class Member(StrEnum):
    """States of a membership."""

    ASKED = "asked"
    MEMBER = "member"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LEFT = "left"


ROLE_NAMES = {"leader": "队长", "deputy": "副队长", "member": "队员"}
_LIVE_SQL = text("state IN ('asked', 'member')")
_OPEN_SQL = text("state = 'open'")
_CORPS_SQL = text("kind = 'corps' AND state = 'open'")


class Team(Base):
    """A team (志愿服务队) with its home at an organisation; ``path`` is that organisation's.

    A corps (总队) has no home: it is what its detachments (支队) are together, wherever they stand.
    """

    __tablename__ = "team"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(6))
    version: Mapped[int] = mapped_column(Integer)
    organisation_id: Mapped[str | None] = mapped_column(ForeignKey("organisation.id"))
    estate_id: Mapped[str | None] = mapped_column(ForeignKey("estate.id"))
    path: Mapped[str] = mapped_column(String(170))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("team.id"))
    slogan: Mapped[str] = mapped_column(String(60))
    description: Mapped[str] = mapped_column(Text)
    founded_on: Mapped[date] = mapped_column(Date)
    ended_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("kind IN ('" + "', '".join(Kind) + "')", name="kind"),
        CheckConstraint("state IN ('open', 'ended')", name="state"),
        CheckConstraint("(organisation_id IS NULL) = (kind = 'corps')", name="home"),
        CheckConstraint("parent_id IS NULL OR kind = 'detachment'", name="parent"),
        CheckConstraint("ended_on IS NULL OR ended_on >= founded_on", name="term"),
        Index("ix_team_name", "organisation_id", "name", unique=True, postgresql_where=_OPEN_SQL,
              sqlite_where=_OPEN_SQL),
        Index("ix_team_corps_name", "name", unique=True, postgresql_where=_CORPS_SQL, sqlite_where=_CORPS_SQL),
        Index("ix_team_path", "path", "id"),
        Index("ix_team_estate", "estate_id", "name"),
        Index("ix_team_parent", "parent_id"),
    )  # fmt: skip


class TeamMembership(Base):
    """Somebody's place in a team, or the wish for one.

    ``joined_at`` is the first moment of the day of joining in Shanghai and ``left_at`` the first moment after the last
    day, so that hours are compared with them as they are.
    """

    __tablename__ = "team_membership"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("volunteer.person_id"))
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(String(6))
    via: Mapped[str] = mapped_column(String(6))
    wish: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200))
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("state IN ('" + "', '".join(Member) + "')", name="state"),
        CheckConstraint("role IN ('leader', 'deputy', 'member')", name="role"),
        CheckConstraint("via IN ('asked', 'staff', 'roll')", name="via"),
        CheckConstraint("(state IN ('member', 'left')) = (joined_at IS NOT NULL)", name="joined"),
        CheckConstraint("(state = 'left') = (left_at IS NOT NULL)", name="left"),
        CheckConstraint("left_at IS NULL OR left_at >= joined_at", name="term"),
        Index("ix_team_membership_live", "team_id", "person_id", unique=True, postgresql_where=_LIVE_SQL,
              sqlite_where=_LIVE_SQL),
        Index("ix_team_membership_person", "person_id", "state"),
        Index("ix_team_membership_estate", "estate_id", "team_id"),
    )  # fmt: skip
