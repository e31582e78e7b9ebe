"""Jobs: a timetable in code, one leader among many processes, and a ledger in which each slot is claimed once.

A job is a named function without arguments that does its work in small commits and may run twice without harm. The
runner (``flask jobs serve``) ticks in the process that holds the leader's lock; when that one dies another takes over.
Even two leaders at once run a slot only once, since a run begins by inserting (job, slot).
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import CheckConstraint, Index, String, Text, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, begin_write, db, engines

log = logging.getLogger(__name__)
LEADER_KEY = 0x6C696E6A75
STATE_NAMES = {"running": "进行中", "done": "完成", "failed": "失败"}


class JobRun(Base):
    """One run of a job in one slot of its timetable."""

    __tablename__ = "job_run"
    job: Mapped[str] = mapped_column(String(40), primary_key=True)
    slot: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'failed')", name="state"),
        Index("ix_job_run_started", "started_at"),
    )


@dataclass(frozen=True)
class Job:
    """A named job, when it runs (crontab in Shanghai time) and what it does; its outcome is a sentence in Chinese."""

    name: str
    title: str
    crontab: str
    work: Callable[[], str]


_jobs: dict[str, Job] = {}


def job(name: str, title: str, crontab: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
    """Put a function on the timetable."""

    def put(work: Callable[[], str]) -> Callable[[], str]:
        if name in _jobs and _jobs[name].work is not work:
            raise ValueError(f"job {name} declared twice")
        _jobs[name] = Job(name, title, crontab, work)
        return work

    return put


def timetable() -> list[Job]:
    """All jobs by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def run(name: str, slot: str) -> JobRun | None:
    """Run a job for a slot, unless the slot was claimed before (then None). A failure is kept in the ledger."""
    found = _jobs[name]
    begin_write()
    db.session.add(JobRun(job=name, slot=slot, state="running", started_at=clock.now(), outcome=""))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    try:
        outcome, state = found.work(), "done"
    except Exception as error:
        log.exception("job %s failed", name)
        outcome, state = f"{type(error).__name__}: {error}"[:500], "failed"
    db.session.rollback()
    begin_write()
    values = {"state": state, "outcome": outcome, "finished_at": clock.now()}
    db.session.execute(update(JobRun).where(JobRun.job == name, JobRun.slot == slot).values(**values))
    db.session.commit()
    return db.session.get_one(JobRun, (name, slot), populate_existing=True)


def forget_old_runs() -> int:
    """Delete ledger rows older than 30 days; caller commits."""
    from_before = clock.now() - timedelta(days=30)
    old = db.session.scalars(select(JobRun).where(JobRun.started_at < from_before).limit(5000)).all()
    for row in old:
        db.session.delete(row)
    return len(old)


@contextmanager
def leadership(app: Flask, stop: threading.Event) -> Iterator[bool]:
    """Wait until this process is the leader (True), or until ``stop`` is set (False)."""
    with app.app_context():
        main, gate = engines().main, engines().gate
    if gate is None:
        with main.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_KEY}):
                if stop.wait(1):
                    yield False
                    return
            yield True
        return
    path = Path(str(main.url.database) + ".leader")
    with path.open("w") as handle:
        while not _lock_file(handle):
            if stop.wait(1):
                yield False
                return
        yield True


def _lock_file(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _tick(app: Flask, found: Job) -> None:
    slot = clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M")
    with app.app_context():
        run(found.name, slot)


def serve(app: Flask) -> None:
    """Run the timetable in this process until SIGTERM or Ctrl-C, as soon as it is the leader."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with leadership(app, stop) as leading:
        if not leading:
            return
        log.info("job runner %d leads", os.getpid())
        scheduler = BackgroundScheduler(timezone=clock.SHANGHAI)
        for found in timetable():
            trigger = CronTrigger.from_crontab(found.crontab, timezone=clock.SHANGHAI)
            options: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": 120}
            scheduler.add_job(_tick, trigger, (app, found), id=found.name, **options)
        scheduler.start()
        stop.wait()
        scheduler.shutdown(wait=True)


cli = AppGroup("jobs", help="后台任务")


@cli.command("list")
def list_command() -> None:
    """List the timetable with each job's last run."""
    for found in timetable():
        last = db.session.scalars(
            select(JobRun).where(JobRun.job == found.name).order_by(JobRun.started_at.desc()).limit(1)
        ).first()
        told = (
            f"{clock.local(last.started_at):%m-%d %H:%M} {STATE_NAMES[last.state]} {last.outcome}"
            if last
            else "未运行过"
        )
        click.echo(f"{found.name:<20} {found.crontab:<14} {found.title}  {told}")


@cli.command("run")
@click.argument("name")
def run_command(name: str) -> None:
    """Run one job now."""
    if name not in _jobs:
        raise click.ClickException(f"没有叫 {name} 的任务；flask jobs list 可看全部")
    done = run(name, "manual " + clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert done is not None
    click.echo(f"{STATE_NAMES[done.state]} {done.outcome}")
    if done.state == "failed":
        raise SystemExit(1)


@cli.command("serve")
def serve_command() -> None:
    """Run the timetable in the foreground."""
    serve(current_app._get_current_object())  # type: ignore[attr-defined]
