"""What an estate may decide for itself, as data: each capability declares its topics with bounds and defaults.

A rule that is local or uncertain is a setting with the usual value as its default; ``source`` says which rule it
follows, and the page shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["number", "switch", "time", "choice"]


@dataclass(frozen=True)
class Rule:
    """One thing that an estate decides.

    ``number`` is whole, from ``low`` to ``high`` in ``unit``; ``time`` is minutes after midnight, Shanghai; ``choice``
    is one value of ``choices``; ``switch`` is yes or no.
    """

    name: str
    label: str
    default: Any
    kind: Kind = "number"
    low: int = 0
    high: int = 1000
    unit: str = ""
    hint: str = ""
    source: str = ""
    choices: Sequence[tuple[str, str]] = ()

    def fits(self, value: Any) -> bool:
        """Whether this is a value that the rule can have."""
        match self.kind:
            case "switch":
                return isinstance(value, bool)
            case "choice":
                return value in {choice for choice, _ in self.choices}
            case "time":
                return type(value) is int and 0 <= value < 1440
        return type(value) is int and self.low <= value <= self.high

    def told(self, value: Any) -> str:
        """A value in words."""
        match self.kind:
            case "switch":
                return "是" if value else "否"
            case "choice":
                return dict(self.choices).get(value, str(value))
            case "time":
                return f"{value // 60}:{value % 60:02d}"
        return f"{value}{self.unit}"


@dataclass(frozen=True)
class Topic:
    """Rules that are decided together, on one page. ``endpoint`` names a page of its own, when it needs one.

    ``check`` finds what does not go together, each fitting for itself: what to mend, by rule.
    """

    name: str
    title: str
    text: str
    rules: tuple[Rule, ...] = field(default=())
    endpoint: str = "policies.topic"
    check: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _values: {}

    @property
    def defaults(self) -> dict[str, Any]:
        """The values an estate begins with."""
        return {rule.name: rule.default for rule in self.rules}


_topics: dict[str, Topic] = {}


def declare(topic: Topic) -> Topic:
    """Put a topic on the list. Raises ``ValueError`` for one declared twice or with a default that does not fit."""
    if topic.name in _topics:
        raise ValueError(f"topic {topic.name} declared twice")
    wrong = [rule.name for rule in topic.rules if not rule.fits(rule.default)]
    if wrong:
        raise ValueError(f"topic {topic.name}: defaults out of bounds: {', '.join(wrong)}")
    _topics[topic.name] = topic
    return topic


def topics() -> Mapping[str, Topic]:
    """All topics by name."""
    return _topics
