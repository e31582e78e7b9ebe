"""What staff do to the workings of the system; each leaves its mark in the audit trail."""

from __future__ import annotations

from community.system.queries import Reach
from core import audit, clock, jobs, outbox
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.channels import CHANNEL_NAMES
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


def send_again(viewer: Viewer, reach: Reach, delivery_id: str) -> None:
    """Give a dead letter another round of tries. Raises ``NotFound`` for one that is not dead or not within reach.

    Caller commits.
    """
    found = db.session.get(outbox.Delivery, delivery_id)
    if found is None or not outbox.send_again(delivery_id, reach.ids):
        raise NotFound
    subject = Subject("message", found.message_id, found.estate_id)
    details = {"channel": CHANNEL_NAMES.get(found.channel, found.channel)}
    audit.record(viewer.person_id, viewer.name, "send_again", subject, details=details)


def send_all_again(viewer: Viewer, reach: Reach, channel: str) -> int:
    """Give every dead letter of a channel within reach another round of tries; how many. Caller commits."""
    count = outbox.send_all_again(channel, reach.ids)
    if count:
        details = {"channel": CHANNEL_NAMES[channel], "count": count}
        where = next(iter(reach.estates), EVERYWHERE) if len(reach.estates) == 1 else EVERYWHERE
        subject = Subject("message", channel, where)
        audit.record(viewer.person_id, viewer.name, "send_all_again", subject, details=details)
    return count
