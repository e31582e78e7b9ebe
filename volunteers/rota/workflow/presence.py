"""Who was there: ticked by staff or the shift's leader, or checked in with the post's code; hours from presence.

A presence is credited once, with the step that ends it; what was wrong is corrected in the ledger of hours. Who did not
come stays on record with the reason, and is told so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from community.organisations.models import Organisation
from core import clock
from core.access import NotFound, Viewer
from core.database import db
from core.ids import new_id
from core.moving import Row
from core.web.formats import clock_time
from volunteers.hours.presence import credit_presence, list_credited
from volunteers.hours.workflow import Origin
from volunteers.rota import messages as say
from volunteers.rota.models import COMING, ShiftLog, State
from volunteers.rota.workflow.holding import Held, hold_people, hold_place, hold_shift, read_people, refs
from volunteers.rota.workflow.signing import close_request, leads_shift, step
from volunteers.rota.workflow.steps import PLACES, Refused

KEPT_OPEN = timedelta(days=30)
"""How long after a shift presence can still be ticked."""
COUNT_MOST = 1_000_000


def _find(viewer: Viewer, place_id: str) -> tuple[Held, Row]:
    """A row of a shift that the viewer leads. Raises ``NotFound``."""
    held, row = hold_place(place_id)
    if not leads_shift(viewer, held):
        raise NotFound
    return held, row


def _check_time(held: Held, early: timedelta) -> None:
    now = clock.now()
    if held.shift["starts_at"] - early > now:
        opens = held.shift["starts_at"] - early
        raise Refused(f"还没到签到的时间，{clock_time(opens)}起可以签到")
    if held.shift["ends_at"] + KEPT_OPEN < now:
        raise Refused("这一班过去30天了，不能再点到，时长请在志愿者的时长里更正")


def check_in(viewer: Viewer, place_id: str, at: datetime | None = None) -> str:
    """Staff or the leader: somebody is there, since ``at`` (now, or the end of a shift that is over began at its
    beginning). The shift's id. Caller commits."""
    held, row = _find(viewer, place_id)
    _check_time(held, timedelta(minutes=held.rules["check_in_early"]))
    now = clock.now()
    over = held.shift["ends_at"] <= now
    since = at or (held.shift["starts_at"] if over else now)
    _check_within(held, since)
    close_request(viewer, held, row)
    step(viewer, held, row, "check_in", State.PRESENT, checked_in_at=since)
    return str(held.shift["id"])


def _check_within(held: Held, moment: datetime) -> None:
    around = timedelta(hours=6)
    if not held.shift["starts_at"] - around <= moment <= held.shift["ends_at"] + around or moment > clock.now():
        raise Refused("时间要在这一班前后，不能是将来")


def check_in_by_code(viewer: Viewer, shift_id: str, code: str | None) -> None:
    """One's own check-in: by the four digits at the post, or ``None`` when the pass of its QR code was read before.

    Caller commits. Raises ``Refused``.
    """
    held = hold_shift(shift_id)
    row = held.of(viewer.person_id)
    if row is None or row["state"] not in (*COMING, State.PRESENT, State.DONE):
        raise Refused("您不在这一班的名单里，请找班长登记")
    if row["state"] not in COMING:
        raise Refused("您已经签到，不用再签")
    if code is not None and code != held.shift["code"]:
        raise Refused("签到码不对，请看岗位上或班长手机上的四位数", "code")
    _check_time(held, timedelta(minutes=held.rules["check_in_early"]))
    if held.shift["ends_at"] < clock.now():
        raise Refused("这一班已经结束，请班长或支部补记")
    close_request(viewer, held, row)
    step(viewer, held, row, "check_in", State.PRESENT, checked_in_at=clock.now())


def undo_check_in(viewer: Viewer, place_id: str) -> str:
    """A tick was by mistake; the shift's id. Caller commits."""
    held, row = _find(viewer, place_id)
    step(viewer, held, row, "undo_check_in", State.SIGNED_UP, checked_in_at=None)
    return str(held.shift["id"])


def check_out(
    viewer: Viewer, place_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[str, int]:
    """End a presence and credit its minutes, from the shift's beginning on; the shift's id and the minutes.

    Staff and the leader may give the real times; a volunteer ends their own now. Caller commits. Raises ``Refused``,
    ``Overlap`` and ``NotYetRegistered``.
    """
    person_id, shift_id = refs(place_id)
    hold_people([person_id])
    held, now = hold_shift(shift_id), clock.now()
    row, latest = held.by_id(place_id), held.shift["ends_at"] + timedelta(minutes=held.rules["check_out_late"])
    if not leads_shift(viewer, held):
        if person_id != viewer.person_id:
            raise NotFound
        since = until = None
        if now > latest:
            raise Refused("离岗时间过了很久，请班长或支部按实际时间代记")
    if row["state"] != State.PRESENT:
        PLACES.step("check_out", row["state"])
    began = since or max(row["checked_in_at"], held.shift["starts_at"])
    ended = until or (now if now <= latest else held.shift["ends_at"])
    for moment in (began, ended):
        _check_within(held, moment)
    if ended < began:
        raise Refused("离岗时间要晚于到岗时间，也要晚于这一班的开始", "until")
    entry = _entry(viewer, held, row, began, ended)
    step(viewer, held, row, "check_out", State.DONE, checked_in_at=began, checked_out_at=ended,
         minutes=entry["minutes"] if entry else 0, entry_id=entry["id"] if entry else None,
         extra={"hours": [entry] if entry else []})  # fmt: skip
    return str(held.shift["id"]), int(row["minutes"])


def _entry(viewer: Viewer, held: Held, row: Row, began: datetime, ended: datetime) -> dict[str, Any] | None:
    """The hours of a presence, with the organising body's post as their content."""
    who = read_people([row["person_id"]])[row["person_id"]]
    role = held.needs[row["need"]].role if row["need"] in held.needs else ""
    body = db.session.get_one(Organisation, held.rota.organisation_id)
    origin = Origin(held.rota.place, body.id, body.name, source="shift", source_id=held.shift["id"])
    return credit_presence(
        who.person_id, who.estate_id, starts_at=began, ends_at=ended, content=held.rota.name, note=role,
        by=viewer.person_id, joined_on=who.joined_on, credited=list_credited(who.person_id, began, ended),
        origin=origin,
    )  # fmt: skip


def no_show(viewer: Viewer, place_id: str, reason: str) -> str:
    """Record that somebody who had accepted did not come, and why; they are told. The shift's id. Caller commits."""
    held, row = _find(viewer, place_id)
    if held.shift["starts_at"] > clock.now():
        raise Refused("这一班还没有开始，不能记未到")
    close_request(viewer, held, row)
    told = say.no_show(held.shift, held.rota.name, row["person_id"], reason)
    step(viewer, held, row, "no_show", State.NO_SHOW, reason=reason, messages=[told])
    return str(held.shift["id"])


def reinstate(viewer: Viewer, place_id: str, reason: str) -> str:
    """Take a no-show back, with a reason; the trail keeps both. The shift's id. Caller commits."""
    held, row = _find(viewer, place_id)
    if held.free(row["need"]) <= 0:
        raise Refused("他的位置已经有别人，先把位置加一个，再撤销未到")
    told = say.reinstated(held.shift, held.rota.name, row["person_id"], reason)
    step(viewer, held, row, "reinstate", State.SIGNED_UP, reason=reason, messages=[told])
    return str(held.shift["id"])


def write_log(viewer: Viewer, shift_id: str, words: str, counts: dict[str, int]) -> None:
    """Add a line to a shift's log. Caller commits. Raises ``Refused`` for an empty one."""
    held = hold_shift(shift_id)
    own = held.of(viewer.person_id)
    serves = own is not None and own["state"] in (*COMING, State.PRESENT, State.DONE)
    if not leads_shift(viewer, held) and not serves:
        raise NotFound
    now = clock.now()
    if held.shift["starts_at"] - timedelta(hours=2) > now or held.shift["ends_at"] + KEPT_OPEN < now:
        raise Refused("这一班还没开始，或过去太久，不能再记")
    kept = {name: count for name, count in counts.items() if name in held.rota.counters and count}
    if any(not 0 < count <= COUNT_MOST for count in kept.values()):
        raise Refused(f"数目要在0到{COUNT_MOST}之间", "counts")
    if not words.strip() and not kept:
        raise Refused("写一句交班的话，或填一个数", "words")
    db.session.execute(
        insert(ShiftLog),
        [{"id": new_id(), "shift_id": shift_id, "at": now, "by_id": viewer.person_id, "by_name": viewer.name[:60],
          "words": words.strip()[:500], "counts": kept}],
    )  # fmt: skip
