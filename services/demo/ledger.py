"""What the demo estate has done with its hours: consents, a month confirmed and one on notice, a dispute answered and
one waiting, awards, and saved time of which some was given to a relative."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from community.policies.models import Policy
from core import audit, calendar, clock
from core.audit import Subject
from core.ids import new_id
from services.demo.history import moment_on
from services.demo.people import Parts
from services.demo.stories import Cast, Rows, Someone
from volunteers.consents.models import VolunteerConsent
from volunteers.consents.texts import HONOUR_ROLL, HOURS_NOTICE, VERSION
from volunteers.disputes.models import Dispute
from volunteers.honours.models import Honour
from volunteers.notices.models import HourNotice, HourNoticeLine
from volunteers.timebank.models import TimeEntry, TimeTransfer
from volunteers.timebank.rules import TIME_BANK

NOTICE_DAYS, ANSWER_DAYS = 3, 5


def keep(cast: Cast, rows: Rows, parts: Parts) -> None:
    """Everything, as rows that are written with the stories."""
    givers = list(dict.fromkeys(entry["volunteer_id"] for entry in rows.hours))
    _record_late(rows)
    _open_time_bank(cast, rows)
    _agree(cast, rows, [parts[n].id for n in range(11, 17)] + givers[:40:2])
    confirmed = _notice(cast, rows, _months_ago(2), is_closed=True)
    _notice(cast, rows, _months_ago(1), is_closed=False)
    _dispute(cast, rows, parts[12], answer="核对了签到和完成的时间，也问了居民，记的没有错", days=9)
    _dispute(cast, rows, parts[11], answer="", days=1)
    _awards(cast, rows, parts)
    _save_time(cast, rows, parts, confirmed)


def _record_late(rows: Rows) -> None:
    """One gathering was written down three weeks after it."""
    before = clock.now() - timedelta(days=40)
    held = [entry for entry in rows.hours if entry["source"] == "activity" and entry["ends_at"] < before]
    if held:
        last = max(entry["starts_at"] for entry in held)
        for entry in held:
            if entry["starts_at"] == last:
                at = entry["ends_at"] + timedelta(days=21)
                entry |= {"recorded_at": at, "recorded_late": True, "note": "补记原因：签到名单当时没有收齐"}


def _months_ago(count: int) -> date:
    today = clock.today()
    month = today.year * 12 + today.month - 1 - count
    return date(month // 12, month % 12 + 1, 1)


def _event(
    cast: Cast, rows: Rows, who: Someone, verb: str, kind: str, subject_id: str, at: datetime, **more: Any
) -> None:  # fmt: skip
    subject = Subject(kind, subject_id, cast.estate_id)
    rows.events.append(audit.event_values(who.id, who.name, verb, subject, at=at, **more))


def _open_time_bank(cast: Cast, rows: Rows) -> None:
    at = moment_on(_months_ago(3), 9, 30)
    chosen = TIME_BANK.defaults | {"runs": True}
    rows.more.append((Policy, [{"estate_id": cast.estate_id, "topic": TIME_BANK.name, "chosen": chosen, "version": 1,
                                "updated_at": at}]))  # fmt: skip
    details = {"topic": TIME_BANK.title, "本小区开办时间储蓄": ["否", "是"]}
    _event(cast, rows, cast.secretary, "change_policy", "policy", cast.estate_id, at, details=details)


def _agree(cast: Cast, rows: Rows, people: Sequence[str]) -> None:
    at = moment_on(_months_ago(3), 19, 20)
    found = []
    for n, person_id in enumerate(dict.fromkeys(people)):
        for kind in (HOURS_NOTICE, HONOUR_ROLL) if n % 4 else (HOURS_NOTICE,):
            given = at + timedelta(minutes=7 * n)
            found.append({"id": new_id(), "person_id": person_id, "estate_id": cast.estate_id, "kind": kind,
                          "text_version": VERSION, "how": "online", "recorded_by": person_id, "recorded_by_name": "",
                          "given_at": given, "withdrawn_at": None})  # fmt: skip
    rows.more.append((VolunteerConsent, found))


def _sums(entries: Iterable[dict[str, Any]], month: date) -> dict[str, list[int]]:
    """Minutes and services of a month by volunteer."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        day = clock.local(entry["starts_at"]).date()
        if (day.year, day.month) == (month.year, month.month):
            sums[entry["volunteer_id"]][0] += entry["minutes"]
            sums[entry["volunteer_id"]][1] += 1 if entry["minutes"] > 0 else -1
    return {person: held for person, held in sums.items() if held[0] > 0}


def _notice(cast: Cast, rows: Rows, month: date, *, is_closed: bool) -> dict[str, list[int]]:
    """A notice of a month: opened in the first days of the next one and closed, or opened yesterday and open still."""
    sums = _sums(rows.hours, month)
    now, id_ = clock.now(), new_id()
    following = clock.next_month(month)
    opened = moment_on(following + timedelta(days=2), 9, 15) if is_closed else now - timedelta(hours=20)
    closes_on = calendar.add_working_days(clock.local(opened).date(), NOTICE_DAYS)
    closed = moment_on(closes_on + timedelta(days=1), 0, 15) if is_closed else None
    if closed is not None and closed > now:
        closed, is_closed = None, False
    state = "closed" if is_closed else "open"
    rows.more.append((HourNotice, [{
        "id": id_, "estate_id": cast.estate_id, "month": month, "state": state, "version": 3 if is_closed else 2,
        "body": f"{cast.estate_name}党支部", "period_days": NOTICE_DAYS, "made_at": opened - timedelta(minutes=12),
        "made_by": cast.secretary.id, "opened_at": opened, "closes_on": closes_on, "closed_at": closed,
        "updated_at": closed or opened,
    }]))  # fmt: skip
    ranked = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    rows.more.append((HourNoticeLine, [
        {"notice_id": id_, "position": n, "volunteer_id": person, "minutes": held[0], "services": held[1]}
        for n, (person, held) in enumerate(ranked, 1)
    ]))  # fmt: skip
    steps: list[tuple[str, str | None, str, datetime]] = [
        ("draft_notice", None, "draft", opened - timedelta(minutes=12)), ("open_notice", "draft", "open", opened),
    ]  # fmt: skip
    for verb, before, after, at in steps:
        _event(cast, rows, cast.secretary, verb, "hour_notice", id_, at, from_state=before, to_state=after,
               details={"month": f"{month:%Y-%m}"})  # fmt: skip
    if closed is not None:
        _event(cast, rows, Someone("system", "系统"), "close_notice", "hour_notice", id_, closed, from_state="open",
               to_state="closed", details={"month": f"{month:%Y-%m}"})  # fmt: skip
    return sums if is_closed else {}


def _dispute(cast: Cast, rows: Rows, who: Someone, *, answer: str, days: int) -> None:
    """One entry disputed so many days ago, and explained a day later when there is an answer."""
    gone = {entry["reverses_id"] for entry in rows.hours if entry["reverses_id"]}
    raised = clock.now() - timedelta(days=days, hours=2)
    own = [
        entry for entry in rows.hours
        if entry["volunteer_id"] == who.id and entry["minutes"] > 0 and entry["order_id"] and entry["id"] not in gone
        and entry["ends_at"] < raised
    ]  # fmt: skip
    if not own:
        return
    entry, id_ = max(own, key=lambda one: one["ends_at"]), new_id()
    claim = f"{'走的时候比记的晚' if answer else '后来又跑了一趟药店'}，应该多记{20 if answer else 15}分钟"
    answered = raised + timedelta(hours=26) if answer else None
    rows.more.append((Dispute, [{
        "id": id_, "estate_id": cast.estate_id, "volunteer_id": who.id, "entry_id": entry["id"], "notice_id": None,
        "kind": "minutes", "claim": claim, "claimed_minutes": entry["minutes"] + (20 if answer else 15),
        "claimed_start": None, "state": "explained" if answer else "raised", "version": 2 if answer else 1,
        "raised_at": raised, "raised_by": who.id, "raised_by_name": who.name, "caller": "",
        "due_at": calendar.deadline(raised, ANSWER_DAYS * 1440, "working_days"), "answered_at": answered,
        "answered_by": cast.secretary.id if answer else None,
        "answered_by_name": cast.secretary.name if answer else "", "answer": answer, "correction_id": None,
        "updated_at": answered or raised,
    }]))  # fmt: skip
    _event(cast, rows, who, "dispute", "dispute", id_, raised, to_state="raised", details={"kind": "分钟数不对"})
    if answered is not None:
        _event(cast, rows, cast.secretary, "explain", "dispute", id_, answered, from_state="raised",
               to_state="explained", reason=answer)  # fmt: skip


def _awards(cast: Cast, rows: Rows, parts: Parts) -> None:
    given = (
        (parts[11], "年度优秀志愿者", f"{cast.estate_name}党支部", date(clock.today().year, 3, 5)),
        (parts[14], "最美邻里", "社区党委", date(clock.today().year - 1, 12, 5)),
    )
    found = []
    for who, name, body, day in given:
        if day <= clock.today():
            at, id_ = clock.now() - timedelta(days=30), new_id()
            found.append({"id": id_, "volunteer_id": who.id, "estate_id": cast.estate_id, "name": name, "body": body,
                          "awarded_on": day, "recorded_at": at, "recorded_by": cast.secretary.id})  # fmt: skip
            _event(cast, rows, cast.secretary, "award", "honour", id_, at, details={"name": name, "body": body})
    rows.more.append((Honour, found))


class _Bank:
    """The ledgers of saved time, each entry following from the one before."""

    def __init__(self, cast: Cast) -> None:
        self._estate_id = cast.estate_id
        self.entries: list[dict[str, Any]] = []

    def move(self, holder: Someone, minutes: int, kind: str, at: datetime, note: str = "", **more: Any) -> None:
        """The next entry of a holder."""
        before = self.of(holder)
        balance = (before[-1]["balance"] if before else 0) + minutes
        self.entries.append({
            "id": new_id(), "holder_id": holder.id, "estate_id": self._estate_id, "number": len(before) + 1,
            "minutes": minutes, "balance": balance, "kind": kind, "month": None, "transfer_id": None, "order_id": None,
            "reverses_id": None, "note": note, "recorded_at": at, "recorded_by": holder.id,
        } | more)  # fmt: skip

    def of(self, holder: Someone) -> list[dict[str, Any]]:
        """A holder's entries."""
        return [entry for entry in self.entries if entry["holder_id"] == holder.id]


def _save_time(cast: Cast, rows: Rows, parts: Parts, confirmed: dict[str, list[int]]) -> None:
    """Two volunteers saved time of the confirmed month; one gave some to the elder with a demo account, the other asks
    to give some to an elder of the estate."""
    bank, saved = _Bank(cast), clock.now() - timedelta(days=6)
    for number in (11, 14):
        if confirmed.get(parts[number].id, [0])[0] >= 120:
            bank.move(parts[number], 120, "saved", saved + timedelta(minutes=number), month=_months_ago(2))
    elders = (who for who in cast.residents if (who.age_on(clock.today()) or 0) >= 75 and who.id not in parts.ids())
    gifts = []
    if bank.of(parts[14]):
        gifts.append(_given(cast, rows, bank, parts[14], parts[2], saved + timedelta(days=1)))
    if bank.of(parts[11]):
        gifts.append(_asked(cast, rows, parts[11], next(elders), saved + timedelta(days=2)))
    rows.more += [(TimeTransfer, gifts), (TimeEntry, bank.entries)]


def _gift(cast: Cast, rows: Rows, who: Someone, to: Someone, relation: str, at: datetime) -> dict[str, Any]:
    id_ = new_id()
    _event(cast, rows, who, "give_time", "time_transfer", id_, at, to_state="requested", details={"minutes": 60})
    return {
        "id": id_, "estate_id": cast.estate_id, "giver_id": who.id, "giver_name": who.name, "to_id": None,
        "to_name": to.name, "relation": relation, "whereabouts": to.label.rstrip("0123456789-"), "minutes": 60,
        "note": "", "state": "requested", "version": 1, "requested_at": at, "answered_at": None, "answered_by": None,
        "answer": "", "consented_on": None, "updated_at": at,
    }  # fmt: skip


def _asked(cast: Cast, rows: Rows, who: Someone, to: Someone, at: datetime) -> dict[str, Any]:
    return _gift(cast, rows, who, to, "外婆", at)


def _given(cast: Cast, rows: Rows, bank: _Bank, who: Someone, to: Someone, at: datetime) -> dict[str, Any]:
    gift, done, by = _gift(cast, rows, who, to, "姨妈", at), at + timedelta(days=1), cast.secretary
    moved = {"recorded_by": by.id, "transfer_id": gift["id"]}
    bank.move(who, -60, "given", done, f"送给{to.name}", **moved)
    bank.move(to, 60, "received", done, f"{who.name}赠送", **moved)
    _event(cast, rows, by, "confirm_gift", "time_transfer", gift["id"], done, from_state="requested",
           to_state="confirmed", details={"minutes": 60})  # fmt: skip
    return gift | {
        "to_id": to.id, "state": "confirmed", "version": 2, "answered_at": done, "answered_by": by.id,
        "consented_on": clock.local(done).date(), "updated_at": done,
    }  # fmt: skip
