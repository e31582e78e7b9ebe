"""How teams come and go and who joins and leaves them: two state tables, and the verbs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from community.grid.models import Estate
from community.organisations.models import Organisation
from core import clock
from core.access import Forbidden, Viewer
from core.audit import EVERYWHERE, Subject
from core.database import db
from core.ids import new_id
from core.outbox import Draft
from core.workflow import MESSAGES, Change, Stale, Step, Workflow
from volunteers.registry import leaders
from volunteers.registry.models import Standing, Volunteer
from volunteers.registry.workflow.standing import name_of
from volunteers.teams import messages as say
from volunteers.teams import queries
from volunteers.teams.models import KIND_NAMES, Kind, Member, Team, TeamMembership
from volunteers.teams.queries import TeamPage

_ONE = frozenset[str | None]
TOLD = (MESSAGES,)
SAID = ("name", "parent_id", "slogan", "description", "founded_on")
TEAMS = Workflow(
    "team",
    Team.__table__,  # type: ignore[arg-type]
    (
        Step("found_team", "建队", _ONE({None}), frozenset({"open"}), "teams:manage"),
        Step("change_team", "修改", _ONE({"open"}), frozenset({"open"}), "teams:manage", sets=SAID),
        Step("end_team", "撤销", _ONE({"open"}), frozenset({"ended"}), "teams:manage", True, sets=("ended_on",)),
        Step("reopen_team", "恢复", _ONE({"ended"}), frozenset({"open"}), "teams:manage", sets=("ended_on",)),
    ),
    made=tuple(c.name for c in Team.__table__.columns if c.name not in ("id", "state", "version")),
)
M = Member
GONE = ("left_at", "reason", "role")
MEMBERS = Workflow(
    "team_membership",
    TeamMembership.__table__,  # type: ignore[arg-type]
    (
        Step("ask_to_join", "申请入队", _ONE({None}), frozenset({M.ASKED}), "teams:join", writes=TOLD),
        Step("add_member", "收入队", _ONE({None}), frozenset({M.MEMBER}), "teams:manage", writes=TOLD),
        Step("accept_member", "同意入队", _ONE({M.ASKED}), frozenset({M.MEMBER}), "teams:manage", sets=("joined_at",),
             writes=TOLD),
        Step("decline_member", "婉拒", _ONE({M.ASKED}), frozenset({M.DECLINED}), "teams:manage", True,
             sets=("reason",), writes=TOLD),
        Step("take_back_ask", "撤回入队申请", _ONE({M.ASKED}), frozenset({M.WITHDRAWN}), "teams:join"),
        Step("set_member_role", "任职", _ONE({M.MEMBER}), frozenset({M.MEMBER}), "teams:manage", sets=("role",),
             writes=TOLD),
        Step("leave_team", "退队", _ONE({M.MEMBER}), frozenset({M.LEFT}), "teams:join", sets=GONE, writes=TOLD),
        Step("remove_member", "请出队", _ONE({M.MEMBER}), frozenset({M.LEFT}), "teams:manage", True, sets=GONE,
             writes=TOLD),
    ),
    made=tuple(c.name for c in TeamMembership.__table__.columns if c.name not in ("id", "state", "version")),
)  # fmt: skip


class Refused(ValueError):
    """What was asked does not go; ``field`` names the input and the text says what to do."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


# Teams


def found(viewer: Viewer, values: Mapping[str, Any], detachments: Collection[str] = ()) -> str:
    """A new team at ``organisation_id``, or a corps of ``detachments``; its id. Caller commits. Raises ``Refused``."""
    kind, now, id_ = Kind(values["kind"]), clock.now(), new_id()
    home = _home(viewer, kind, values.get("organisation_id"))
    _check_name(values["name"], home, None)
    if kind == Kind.CORPS and not detachments:
        raise Refused("总队由支队组成，请至少选一支支队", "detachments")
    estate = db.session.scalar(select(Estate.id).where(Estate.branch_id == home.id)) if home else None
    row = {
        "id": id_, "version": 1, "kind": kind, "organisation_id": home.id if home else None, "estate_id": estate,
        "path": home.path if home else "", "parent_id": None, "slogan": "", "description": "", "ended_on": None,
        "created_at": now, "updated_at": now,
    } | {name: value for name, value in values.items() if name in SAID}  # fmt: skip
    if kind != Kind.DETACHMENT:
        row["parent_id"] = None
    _apply_team(viewer, "found_team", None, "open", row, estate, {"name": row["name"], "kind": KIND_NAMES[kind]})
    if kind == Kind.CORPS:
        _gather(viewer, id_, detachments)
    return id_


def found_by_roll(viewer: Viewer, estate: Estate, name: str, kind: Kind) -> str:
    """The team that a roll names and the estate lacks; whoever may bring in rolls may do this. Caller commits."""
    now, id_ = clock.now(), new_id()
    row = {
        "id": id_, "version": 1, "kind": kind, "name": name, "organisation_id": estate.branch_id,
        "estate_id": estate.id, "path": estate.path, "parent_id": None, "slogan": "", "description": "",
        "founded_on": clock.today(), "ended_on": None, "created_at": now, "updated_at": now,
    }  # fmt: skip
    details = {"name": name, "kind": KIND_NAMES[kind], "roll": True}
    _apply_team(viewer, "found_team", None, "open", row, estate.id, details)
    return id_


def _home(viewer: Viewer, kind: Kind, organisation_id: str | None) -> Organisation | None:
    if kind == Kind.CORPS:
        if not viewer.may("teams:corps"):
            raise Refused("总队由社区或街道来建，请选别的类型", "kind")
        return None
    home = db.session.get(Organisation, organisation_id) if organisation_id else None
    if home is None or not viewer.may_at("teams:manage", home.path):
        raise Refused("请选队伍设在哪里", "organisation_id")
    return home


def _check_name(name: str, home: Organisation | None, own_id: str | None) -> None:
    same = select(Team.id).where(Team.name == name, Team.state == "open")
    same = same.where(Team.organisation_id == home.id) if home else same.where(Team.kind == Kind.CORPS)
    if any(found != own_id for found in db.session.scalars(same)):
        raise Refused("已经有一支同名的队伍，请换一个名称", "name")


def change(
    viewer: Viewer, page: TeamPage, values: Mapping[str, Any], version: int, detachments: Collection[str] | None = None
) -> None:
    """Change what a team says of itself, and of a corps its detachments. Caller commits.

    Raises ``Stale`` when somebody was first, and ``Refused``.
    """
    team = page.team
    if team.version != version:
        raise Stale("team")
    home = db.session.get(Organisation, team.organisation_id) if team.organisation_id else None
    _check_name(values["name"], home, team.id)
    said = {name: values.get(name, getattr(team, name)) for name in SAID}
    if team.kind != Kind.DETACHMENT:
        said["parent_id"] = None
    differ = {name: [_plain(getattr(team, name)), _plain(value)] for name, value in said.items()
              if getattr(team, name) != value}  # fmt: skip
    if differ:
        _apply_team(viewer, "change_team", team, "open", said, team.estate_id, differ)
    if detachments is not None:
        _gather(viewer, team.id, detachments, {id_ for id_, _ in queries.list_free_detachments(viewer, team.id)})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _gather(viewer: Viewer, corps_id: str, chosen: Collection[str], offered: set[str] | None = None) -> None:
    """Let these detachments, of those in the viewer's reach, belong to a corps, and no others of them."""
    reach = offered if offered is not None else {id_ for id_, _ in queries.list_free_detachments(viewer)}
    strange = set(chosen) - reach
    if strange:
        raise Refused("选的支队里有的已属于别的总队，请重新选", "detachments")
    for team in db.session.scalars(select(Team).where(Team.id.in_(sorted(reach))).order_by(Team.id)):
        parent = corps_id if team.id in chosen else None
        if team.parent_id != parent:
            said = {name: getattr(team, name) for name in SAID} | {"parent_id": parent}
            details = {"corps": corps_id if parent else "", "name": team.name}
            _apply_team(viewer, "change_team", team, "open", said, team.estate_id, details)


def end(viewer: Viewer, page: TeamPage, reason: str) -> None:
    """A team is no more: its members leave it, and detachments go on by themselves. Caller commits."""
    team, today = page.team, clock.today()
    _apply_team(
        viewer, "end_team", team, "ended", {"ended_on": max(today, team.founded_on)}, team.estate_id, {}, reason
    )
    own = select(TeamMembership).where(TeamMembership.team_id == team.id)
    for one in db.session.scalars(own.where(TeamMembership.state.in_((M.ASKED, M.MEMBER)))).all():
        if one.state == M.ASKED:
            _apply(viewer, one, "decline_member", M.DECLINED, {"reason": "队伍撤销"}, reason="队伍撤销")
        else:
            _go(viewer, one, "remove_member", "队伍撤销", say.let_go(one.person_id, team.name, "队伍撤销"))
    if team.kind == Kind.CORPS:
        for detachment in db.session.scalars(select(Team).where(Team.parent_id == team.id, Team.state == "open")).all():
            said = {name: getattr(detachment, name) for name in SAID} | {"parent_id": None}
            _apply_team(viewer, "change_team", detachment, "open", said, detachment.estate_id, {"corps": ""})


def reopen(viewer: Viewer, page: TeamPage) -> None:
    """A team that was ended by mistake; its members join anew. Caller commits. Raises ``Refused``."""
    team = page.team
    home = db.session.get(Organisation, team.organisation_id) if team.organisation_id else None
    _check_name(team.name, home, team.id)
    _apply_team(viewer, "reopen_team", team, "open", {"ended_on": None}, team.estate_id, {})


def _apply_team(
    viewer: Viewer, verb: str, team: Team | None, target: str, values: Mapping[str, Any], estate_id: str | None,
    details: Mapping[str, Any], reason: str = "",
) -> None:  # fmt: skip
    id_ = team.id if team else values["id"]
    row = {"id": id_, "version": team.version if team else 1, "updated_at": clock.now(), **values}
    subject = Subject("team", id_, estate_id or EVERYWHERE)
    state = team.state if team else None
    change = Change(verb, subject, state, target, viewer.person_id, viewer.name, reason, details)
    TEAMS.apply(db.session.connection(), change, row)
    if team is not None:
        db.session.expire(team)


# Members


def ask(viewer: Viewer, page: TeamPage, wish: str) -> None:
    """Ask to be taken in. Caller commits. Raises ``Refused`` and ``Forbidden``."""
    team = page.team
    if page.is_corps:
        raise Refused("总队不直接收人，请加入其中一支支队")
    if not page.is_open:
        raise Refused("这支队伍已经撤销")
    if page.mine is not None:
        raise Refused("您已经在队里" if page.belongs else "已经申请过，等队长答复")
    volunteer = db.session.get(Volunteer, viewer.person_id)
    if volunteer is None or volunteer.standing != Standing.ACTIVE:
        raise Forbidden("您现在不是可服务的志愿者，请联系支部")
    told = say.asks_to_join(_leaders(team), team.id, team.name, viewer.name)
    row = _row(team, volunteer, "asked") | {"wish": wish, "asked_at": clock.now()}
    _make(viewer, team, row, "ask_to_join", M.ASKED, told)


def add(viewer: Viewer, page: TeamPage, volunteer: Volunteer, role: str = "member") -> None:
    """Take a volunteer in; whoever had asked is accepted. Caller commits. Raises ``Refused``."""
    team = page.team
    if not page.is_open:
        raise Refused("这支队伍已经撤销")
    if page.is_corps and role == "member":
        raise Refused("总队不直接收队员，请收进其中一支支队；总队长和副总队长可以加")
    live = select(TeamMembership).where(TeamMembership.team_id == team.id)
    live = live.where(TeamMembership.person_id == volunteer.person_id, TeamMembership.state.in_((M.ASKED, M.MEMBER)))
    before = db.session.scalars(live).first()
    if before is not None and before.state == M.MEMBER:
        raise Refused("已经在队里")
    if before is not None:
        accept(viewer, page, before)
        return
    row = _row(team, volunteer, "staff") | {"joined_at": today_began(), "role": role}
    told = say.taken_in(volunteer.person_id, team.id, team.name)
    _make(viewer, team, row, "add_member", M.MEMBER, told)


def accept(viewer: Viewer, page: TeamPage, one: TeamMembership) -> None:
    """Take in whoever asked. Caller commits. Raises ``Refused`` when they no longer serve."""
    volunteer = db.session.get_one(Volunteer, one.person_id)
    if volunteer.standing != Standing.ACTIVE:
        raise Refused("这个人现在不是可服务的志愿者，不能入队")
    told = say.taken_in(one.person_id, page.team.id, page.team.name)
    _apply(viewer, one, "accept_member", M.MEMBER, {"joined_at": today_began()}, told=told)


def decline(viewer: Viewer, page: TeamPage, one: TeamMembership, reason: str) -> None:
    """Not take in whoever asked, and say why. Caller commits."""
    told = say.declined(one.person_id, page.team.name, reason)
    _apply(viewer, one, "decline_member", M.DECLINED, {"reason": reason[:200]}, reason=reason, told=told)


def take_back(viewer: Viewer, page: TeamPage) -> None:
    """Not want to join after all. Caller commits. Raises ``Refused``."""
    if page.mine is None or page.mine.state != M.ASKED:
        raise Refused("没有在等答复的入队申请")
    _apply(viewer, page.mine, "take_back_ask", M.WITHDRAWN, {})


def set_role(viewer: Viewer, page: TeamPage, one: TeamMembership, role: str) -> None:
    """Make a member leader, deputy, or member again. Caller commits."""
    if page.is_corps and role == "member":
        raise Refused("总队不直接设队员，不再担任请请出队")
    names = queries.roles_in(page)
    told = say.made_leader(one.person_id, page.team.id, page.team.name, names[role]) if role != "member" else []
    details = {"role": names[role]}
    _apply(viewer, one, "set_member_role", M.MEMBER, {"role": role}, told=told, details=details)


def leave(viewer: Viewer, page: TeamPage, reason: str = "") -> None:
    """Leave a team by oneself. Caller commits. Raises ``Refused``."""
    if not page.belongs:
        raise Refused("您现在不在这支队伍里")
    team = page.team
    others = [leader for leader in _leaders(team) if leader != viewer.person_id]
    _go(viewer, page.mine, "leave_team", reason, say.has_left(others, team.id, team.name, viewer.name))


def remove(viewer: Viewer, page: TeamPage, one: TeamMembership, reason: str) -> None:
    """Let a member go, with a reason that they are told. Caller commits."""
    _go(viewer, one, "remove_member", reason, say.let_go(one.person_id, page.team.name, reason))


def leave_all(viewer: Viewer, person_id: str) -> None:
    """End everything that somebody has with teams: they have left the register. Caller commits."""
    own = select(TeamMembership).where(TeamMembership.person_id == person_id)
    for one in db.session.scalars(own.where(TeamMembership.state.in_((M.ASKED, M.MEMBER)))).all():
        if one.state == M.ASKED:
            _apply(viewer, one, "take_back_ask", M.WITHDRAWN, {})
        else:
            _go(viewer, one, "leave_team", "退出志愿者", [])


def leave_by_roll(membership_ids: Collection[str]) -> None:
    """End memberships that a newer roll no longer knows; the event of the import tells of them. Caller commits."""
    one = TeamMembership
    gone = update(one).where(one.id.in_(membership_ids), one.state == M.MEMBER)
    values = {"state": M.LEFT, "left_at": tomorrow_begins(), "reason": "名册换了队伍", "updated_at": clock.now()}
    if membership_ids:
        db.session.execute(gone.values(**values, version=one.version + 1).execution_options(synchronize_session=False))


def _go(viewer: Viewer, one: TeamMembership, verb: str, reason: str, told: Sequence[Draft]) -> None:
    values = {"left_at": tomorrow_begins(), "reason": reason[:200], "role": one.role}
    _apply(viewer, one, verb, M.LEFT, values, reason=reason, told=told)


def today_began() -> datetime:
    """The first moment of today in Shanghai: a membership counts from its first day."""
    return clock.day_bounds(clock.today())[0]


def tomorrow_begins() -> datetime:
    """The first moment after today in Shanghai: a membership counts its last day."""
    return clock.day_bounds(clock.today())[1]


def _leaders(team: Team) -> list[str]:
    """Leaders and deputies, or without any the branch of the team's estate."""
    own = select(TeamMembership.person_id).where(TeamMembership.team_id == team.id, TeamMembership.state == M.MEMBER)
    found = list(db.session.scalars(own.where(TeamMembership.role.in_(("leader", "deputy")))))
    return found or (list(leaders.list_leaders(team.estate_id)) if team.estate_id else [])


def _row(team: Team, volunteer: Volunteer, via: str) -> dict[str, Any]:
    return new_member(volunteer.estate_id, team.id, volunteer.person_id, via) | {"joined_at": None}


def new_member(estate_id: str, team_id: str, person_id: str, via: str) -> dict[str, Any]:
    """The row of a membership that begins today."""
    return {
        "id": new_id(), "estate_id": estate_id, "team_id": team_id, "person_id": person_id, "version": 1,
        "role": "member", "via": via, "wish": "", "asked_at": None, "joined_at": today_began(), "left_at": None,
        "reason": "", "updated_at": clock.now(),
    }  # fmt: skip


def _make(viewer: Viewer, team: Team, row: dict[str, Any], verb: str, target: Member, told: Iterable[Draft]) -> None:
    details = {"team": team.name, "volunteer_name": name_of(row["person_id"])}
    subject = Subject("team_membership", row["id"], row["estate_id"])
    change = Change(verb, subject, None, target, viewer.person_id, viewer.name, details=details, messages=list(told))
    MEMBERS.apply(db.session.connection(), change, row)


def _apply(
    viewer: Viewer, one: TeamMembership, verb: str, target: Member, values: Mapping[str, Any], *, reason: str = "",
    told: Sequence[Draft] = (), details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    subject = Subject("team_membership", one.id, one.estate_id)
    change = Change(verb, subject, one.state, target, viewer.person_id, viewer.name, reason, details or {}, told)
    row = {**values, "id": one.id, "version": one.version, "updated_at": clock.now()}
    MEMBERS.apply(db.session.connection(), change, row)
    db.session.expire(one)
