"""What to export, and a file to import."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, FileField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from core.web.forms import DayField, Form, at_most, choices, needed, optional

KINDS = {"zip": "CSV 表格（压缩包）", "json": "JSON 一个文件"}
SHORTEST_REASON = 4


class ExportForm(Form):
    """Which records to take, how, and why the numbers in full."""

    estate = SelectField("小区", validate_choice=False)
    first = DayField("记录从哪天起", [optional()], description="留空就是全部")
    last = DayField("到哪天止", [optional()])
    kind = SelectField("格式", choices=choices(KINDS.items()))
    full = BooleanField("要完整的证件号码和电话")
    reason = StringField("为什么要完整号码", [at_most(200)], description="勾了上面一项才要写，会记入操作记录")

    def offer(self, estates: list[tuple[str, str]]) -> None:
        """Offer these estates, and all of them where there are several."""
        self._ids = [id_ for id_, _ in estates]
        pairs = [("", "全部小区"), *estates] if len(estates) > 1 else estates
        self.estate.choices = [SelectChoice(id_, name) for id_, name in pairs]

    def chosen(self) -> list[str]:
        """The ids of the estates that are meant."""
        return [self.estate.data] if self.estate.data else self._ids

    def validate_estate(self, field: Any) -> None:
        """One of those within reach, or all."""
        if (field.data or "") not in {choice.value for choice in field.choices}:
            raise ValidationError("请选一个小区")

    def validate_last(self, field: Any) -> None:
        """Not before the first."""
        if field.data and self.first.data and field.data < self.first.data:
            raise ValidationError("结束日期不能早于开始日期")

    def validate_reason(self, field: Any) -> None:
        """Numbers in full need a reason."""
        if self.full.data and len(field.data or "") < SHORTEST_REASON:
            raise ValidationError("要完整号码，请写明用途，至少4个字")


class ImportForm(Form):
    """A file of another system, and the estate whose volunteers it is about."""

    estate = SelectField("小区", validate_choice=False)
    origin = StringField("来自哪个系统", [needed("请写来自哪个系统，比如“志愿汇”"), at_most(30, "系统名")])
    file = FileField("记录文件", [needed("请选一个 .csv、.xlsx 或 .json 文件")])

    def offer(self, estates: list[tuple[str, str]]) -> None:
        """Offer these estates: id and name."""
        self.estate.choices = [SelectChoice(id_, name) for id_, name in estates]

    def validate_estate(self, field: Any) -> None:
        """One of those within reach."""
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("请选一个小区")
