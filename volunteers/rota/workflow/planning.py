"""Making and changing posts and shifts. Nobody who accepted is moved: whoever is touched is told, and asked again when
the time is another one. A shift that anybody was ever in is not deleted but called off, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from community.organisations.models import Organisation
from community.organisations.queries import estate_at
from core import audit, clock, outbox
from core.access import NotFound, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import db
from core.ids import digits, new_id
from core.moving import make, move
from core.web.formats import time_range
from core.workflow import Stale
from volunteers.rota import messages as say
from volunteers.rota import needs as need_list
from volunteers.rota.models import COMING, LONGEST, Rota, Shift, ShiftLog, ShiftPlace, ShiftState, State
from volunteers.rota.needs import Need
from volunteers.rota.workflow.holding import Held, hold_shift, require_lead
from volunteers.rota.workflow.signing import fill, step
from volunteers.rota.workflow.steps import PLACES, SHIFTS, Refused

SHORTEST, AHEAD = timedelta(minutes=30), timedelta(days=366)
BACK = timedelta(days=30)
MOST_PLACES = 200


@dataclass(frozen=True)
class Post:
    """What a post is."""

    name: str
    purpose: str
    place: str
    counters: Sequence[str]
    is_open: bool


def add_post(viewer: Viewer, body: Organisation, post: Post) -> str:
    """A new post of a body; its id. Caller commits."""
    id_, now = new_id(), clock.now()
    row = asdict(post) | {
        "id": id_, "organisation_id": body.id, "path": body.path, "estate_id": estate_at(body.path), "is_active": True,
        "counters": list(post.counters), "version": 1, "created_at": now, "updated_at": now,
    }  # fmt: skip
    db.session.execute(insert(Rota), [row])
    _record(viewer, id_, row["estate_id"], "add_post", {"name": post.name})
    return id_


def hold_post(viewer: Viewer, rota_id: str) -> Any:
    """Lock a post that the viewer manages. Raises ``NotFound``."""
    table = Rota.__table__
    found = db.session.execute(select(table).where(table.c.id == rota_id).with_for_update()).first()
    if found is None or not viewer.may_at("rota:manage", found.path):
        raise NotFound
    return found


def change_post(viewer: Viewer, rota_id: str, post: Post, version: int, *, is_active: bool = True) -> int:
    """Change a post, or close it; how many people with a shift ahead were told of another place. Caller commits.

    Raises ``Stale``, and ``Refused`` for closing one whose shifts ahead have people.
    """
    found = hold_post(viewer, rota_id)
    if found.version != version:
        raise Stale(rota_id)
    new: dict[str, Any] = asdict(post) | {"counters": list(post.counters), "is_active": is_active}
    changed = {name: [getattr(found, name), value] for name, value in new.items() if getattr(found, name) != value}
    if not changed:
        return 0
    ahead = _people_ahead(rota_id)
    if not is_active and found.is_active and ahead:
        raise Refused(f"后面的班次里还有{len(ahead)}人，先取消那些班次，再停用岗位", "is_active")
    values = new | {"version": version + 1, "updated_at": clock.now()}
    db.session.execute(update(Rota).where(Rota.id == rota_id).values(**values))
    told = ahead if "place" in changed else []
    outbox.write(found.estate_id or EVERYWHERE, say.moved(post.name, post.place, rota_id, told))
    _record(viewer, rota_id, found.estate_id, "change_post", changed)
    return len(told)


def _people_ahead(rota_id: str) -> list[str]:
    found = (
        select(ShiftPlace.person_id)
        .join(Shift, Shift.id == ShiftPlace.shift_id)
        .where(Shift.rota_id == rota_id, Shift.starts_at > clock.now())
        .where(ShiftPlace.state.in_((State.INVITED, State.ASKED, State.WAITING, *COMING)))
        .distinct()
        .order_by(ShiftPlace.person_id)
    )
    return list(db.session.scalars(found))


def _record(viewer: Viewer, rota_id: str, estate_id: str | None, verb: str, details: dict[str, Any]) -> None:
    subject = Subject("rota", rota_id, estate_id or EVERYWHERE)
    audit.record(viewer.person_id, viewer.name, verb, subject, details=details)


@dataclass(frozen=True)
class Slot:
    """When a shift is and whom it needs."""

    starts_at: datetime
    ends_at: datetime
    needs: Sequence[Need]
    note: str = ""


def check_slot(slot: Slot, *, fresh: bool) -> None:
    """Raises ``Refused`` for a shift without places, of an impossible length, or too far away."""
    if not slot.needs or need_list.total(slot.needs) < 1:
        raise Refused("没有位置的班不能排，至少写一个角色、一个位置", "needs")
    if need_list.total(slot.needs) > MOST_PLACES:
        raise Refused(f"一班最多{MOST_PLACES}个位置", "needs")
    length = slot.ends_at - slot.starts_at
    if not SHORTEST <= length <= timedelta(minutes=LONGEST):
        raise Refused("一班至少30分钟，最多24小时", "ends_at")
    if slot.starts_at > clock.now() + AHEAD:
        raise Refused("最多提前一年排班", "starts_at")
    if fresh and slot.starts_at < clock.now() - BACK:
        raise Refused("最多补排30天以内的班", "starts_at")


def plan_shift(viewer: Viewer, rota_id: str, slot: Slot) -> str:
    """One shift of a post; its id. Caller commits. Raises ``Refused``."""
    found = hold_post(viewer, rota_id)
    if not found.is_active:
        raise Refused("这个岗位已停用，先恢复再排班")
    check_slot(slot, fresh=True)
    _check_free(rota_id, slot, None)
    return lay_one(viewer, found, slot)


def lay_one(viewer: Viewer, rota: Any, slot: Slot, pattern_id: str | None = None) -> str:
    """Write a shift of a post that is locked; its id."""
    row = make(
        SHIFTS, viewer, "plan_shift", ShiftState.PLANNED, trail=rota.estate_id, details={"name": rota.name},
        rota_id=rota.id, pattern_id=pattern_id, code=digits(4), reason="", created_at=clock.now(), **shape(slot),
    )  # fmt: skip
    return str(row["id"])


def shape(slot: Slot) -> dict[str, Any]:
    """The columns of a shift that a slot fills."""
    return {
        "day": clock.local(slot.starts_at).date(), "starts_at": slot.starts_at, "ends_at": slot.ends_at,
        "needs": need_list.plain(slot.needs), "places": need_list.total(slot.needs), "note": slot.note,
    }  # fmt: skip


def _check_free(rota_id: str, slot: Slot, own_id: str | None) -> None:
    same = select(Shift.id).where(
        Shift.rota_id == rota_id, Shift.starts_at == slot.starts_at, Shift.ends_at == slot.ends_at
    )
    if any(found != own_id for found in db.session.scalars(same)):
        raise Refused("这个岗位同一时间已有一班（也可能是取消了的，可以恢复）", "starts_at")


def change_shift(viewer: Viewer, shift_id: str, slot: Slot, version: int) -> int:
    """Change a shift. Another time asks everybody who holds a place again, and the place stays theirs; how many people
    were told. Caller commits. Raises ``Refused``, ``Stale``."""
    held = hold_shift(shift_id)
    require_lead(viewer, held)
    if held.shift["version"] != version:
        raise Stale(shift_id)
    check_slot(slot, fresh=False)
    before = held.shift
    retimed = (before["starts_at"], before["ends_at"]) != (slot.starts_at, slot.ends_at)
    if retimed:
        _check_free(before["rota_id"], slot, shift_id)
        if any(row["state"] in (State.PRESENT, State.DONE, State.NO_SHOW) for row in held.places):
            raise Refused("已有人到岗或记了未到，时间不能再改", "starts_at")
        if slot.ends_at <= clock.now():
            raise Refused("不能改到过去的时间", "starts_at")
    _check_needs(held, slot.needs)
    was, note = time_range(before["starts_at"], before["ends_at"]), before["note"]
    new = shape(slot)
    if before["pattern_id"] is not None:
        # The day that a repeated week knows it by stays, so that the week is not laid there again.
        new["day"] = before["day"]
    changed = {name: [str(before[name]), str(value)] for name, value in new.items() if before[name] != value}
    if not changed:
        return 0
    try:
        move(SHIFTS, viewer, held.shift, "change_shift", ShiftState.PLANNED, trail=held.rota.estate_id,
             details=changed, **new)  # fmt: skip
    except IntegrityError as error:
        raise Refused("这个岗位同一时间已有一班", "starts_at") from error
    held.needs = need_list.read(new["needs"])
    told = _tell_retimed(viewer, held, was) if retimed else _tell_note(held, note)
    fill(viewer, held)
    return told


def _check_needs(held: Held, needs: Sequence[Need]) -> None:
    """Nobody loses a place by a role that shrinks or goes."""
    by_key = {need.key: need for need in needs}
    for key, need in held.needs.items():
        taken, live = held.taken(key), sum(row["need"] == key for row in held.live())
        if key not in by_key and live:
            raise Refused(f"“{need.role}”里有{live}人，不能去掉这个角色", "needs")
        if key in by_key and by_key[key].places < taken:
            raise Refused(f"“{need.role}”已有{taken}人，位置不能少于{taken}个", "needs")


def _tell_retimed(viewer: Viewer, held: Held, was: str) -> int:
    told = 0
    for row in held.live():
        if row["state"] in COMING:
            message = say.retimed(held.shift, held.rota.name, row["person_id"], was)
            step(viewer, held, row, "retime", State.TO_CONFIRM, messages=[message])
        else:
            _tell(held, row, f"时间改了，原来是{was}")
        told += 1
    return told


def _tell_note(held: Held, before: str) -> int:
    note = held.shift["note"]
    if note == before or not held.is_open:
        return 0
    people = [row for row in held.live() if row["state"] != State.NO_SHOW]
    for row in people:
        _tell(held, row, f"说明：{note}" if note else "说明去掉了")
    return len(people)


def _tell(held: Held, row: dict[str, Any], what: str) -> None:
    message = say.changed(held.shift, held.rota.name, row["person_id"], what)
    outbox.write(held.rota.estate_id or EVERYWHERE, [message])


def call_off_shift(viewer: Viewer, shift_id: str, reason: str) -> int:
    """Call a shift off with a reason; everybody in it is told once. How many. Caller commits. Raises ``Refused``."""
    held = hold_shift(shift_id)
    require_lead(viewer, held)
    if any(row["state"] in (State.PRESENT, State.DONE) for row in held.places):
        raise Refused("已经有人到岗，这一班不能取消")
    held.shift["reason"] = reason[:500]
    move(SHIFTS, viewer, held.shift, "call_off_shift", ShiftState.CALLED_OFF, trail=held.rota.estate_id,
         reason=reason, details={"name": held.rota.name})  # fmt: skip
    people = [row for row in held.live() if row["state"] in PLACES.steps["call_off_place"].leaves]
    for row in people:
        told = say.called_off(held.shift, held.rota.name, row["person_id"], reason)
        step(viewer, held, row, "call_off_place", State.CALLED_OFF, reason=reason, messages=[told])
    return len(people)


def restore_shift(viewer: Viewer, shift_id: str) -> None:
    """Take back that a shift was called off. Nobody is in it: who was may sign up again. Caller commits."""
    held = hold_shift(shift_id)
    require_lead(viewer, held)
    if held.shift["ends_at"] <= clock.now():
        raise Refused("这一班的时间已经过了，不能恢复")
    held.shift["reason"] = ""
    move(SHIFTS, viewer, held.shift, "restore_shift", ShiftState.PLANNED,
         trail=held.rota.estate_id, details={"name": held.rota.name})  # fmt: skip


def delete_shift(viewer: Viewer, shift_id: str) -> str:
    """Delete a shift that nobody was ever in; its post's id. Caller commits. Raises ``Refused`` when anybody was."""
    held = hold_shift(shift_id)
    require_lead(viewer, held)
    if held.live():
        raise Refused(f"这一班里有{len(held.live())}人，不能删除；要停就取消这一班，写明原因，大家都会收到消息")
    logged = db.session.scalar(select(ShiftLog.id).where(ShiftLog.shift_id == shift_id).limit(1))
    if held.places or logged is not None:
        raise Refused("这一班有过报名或记录，要留着备查，不能删除；可以取消这一班")
    db.session.execute(delete(Shift).where(Shift.id == shift_id))
    subject = Subject("shift", shift_id, held.rota.estate_id or EVERYWHERE)
    details = {"name": held.rota.name, "when": time_range(held.shift["starts_at"], held.shift["ends_at"])}
    audit.record(viewer.person_id, viewer.name, "delete_shift", subject, details=details)
    return str(held.shift["rota_id"])


def keyed(needs: Sequence[Need]) -> list[Need]:
    """Needs with a key each: those without get a fresh one."""
    found: list[Need] = []
    for need in needs:
        used = [other.key for other in (*found, *needs)]
        found.append(need if need.key else replace(need, key=need_list.fresh_key(used)))
    return found
