"""Certificates for many: queued by staff, issued by a job in small commits, stopped when asked to.

A crash loses at most the commit under way: whoever has a number keeps it, the rest still wait. The batch's row is held
during each commit, so two runs of the job never certify one person twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import insert, select, update

from community.grid.importing import in_chunks, table_of
from community.grid.models import Estate
from core import audit, clock, moving
from core.access import Viewer, system_viewer
from core.audit import Subject
from core.database import begin_write, db
from core.workflow import InvalidStep, Step, Workflow
from volunteers.certificates.batches import Chosen, get_body, list_chosen
from volunteers.certificates.models import UNDER_WAY, BatchState, Certificate, CertificateBatch, CertificateItem
from volunteers.certificates.queries import read_period
from volunteers.certificates.seals import ledger_digest
from volunteers.certificates.workflow.issuing import Refused, check_period, new_number

B = BatchState
SHARE = 100
"""People certified in one commit."""
MOST = 2000
"""People in one batch."""
SECONDS = 45
"""How long one run of the job goes on; the next minute takes it up."""
NO_HOURS = "这段时间没有服务时长"

BATCHES = Workflow(
    "certificate_batch",
    CertificateBatch.__table__,  # type: ignore[arg-type]
    (
        Step("queue_batch", "批量开证明", frozenset({None}), frozenset({B.QUEUED}), "certificates:batch"),
        Step("begin_batch", "开始开具", frozenset({B.QUEUED}), frozenset({B.RUNNING}), "certificates:batch"),
        Step("finish_batch", "全部开完", frozenset({B.RUNNING}), frozenset({B.DONE}), "certificates:batch"),
        Step("cancel_batch", "停止开具", frozenset(UNDER_WAY), frozenset({B.CANCELLED}), "certificates:batch"),
    ),
    made=("estate_id", "whom", "body_name", "from_day", "to_day", "people", "asked_by", "asked_name", "created_at",
          "updated_at"),
)  # fmt: skip


def choose(estate: Estate, team: str, numbers: Sequence[str]) -> Chosen:
    """Who is meant: the named numbers, else a team, else the whole estate. Raises ``Refused`` for nobody, for numbers
    that are nobody's here, and for too many."""
    chosen = list_chosen(estate, team, numbers)
    if chosen.unknown:
        raise Refused("numbers", f"这个小区没有这些编号：{'、'.join(chosen.unknown[:10])}")
    if not chosen.people:
        raise Refused("team", "没有这样的志愿者，请换一个范围")
    if len(chosen.people) > MOST:
        raise Refused("team", f"一次最多{MOST}人，请按队伍分几次")
    return chosen


def queue(viewer: Viewer, estate: Estate, chosen: Chosen, first: date, last: date) -> str:
    """Ask for the certificates of the chosen; the batch's id. Caller commits. Raises ``Refused``."""
    check_period(first, last)
    row = moving.make(
        BATCHES, viewer, "queue_batch", B.QUEUED, trail=estate.id, details={"count": len(chosen.people)},
        estate_id=estate.id, whom=chosen.whom, body_name=get_body(estate), from_day=first, to_day=last,
        people=len(chosen.people), asked_by=viewer.person_id, asked_name=viewer.name, created_at=clock.now(),
    )  # fmt: skip
    items = [
        {"batch_id": row["id"], "person_id": person, "position": n, "number": None, "left_out": ""}
        for n, person in enumerate(chosen.people)
    ]
    for some in in_chunks(items):
        db.session.execute(insert(table_of(CertificateItem)), list(some))
    return str(row["id"])


def cancel(viewer: Viewer, batch: CertificateBatch) -> None:
    """Issue no more of it; what was issued stands. Caller commits. Raises ``InvalidStep`` or ``Stale``."""
    moving.move(BATCHES, viewer, _row(batch), "cancel_batch", B.CANCELLED, trail=batch.estate_id)


def carry_on() -> int:
    """Go on with the batches that wait, the oldest first; how many people were looked at. A commit each share."""
    began, done = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        looked = _next_share()
        if looked is None:
            break
        done += looked
    return done


def _next_share() -> int | None:
    begin_write()
    try:
        open_ones = select(CertificateBatch).where(CertificateBatch.state.in_(UNDER_WAY))
        oldest = open_ones.order_by(CertificateBatch.created_at, CertificateBatch.id).limit(1).with_for_update()
        batch = db.session.scalars(oldest.execution_options(populate_existing=True)).first()
        if batch is None:
            db.session.rollback()
            return None
        looked = _share(batch)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return looked


def _share(batch: CertificateBatch) -> int:
    """One share of a batch that is held; the batch is done when nobody waits any more."""
    system, row = system_viewer(), _row(batch)
    if batch.state == B.QUEUED:
        moving.move(BATCHES, system, row, "begin_batch", B.RUNNING, trail=batch.estate_id)
    waiting = select(CertificateItem.person_id).where(
        CertificateItem.batch_id == batch.id, CertificateItem.number.is_(None), CertificateItem.left_out == ""
    )
    people = list(db.session.scalars(waiting.order_by(CertificateItem.position).limit(SHARE)))
    if people:
        _certify(batch, people)
    if len(people) < SHARE:
        moving.move(BATCHES, system, row, "finish_batch", B.DONE, trail=batch.estate_id)
    db.session.expire(batch)
    return len(people)


def _certify(batch: CertificateBatch, people: Sequence[str]) -> None:
    found, now = read_period(people, batch.from_day, batch.to_day), clock.now()
    made: list[dict[str, Any]] = []
    items = table_of(CertificateItem)
    for person in people:
        item = update(items).where(items.c.batch_id == batch.id, items.c.person_id == person)
        read = found.get(person)
        if read is None or read.minutes <= 0:
            db.session.execute(item.values(left_out=NO_HOURS))
            continue
        number = new_number(clock.today())
        made.append({
            "number": number, "volunteer_id": person, "estate_id": batch.estate_id, "body_name": batch.body_name,
            "person_name": read.name, "from_day": batch.from_day, "to_day": batch.to_day,
            "total_minutes": read.minutes, "services": read.services, "issued_at": now, "issued_by": batch.asked_by,
            "digest": ledger_digest(read.entries), "contents": read.contents(),
        })  # fmt: skip
        db.session.execute(insert(table_of(Certificate)), [made[-1]])
        db.session.execute(item.values(number=number))
        details = {"minutes": read.minutes, "batch": batch.id}
        subject = Subject("certificate", number, batch.estate_id)
        audit.record(batch.asked_by, batch.asked_name, "issue_certificate", subject, details=details)


def _row(batch: CertificateBatch) -> moving.Row:
    return {"id": batch.id, "state": batch.state, "version": batch.version}


__all__ = ["BATCHES", "InvalidStep", "cancel", "carry_on", "choose", "queue"]
