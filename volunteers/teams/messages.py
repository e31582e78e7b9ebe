"""What is said to whom about teams: one function a message."""

from __future__ import annotations

from collections.abc import Iterable

from core.identity import mask_name
from core.outbox import Draft
from volunteers.registry import kinds as _kinds  # noqa: F401


def asks_to_join(leaders: Iterable[str], team_id: str, team: str, name: str) -> list[Draft]:
    """To leaders, or to the branch of a team without one: somebody wants to join."""
    title = f"{mask_name(name)}想加入{team}"
    link = f"/teams/{team_id}"
    return [Draft(leader, "team.asks", title, "同意或婉拒都会告诉本人", link, matter=title) for leader in leaders]


def taken_in(person_id: str, team_id: str, team: str) -> list[Draft]:
    """To a member: you are in."""
    return [Draft(person_id, "team.taken_in", f"您已加入{team}", "队伍的活动和时长在队伍页看", f"/teams/{team_id}")]


def declined(person_id: str, team: str, reason: str) -> list[Draft]:
    """To whoever asked: not this time, and why."""
    return [Draft(person_id, "team.declined", f"{team}这次没有收您", f"原因：{reason}", "/teams/mine")]


def let_go(person_id: str, team: str, reason: str) -> list[Draft]:
    """To a member: you are no longer in, and why."""
    return [Draft(person_id, "team.let_go", f"您已不在{team}", f"原因：{reason}", "/teams/mine")]


def has_left(leaders: Iterable[str], team_id: str, team: str, name: str) -> list[Draft]:
    """To leaders: a member has left."""
    return [Draft(leader, "team.has_left", f"{name}退出了{team}", "以前的服务仍算在队里", f"/teams/{team_id}")
            for leader in leaders]  # fmt: skip


def made_leader(person_id: str, team_id: str, team: str, title: str) -> list[Draft]:
    """To a member: you lead now."""
    body = "入队申请由您答复，队员名单在队伍页"
    return [Draft(person_id, "team.made_leader", f"您现在是{team}的{title}", body, f"/teams/{team_id}")]
