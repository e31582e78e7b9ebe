"""The filter of the audit trail."""

from __future__ import annotations

from wtforms import SelectField, StringField

from community.system.queries import Reach, Wanted
from community.system.words import VERB_NAMES
from core.web.forms import DayField, Form, at_most, choices, optional


class AuditFilter(Form):
    """What to look for; read from the address, so that a search can be kept."""

    class Meta(Form.Meta):
        csrf = False

    estate = SelectField("小区", validate_choice=False)
    verb = SelectField("做了什么", choices=choices([("", "全部动作"), *VERB_NAMES.items()]), validate_choice=False)
    actor = StringField("谁（全名）", [at_most(60, "姓名")], render_kw={"maxlength": 60, "autocomplete": "off"})
    first = DayField("从", [optional()])
    last = DayField("到", [optional()])
    kind = StringField("对象种类", [at_most(30, "对象种类")])
    subject = StringField("对象编号", [at_most(16, "对象编号")], render_kw={"maxlength": 16, "autocomplete": "off"})

    def offer(self, reach: Reach) -> None:
        """Offer the estates within reach."""
        own = [("-", "全系统")] if reach.everywhere else []
        self.estate.choices = choices([("", "全部小区"), *reach.estates.items(), *own])

    def wanted(self) -> Wanted:
        """What was asked for; an estate out of reach finds nothing."""
        return Wanted(
            self.estate.data or "", self.verb.data or "", self.actor.data or "", self.kind.data or "",
            self.subject.data or "", self.first.data, self.last.data,
        )  # fmt: skip
