"""What there is to tell, as data: each capability declares the kinds of its messages beside them.

Kinds that a person chooses together form a group. A preference is one of a group and a channel, and the inbox is none:
it holds everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Audience = Literal["everyone", "volunteers", "staff"]


@dataclass(frozen=True)
class Group:
    """Kinds that are chosen together; ``audience`` is who is asked about them."""

    name: str
    title: str
    text: str = ""
    audience: Audience = "everyone"


@dataclass(frozen=True)
class Kind:
    """A kind of message.

    ``urgent``: every one of it passes quiet hours. ``may_switch_off``: not when somebody's safety hangs on it.
    ``sms``: it goes by text message unless the person says otherwise, others only when asked for. ``robot``: its short
    text names nobody and may be posted into a group chat.
    """

    name: str
    title: str
    urgent: bool = False
    may_switch_off: bool = True
    sms: bool = False
    robot: bool = False


URGENT = Group("urgent", "急事", "急单、求助这类等不得的事，夜里也会送到")
_OTHER = Group("other", "其他消息")
_groups: dict[str, Group] = {URGENT.name: URGENT}
_kinds: dict[str, tuple[Group, Kind]] = {}
_ON_BY_DEFAULT = frozenset({"email", "push"})


def declare(group: Group, kinds: Iterable[Kind]) -> None:
    """Put the kinds of a group on the list. Raises ``ValueError`` for one declared twice or unlike its group."""
    found = list(kinds)
    if group.name in _groups:
        raise ValueError(f"group {group.name} declared twice")
    if len({(kind.sms, kind.may_switch_off) for kind in found}) != 1:
        raise ValueError(f"group {group.name}: kinds that are chosen together begin alike")
    for kind in found:
        if kind.name in _kinds:
            raise ValueError(f"kind {kind.name} declared twice")
        _kinds[kind.name] = (group, kind)
    _groups[group.name] = group


def kinds() -> Mapping[str, tuple[Group, Kind]]:
    """All kinds by name, each with its group."""
    return _kinds


def find(name: str) -> tuple[Group, Kind]:
    """A kind with its group; one that nobody declared is an ordinary message."""
    return _kinds.get(name) or (_OTHER, Kind(name, "消息"))


def groups(audiences: Iterable[Audience]) -> Sequence[Group]:
    """The groups that these audiences choose about, urgent matters first."""
    wanted = set(audiences)
    return [group for group in _groups.values() if group.audience in wanted and _is_chosen(group)]


def _is_chosen(group: Group) -> bool:
    own = [kind for found, kind in _kinds.values() if found == group]
    return group == URGENT or any(kind.may_switch_off for kind in own)


def starts_on(group: Group, channel: str) -> bool:
    """Whether a group goes over a channel as long as nobody has said otherwise."""
    if channel in _ON_BY_DEFAULT or group == URGENT:
        return True
    return any(kind.sms for found, kind in _kinds.values() if found == group)


Chosen = Mapping[str, Mapping[str, bool]]


def is_wanted(name: str, urgent: bool, channel: str, chosen: Chosen) -> bool:
    """Whether a message of a kind goes over a channel, as the person chose by group and channel."""
    group, kind = find(name)
    if not kind.may_switch_off:
        return True
    wanted = chosen.get(group.name, {}).get(channel, starts_on(group, channel))
    if urgent:
        wanted = wanted or chosen.get(URGENT.name, {}).get(channel, True)
    return wanted


def robot_kinds() -> Sequence[tuple[Group, Sequence[Kind]]]:
    """What robots may post, by group."""
    found: dict[str, tuple[Group, list[Kind]]] = {}
    for group, kind in _kinds.values():
        if kind.robot:
            found.setdefault(group.name, (group, []))[1].append(kind)
    return list(found.values())
