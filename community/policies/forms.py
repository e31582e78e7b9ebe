"""The form of a topic, made from its rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField, RadioField
from wtforms.validators import NumberRange

from community.policies.declared import Rule, Topic
from core.web.forms import ClockField, Form, choices, needed


class TopicForm(Form):
    """Base of a topic's form; ``version`` is what the page showed."""

    version = HiddenField(default="0")

    def fill(self, topic: Topic, values: Mapping[str, Any], version: int) -> None:
        """Show what stands."""
        for rule in topic.rules:
            value = values[rule.name]
            self[rule.name].data = time(value // 60, value % 60) if rule.kind == "time" else value
        self.version.data = str(version)

    def values(self, topic: Topic) -> dict[str, Any]:
        """What was filled in, by rule."""
        found = {rule.name: self[rule.name].data for rule in topic.rules}
        return {
            name: value.hour * 60 + value.minute if isinstance(value, time) else value for name, value in found.items()
        }

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else -1


def _field(rule: Rule) -> Any:
    hint = "。".join(filter(None, (rule.hint, f"依据：{rule.source}" if rule.source else "")))
    match rule.kind:
        case "switch":
            return BooleanField(rule.label, description=hint)
        case "choice":
            return RadioField(rule.label, choices=choices(rule.choices), description=hint)
        case "time":
            return ClockField(rule.label, [needed(f"请填{rule.label}")], description=hint)
    bounds = NumberRange(rule.low, rule.high, f"填{rule.low}到{rule.high}{rule.unit}")
    label = f"{rule.label}（{rule.unit}）" if rule.unit else rule.label
    return IntegerField(label, [needed(f"请填{rule.label}"), bounds], description=hint,
                        render_kw={"min": rule.low, "max": rule.high, "inputmode": "numeric"})  # fmt: skip


def form_of(topic: Topic) -> type[TopicForm]:
    """The form class of a topic."""
    return type(f"{topic.name.title()}Form", (TopicForm,), {rule.name: _field(rule) for rule in topic.rules})
