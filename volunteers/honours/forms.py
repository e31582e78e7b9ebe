"""Forms of awards."""

from __future__ import annotations

from wtforms import StringField

from core.web.forms import DayField, Form, at_most, needed


class HonourForm(Form):
    """An award."""

    name = StringField("荣誉名称", [needed("请写荣誉名称"), at_most(60, "荣誉名称")], render_kw={"maxlength": 60})
    body = StringField("授予单位", [needed("请写授予单位"), at_most(80, "授予单位")], render_kw={"maxlength": 80})
    awarded_on = DayField("授予日期", [needed("请填授予日期")])


class StrikeForm(Form):
    """Why an award is struck out."""

    reason = StringField("为什么删去", [needed("请写明原因"), at_most(200, "原因")], render_kw={"maxlength": 200})
