"""Certificates asked for by a team, and records of another system that wait to be looked at."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from community.grid.models import Estate
from core import clock
from core.access import Post, Role, Viewer
from core.database import db
from services.demo.stories import Someone
from volunteers.certificates import workflow as certificates
from volunteers.exchange import workflow as exchange
from volunteers.registry.models import Volunteer

ORIGIN = "志愿汇"
HEADERS = "姓名,志愿者编号,服务名称,开始时间,结束时间,服务时长(分钟)"


def set_papers(estate: Estate, secretary: Someone, team: str, known: list[Someone]) -> None:
    """A batch that waits for the job, and a file of records. Commits what stands in the session with the latter."""
    post = Post(Role.SECRETARY, estate.branch_id, estate.path)
    viewer = Viewer(secretary.id, secretary.id, secretary.name, (post,), estate.id, estate.name, estate.path)
    chosen = certificates.choose(estate, team, [])
    certificates.queue(viewer, estate, chosen, date(clock.today().year, 1, 1), clock.today())
    day = clock.today() - timedelta(days=200)
    lines = [HEADERS]
    for n, who in enumerate(known):
        number = db.session.scalar(select(Volunteer.number).where(Volunteer.person_id == who.id))
        lines.append(f"{who.name},{number},清扫河道,{day + timedelta(days=n)} 06:00,{day + timedelta(days=n)} 07:30,90")
    lines += [lines[1], f"钱多多,V00000000,清扫河道,{day} 06:00,{day} 07:30,90", lines[2].replace("06:00", "")]
    exchange.upload(viewer, estate, ORIGIN, "河道清扫.csv", "\n".join(lines).encode())
