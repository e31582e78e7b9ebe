"""The watch at the gate and the first-aid course of the demo: a fortnight of shifts, a course with its sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import cycle, islice

from sqlalchemy import select

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock
from core.access import Post, Role, Viewer
from core.database import db
from services.demo.stories import Someone
from volunteers.hours.presence import list_credited
from volunteers.rota import workflow as rota
from volunteers.rota.models import Shift, ShiftPlace
from volunteers.rota.needs import Need
from volunteers.training import workflow as training
from volunteers.training.models import Enrolment

POST = rota.Post("门岗值守", "看门、登记外来车辆，帮老人提东西。戴好红袖章", "东门岗亭", ("车辆", "人员"), True)
NEEDS = (Need("1", "值班员", 2), Need("2", "机动", 1, min_age=18))
MORNING, EVENING = (8 * 60, 240), (18 * 60 + 30, 150)
COURSE = training.Plan("急救培训", "心肺复苏、海姆立克、止血包扎，带身份证", 180, "五星社区（虚构）", 8, 6)
WORDS = ("东门道闸有点慢，已报物业", "快递柜满了，请晚班留意", "一切正常", "下午有搬家车，已登记")


def list_in(shift_id: str) -> list[str]:
    """The places of a shift, in order."""
    found = select(ShiftPlace.id).where(ShiftPlace.shift_id == shift_id)
    return list(db.session.scalars(found.order_by(ShiftPlace.queued_at, ShiftPlace.id)))


def list_ahead(rota_id: str) -> list[str]:
    """The shifts of a post that have not begun, soonest first."""
    found = select(Shift.id).where(Shift.rota_id == rota_id, Shift.starts_at > clock.now())
    return list(db.session.scalars(found.order_by(Shift.starts_at)))


def list_enrolled(session_id: str) -> list[str]:
    """The list of a session."""
    found = select(Enrolment.id).where(Enrolment.session_id == session_id)
    return list(db.session.scalars(found.order_by(Enrolment.queued_at, Enrolment.id)))


class Gate:
    """Puts the watch and the course on stage."""

    def __init__(self, estate: Estate, secretary: Someone, parts: Sequence[Someone], others: Sequence[Someone]) -> None:
        self._estate = estate
        self._secretary = self._viewer(secretary, Role.SECRETARY)
        self._parts, self._others = parts, cycle(others)
        self._now = clock.now()

    def _viewer(self, who: Someone, role: Role) -> Viewer:
        post = Post(role, self._estate.branch_id, self._estate.path)
        return Viewer(who.id, who.id, who.name, (post,), self._estate.id, self._estate.name, self._estate.path)

    def _volunteer(self, who: Someone) -> Viewer:
        return self._viewer(who, Role.VOLUNTEER)

    def set(self) -> None:
        """Everything."""
        body = db.session.get_one(Organisation, self._estate.branch_id)
        post = rota.add_post(self._secretary, body, POST)
        slots = [rota.Weekly(day, *times, list(NEEDS)) for day in range(7) for times in (MORNING, EVENING)]
        rota.add_patterns(self._secretary, post, slots)
        monday = clock.today() - timedelta(days=clock.today().weekday())
        for day in (monday + timedelta(days=n) for n in range(7)):
            for weekly in slots:
                if weekly.weekday == day.weekday() and weekly.on(day).ends_at <= self._now:
                    self._past(post, weekly.on(day))
        rota.lay(self._secretary, post, clock.today(), 2, "every")
        for number, one in enumerate(list_ahead(post)):
            self._fill(one, number)
        self._teach(body)

    def _past(self, post: str, slot: rota.Slot) -> None:
        """A shift of this week that is over: two came, and one whom nobody could reach now and then."""
        shift = rota.plan_shift(self._secretary, post, slot)
        number = slot.starts_at.toordinal() + slot.starts_at.hour
        for key in ("1", "1", "2"):
            who = self._free(slot.starts_at, slot.ends_at)
            if who is not None:
                rota.enter(self._secretary, shift, key, [who.id], "群里接龙")
        for n, place in enumerate(list_in(shift)):
            if n == 2 and number % 3 == 0:
                rota.no_show(self._secretary, place, "打了两次电话没人接")
                continue
            rota.check_in(self._secretary, place, slot.starts_at)
            rota.check_out(self._secretary, place, since=slot.starts_at, until=slot.ends_at - timedelta(minutes=n * 5))
        counts = {"车辆": 60 + number % 70, "人员": 150 + number % 190}
        rota.write_log(self._secretary, shift, WORDS[number % len(WORDS)], counts)

    def _free(self, start: datetime, end: datetime) -> Someone | None:
        """The next in turn who has no hours in that time."""
        turn = islice(self._others, 20)
        return next((who for who in turn if not list_credited(who.id, start, end)), None)

    def _fill(self, shift: str, number: int) -> None:
        """Later days have fewer people; here and there somebody waits, is invited, or has gone again."""
        wanted = 3 if number < 4 else 2 if number < 9 else number % 2
        for key in ("1", "1", "2")[:wanted]:
            self._sign_up(shift, next(self._others), key)
        if number == 2:
            for who in self._parts[1:3]:
                self._sign_up(shift, who, "1")
        if number == 5:
            rota.invite(self._secretary, shift, "2", [self._parts[0].id], "这天晚上人手紧")
        if number in (3, 10):
            self._sign_up(shift, self._parts[0], "2" if number == 10 else "1")

    def _sign_up(self, shift: str, who: Someone, key: str) -> None:
        try:
            rota.sign_up(self._volunteer(who), shift, key)
        except rota.Refused:
            return

    def _teach(self, body: Organisation) -> None:
        """Three sessions: one whose passes lapse soon, one of last month, one that is full; and one to sign up for."""
        course = training.add_course(self._secretary, body, "first_aid", COURSE)
        for days, people in ((167, self._parts[:1]), (25, self._parts[2:4])):
            self._graduate(course, clock.today() - timedelta(days=days), [*people, next(self._others)])
        for days, places in ((3, 4), (10, 20)):
            start = clock.day_bounds(clock.today() + timedelta(days=days))[0] + timedelta(hours=14)
            occasion = training.Occasion(start, start + timedelta(hours=3), "社区二楼会议室", places, "李医生")
            session = training.plan_session(self._secretary, course, occasion)
            for _ in range(6 if places == 4 else 0):
                training.sign_up(self._volunteer(next(self._others)), session)

    def _graduate(self, course: str, day: date, people: Sequence[Someone]) -> None:
        start = clock.day_bounds(day)[0] + timedelta(hours=9)
        occasion = training.Occasion(start, start + timedelta(hours=3), "社区二楼会议室", 8, "李医生")
        session = training.plan_session(self._secretary, course, occasion)
        ids = [who.id for who in people]
        training.enter(self._secretary, session, ids, "签到表上签了名")
        listed = list_enrolled(session)
        training.tick(self._secretary, session, set(listed), True)
        training.judge(self._secretary, session, dict.fromkeys(listed, ("passed", "")))
