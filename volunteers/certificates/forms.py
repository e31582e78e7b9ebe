"""Asking for a certificate."""

from __future__ import annotations

from core.web.forms import DayField, Form, needed


class PeriodForm(Form):
    """A period of whole days, both included."""

    first = DayField("从哪天起", [needed("请填开始日期")])
    last = DayField("到哪天止", [needed("请填结束日期")])
