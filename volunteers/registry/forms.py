"""Forms of the register."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from wtforms import HiddenField, IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.web.forms import DayField, Form, at_most, choices, needed, optional
from volunteers.registry.availability import Window, merge_windows, parse_hours
from volunteers.registry.categories import CATEGORIES
from volunteers.registry.models import REACH_NAMES
from volunteers.registry.queries import Card
from volunteers.registry.skills import SKILLS
from volunteers.registry.week import DAYS, KEYS, PARTS, in_words, key, split, windows_of
from volunteers.registry.workflow import Offer

LEAST_MINUTES = 15


class TicksField(SelectMultipleField):
    """Several of a list, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _readable(_form: Any, field: Any) -> None:
    windows, unclear = parse_hours(field.data or "")
    if unclear:
        raise ValidationError(f"“{unclear}”没有读懂，请写成 周六9:00至11:30，几段之间用分号")
    if any(window.end_minute - window.start_minute < LEAST_MINUTES for window in windows):
        raise ValidationError(f"一段时间至少{LEAST_MINUTES}分钟")


class OfferForm(Form):
    """What a volunteer offers."""

    skills = TicksField(
        "会做什么", choices=[SelectChoice(code, name) for code, name in SKILLS.items()],
        validate_choice=True,
    )  # fmt: skip
    categories = TicksField(
        "愿意参加哪类服务", choices=[SelectChoice(code, name) for code, name in CATEGORIES.items()],
        validate_choice=True,
    )  # fmt: skip
    parts = TicksField(
        "每周什么时候有空",
        choices=[
            SelectChoice(key(day, part), f"{DAYS[day]}{name}") for day in range(7) for part, name in enumerate(PARTS)
        ],
        description="上午8:00–12:00，中午12:00–14:00，下午14:00–18:00，晚上18:30–21:00",
    )
    other_hours = StringField(
        "其他时段", [optional(), at_most(200, "时段"), _readable],
        description="上面没有的写在这里，如 周六9:00至11:30；周日15:00至17:00", render_kw={"maxlength": 200},
    )  # fmt: skip
    weekly_cap = IntegerField(
        "每周最多接几单", [needed("请填每周最多接几单"), NumberRange(1, 50, "每周最多接1到50单")],
        render_kw={"inputmode": "numeric", "min": 1, "max": 50},
    )  # fmt: skip
    reach = RadioField("去多远的地方", choices=choices(REACH_NAMES.items()), default="estate")
    version = HiddenField(default="1")

    def fill(self, card: Card) -> None:
        """Show what stands."""
        keys, rest = split(card.windows)
        self.skills.data, self.parts.data, self.other_hours.data = list(card.skills), keys, in_words(rest)
        self.weekly_cap.data, self.version.data = card.volunteer.weekly_cap, str(card.volunteer.version)
        self.reach.data = card.volunteer.reach
        self.categories.data = list(card.volunteer.categories)

    def offer(self) -> Offer:
        """What was filled in."""
        ticked = windows_of([part for part in self.parts.data or [] if part in KEYS])
        written: list[Window] = parse_hours(self.other_hours.data or "")[0]
        return Offer(
            list(self.skills.data or []), merge_windows([*ticked, *written]), self.weekly_cap.data or 1,
            self.reach.data or "estate", list(self.categories.data or []),
        )  # fmt: skip

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = self.version.data or ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0


class VolunteerForm(OfferForm):
    """A volunteer as the branch changes them."""

    national_no = StringField(
        "全国志愿服务编号", [optional(), at_most(30, "编号")], description="已在全国系统注册的，填那里的编号",
        render_kw={"maxlength": 30},
    )  # fmt: skip

    def fill(self, card: Card) -> None:
        """Show what stands."""
        super().fill(card)
        self.national_no.data = card.volunteer.national_no


class StandingForm(Form):
    """Why a standing changes; until when for a leave, and who keeps the record of whoever leaves."""

    reason = TextAreaField("原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2})
    until = DayField("请假到哪天", [optional()], description="只在请假时填，到期自动恢复")
    custodian = StringField(
        "档案保管人", [optional(), at_most(60, "姓名")], description="只在退出时填，不填就是您。退出的档案保管10年",
        render_kw={"maxlength": 60},
    )  # fmt: skip


class DaysOffForm(Form):
    """Days on which a volunteer has no time."""

    first_day = DayField("从哪天起", [needed("请填从哪天起")])
    last_day = DayField("到哪天为止", [optional()], description="只有一天的不用填")
    note = StringField("原因", [optional(), at_most(60, "原因")], render_kw={"maxlength": 60})

    def validate_first_day(self, field: Any) -> None:
        """Today or later, within a year."""
        if field.data and not clock.today() <= field.data <= clock.today() + timedelta(days=366):
            raise ValidationError("日期要在今天到一年之内")

    def validate_last_day(self, field: Any) -> None:
        """Not before the first, and within a year of it."""
        first = self.first_day.data
        if field.data and first and not first <= field.data <= first + timedelta(days=366):
            raise ValidationError("最后一天不能早于第一天，也不能超过一年")

    @property
    def days(self) -> tuple[date, date]:
        """The first day and the last, of a form that holds."""
        first = self.first_day.data
        assert isinstance(first, date)
        return first, self.last_day.data or first


class ReasonForm(Form):
    """Why something is taken back."""

    reason = TextAreaField("原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2})


class AwayForm(Form):
    """A leave that a volunteer takes."""

    until = DayField("到哪天为止", [needed("请填到哪天为止")], description="到期自动恢复，也可以提前恢复")
    reason = StringField("原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"maxlength": 200})


class VerifyForm(Form):
    """What was looked at to verify a skill."""

    evidence = StringField(
        "看了什么", [needed("请写明看了什么，如 电工证原件、当面试做"), at_most(200, "这一项")],
        description="如 电工证原件、护士执业证、当面试做", render_kw={"maxlength": 200},
    )  # fmt: skip
    certificate = StringField(
        "证书编号", [optional(), at_most(60, "编号")], description="加密保存，页面上只显示头尾各四位",
        render_kw={"maxlength": 60, "autocomplete": "off"},
    )  # fmt: skip
    expires_on = DayField("有效期到", [optional()], description="证书没有期限的不填；到期前30天提醒")
