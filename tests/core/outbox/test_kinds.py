"""What people choose: defaults by kind, choices by group and channel, what cannot be switched off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.outbox import kinds
from core.outbox.kinds import URGENT, Group, Kind, declare, find, groups, is_wanted, robot_kinds, starts_on

OFFERS, NEWS, ALARM = Group("t_offers", "单", "", "volunteers"), Group("t_news", "新闻"), Group("t_alarm", "求助")


@pytest.fixture(autouse=True)
def own_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A list of kinds for this test alone."""
    monkeypatch.setattr(kinds, "_groups", {URGENT.name: URGENT})
    monkeypatch.setattr(kinds, "_kinds", {})
    declare(OFFERS, [Kind("t.offer", "派单", sms=True, robot=True)])
    declare(NEWS, [Kind("t.news", "新闻"), Kind("t.more", "更多")])
    declare(ALARM, [Kind("t.alarm", "求助", urgent=True, may_switch_off=False)])
    return


def test_text_messages_are_for_offers_and_what_is_urgent_unless_asked_for() -> None:
    assert is_wanted("t.offer", False, "sms", {})
    assert not is_wanted("t.news", False, "sms", {})
    assert is_wanted("t.news", True, "sms", {})
    assert is_wanted("t.news", False, "sms", {"t_news": {"sms": True}})
    assert is_wanted("t.news", False, "email", {}) and is_wanted("t.news", False, "push", {})
    assert not is_wanted("nobody.declared", False, "sms", {}) and is_wanted("nobody.declared", False, "email", {})


def test_switching_off() -> None:
    off = {"t_offers": {"sms": False}, "urgent": {"sms": False}}
    assert not is_wanted("t.offer", False, "sms", off)
    assert not is_wanted("t.offer", True, "sms", off)
    assert is_wanted("t.offer", True, "sms", {"t_offers": {"sms": False}}), "urgent ones are a choice of their own"
    everything = {"t_alarm": {"sms": False, "email": False}, **off}
    assert is_wanted("t.alarm", True, "sms", everything), "what somebody's safety hangs on stays on"


def test_who_is_asked_about_what() -> None:
    assert [group.name for group in groups(["everyone"])] == ["urgent", "t_news"]
    assert [group.name for group in groups(["everyone", "volunteers"])] == ["urgent", "t_offers", "t_news"]
    assert [starts_on(group, "sms") for group in (URGENT, OFFERS, NEWS)] == [True, True, False]
    assert [(group.name, [kind.name for kind in found]) for group, found in robot_kinds()] == [
        ("t_offers", ["t.offer"])
    ]  # fmt: skip


def test_each_kind_and_group_is_declared_once_and_a_group_begins_alike() -> None:
    with pytest.raises(ValueError, match="group t_news declared twice"):
        declare(NEWS, [Kind("t.other", "")])
    with pytest.raises(ValueError, match=r"kind t\.news declared twice"):
        declare(Group("t_again", ""), [Kind("t.news", "")])
    with pytest.raises(ValueError, match="begin alike"):
        declare(Group("t_mixed", ""), [Kind("t.a", "", sms=True), Kind("t.b", "")])
    assert find("t.more")[0] == NEWS
