"""Over which ways a message goes: what its person chose, and the robots that tell of such matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from community.channels import queries
from community.channels.queries import Choice, Listener
from community.channels.quiet import DEFAULT, Hours, end_of_quiet
from core import clock
from core.outbox import Message, Route
from core.outbox.deliveries import matter_key
from core.outbox.kinds import is_wanted

HoursOf = Callable[[Sequence[str]], Mapping[str, Hours]]
_hours: list[HoursOf] = []


def use_hours(find: HoursOf) -> None:
    """Name the function that knows the quiet hours of estates, for people who chose none of their own."""
    _hours[:] = [find]


def hours_of(estate_ids: Sequence[str]) -> Mapping[str, Hours]:
    """The quiet hours of estates."""
    return _hours[0](estate_ids) if _hours else {}


def routes(messages: Sequence[Message]) -> Mapping[str, Sequence[Route]]:
    """The ways of messages by message id, as things stand now. A few statements for all of them."""
    people = {message.recipient_id for message in messages}
    estates = sorted({message.estate_id for message in messages})
    choices, devices, hours = queries.choices_of(people), queries.devices_of(people), hours_of(estates)
    listening = queries.listeners()
    paths = queries.paths_of(estates) if listening else {}
    now = clock.now()
    found: dict[str, Sequence[Route]] = {}
    for message in messages:
        choice, usual = choices.get(message.recipient_id, Choice()), hours.get(message.estate_id, DEFAULT)
        wait = None if message.urgent else end_of_quiet(choice.quiet or usual, now)
        aloud = None if message.urgent else end_of_quiet(usual, now)
        found[message.id] = [
            *_to_person(message, choice, devices.get(message.recipient_id, ()), wait),
            *_to_groups(message, listening, paths.get(message.estate_id, ""), aloud),
        ]
    return found


def _to_person(
    message: Message, choice: Choice, devices: Sequence[tuple[str, str]], wait: datetime | None
) -> list[Route]:
    def wanted(channel: str) -> bool:
        return is_wanted(message.kind, message.urgent, channel, choice.chosen)

    ways = [Route(channel, message.recipient_id, not_before=wait) for channel in ("email", "sms") if wanted(channel)]
    if devices and wanted("push"):
        ways += [Route("push", id_, f"push:{host}", not_before=wait) for id_, host in devices]
    return ways


def _to_groups(message: Message, listening: Sequence[Listener], path: str, wait: datetime | None) -> list[Route]:
    """Only the short text goes into a group, so a message without one does not."""
    if not message.sms or not path:
        return []
    return [
        Route("robot", robot.id, f"robot:{robot.id}", matter_key(message, robot.id), wait)
        for robot in listening
        if message.kind in robot.kinds and path.startswith(robot.path)
    ]
