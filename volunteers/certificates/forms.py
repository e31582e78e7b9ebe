"""Asking for certificates, comparing a file, withdrawing one."""

from __future__ import annotations

import re
from typing import Any

from wtforms import FileField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from core.identity import narrow
from core.web.forms import DayField, Form, at_most, needed

NUMBERS = 300
_APART = re.compile(r"[\s,，、;；]+")


class PeriodForm(Form):
    """A period of whole days, both included."""

    first = DayField("从哪天起", [needed("请填开始日期")])
    last = DayField("到哪天止", [needed("请填结束日期")])


class BatchForm(PeriodForm):
    """Whose certificates, and for which period."""

    estate = SelectField("小区", validate_choice=False)
    team = StringField(
        "队伍", [at_most(60, "队伍名")], description="留空就是这个小区的全部志愿者",
        render_kw={"list": "teams", "maxlength": 60, "autocomplete": "off"},
    )  # fmt: skip
    numbers = TextAreaField(
        "只给这些人开", [at_most(6000)], description=f"志愿者编号，一行一个，最多{NUMBERS}个；填了就不看队伍",
        render_kw={"rows": 3},
    )  # fmt: skip

    def offer(self, estates: list[tuple[str, str]]) -> None:
        """Offer these estates: id and name."""
        self.estate.choices = [SelectChoice(id_, name) for id_, name in estates]

    def validate_estate(self, field: Any) -> None:
        """One of those within reach."""
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("请选一个小区")

    def validate_numbers(self, field: Any) -> None:
        """Not too many."""
        if len(self.chosen_numbers()) > NUMBERS:
            raise ValidationError(f"一次最多{NUMBERS}个编号，请分几次")

    def chosen_numbers(self) -> list[str]:
        """The numbers typed, each once."""
        found = (part.upper() for part in _APART.split(narrow(self.numbers.data or "")) if part)
        return list(dict.fromkeys(found))


class CompareForm(Form):
    """A file to be compared with what was issued."""

    file = FileField("PDF 文件", [needed("请选证明的 PDF 文件")])


class WithdrawForm(Form):
    """Why a certificate is withdrawn."""

    reason = TextAreaField(
        "为什么撤回", [needed("请写明原因"), at_most(200)], description="核对的人会看到这句话",
        render_kw={"rows": 2, "maxlength": 200},
    )  # fmt: skip
