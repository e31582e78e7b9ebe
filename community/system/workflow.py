"""What staff do to the workings of the system; each leaves its mark in the audit trail."""

from __future__ import annotations

from community.system.queries import Reach
from core import audit, clock, jobs, outbox
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import begin_write, db
from core.jobs import JobRun


def run_job(viewer: Viewer, name: str) -> JobRun:
    """Run a job now, whatever its timetable says. Raises ``NotFound``. Commits by itself, as jobs do."""
    if name not in {found.name for found in jobs.timetable()}:
        raise NotFound
    begin_write()
    audit.record(viewer.person_id, viewer.name, "run_job", Subject("job", name[:16], EVERYWHERE), details={"job": name})
    db.session.commit()
    done = jobs.run(name, "manual " + clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert done is not None
    return done


def send_again(viewer: Viewer, reach: Reach, message_id: str) -> None:
    """Give a dead letter another round of tries. Raises ``NotFound`` for one that is not dead or not within reach.

    Caller commits.
    """
    found = db.session.get(outbox.Message, message_id)
    if found is None or not outbox.send_again(message_id, reach.ids):
        raise NotFound
    audit.record(viewer.person_id, viewer.name, "send_again", Subject("message", message_id, found.estate_id))
