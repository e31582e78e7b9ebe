"""Forms of the calendar."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core.web.forms import Form, at_most, choices, needed

USUAL, OFF, ON = "usual", "off", "on"
LINES = 400


class YearForm(Form):
    """Any change of a year; ``version`` is what the page showed."""

    version = HiddenField(default="0")

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else -1


class DayForm(YearForm):
    """What a day is."""

    what = RadioField(
        "这一天", [needed("请选这一天怎么算")],
        choices=choices([(USUAL, "按星期几算"), (OFF, "休：放假或休息"), (ON, "班：上班或补班")]),
    )  # fmt: skip
    name = StringField("节日名", [at_most(40)], description="补班的日子写它补的是哪个节，例如“春节”")


class SwitchForm(YearForm):
    """Whether a year is entered."""

    entered = HiddenField()


class ImportForm(YearForm):
    """A year's days, a line each."""

    lines = TextAreaField(
        "一行一天", [needed("请粘贴日子，一行一天"), at_most(20_000)], render_kw={"rows": 12},
        description="写日期、节日、“休”或“班”，连着的几天可以写成一行。同一天原来录的会被盖掉，别的日子不动",
    )  # fmt: skip
    entered = BooleanField("这一年录完了，从现在起按录入的算", default=True)
    partial = BooleanField("看不懂的行先不管，只录看得懂的")

    def validate_lines(self, field: Any) -> None:
        """Not more lines than a year has days and then some."""
        if len((field.data or "").splitlines()) > LINES:
            raise ValidationError(f"一次最多{LINES}行")
