"""Forms of notices."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import RadioField, TextAreaField

from core.web.forms import Form, at_most, choices, needed


class MonthForm(Form):
    """Which month is put on notice."""

    month = RadioField("公示哪个月", [needed("请选要公示的月份")])

    def offer(self, months: list[date]) -> None:
        """What can be chosen."""
        self.month.choices = choices((f"{month:%Y-%m-%d}", f"{month.year}年{month.month}月") for month in months)

    @property
    def chosen(self) -> date:
        """The month chosen, by its first day."""
        picked: Any = self.month.data
        return date.fromisoformat(picked)


class ReasonForm(Form):
    """Why a notice is taken down."""

    reason = TextAreaField("为什么撤下", [needed("请写明原因"), at_most(200)], render_kw={"rows": 2, "maxlength": 200})
