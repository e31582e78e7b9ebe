"""Forms of orders: placing one, and one form for each verb."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from wtforms import (
    BooleanField,
    FloatField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import NumberRange, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from core import clock
from core.ids import new_id
from core.web.forms import DayField, Form, MomentField, at_most, needed, optional

ANY_DAY = "any"
DAYS_SHOWN = 4
SLOTS = (
    ("0830-1030", "8:30–10:30"), ("1030-1200", "10:30–12:00"), ("1400-1600", "14:00–16:00"),
    ("1600-1800", "16:00–18:00"), ("1800-2000", "18:00–20:00"), ("0830-2000", "全天都行"),
)  # fmt: skip
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
ATTENTION = ("耳背，敲门大声些", "腿脚不便", "独自在家", "家有宠物")
HELPER_SEXES = (("0", "都行"), ("1", "男志愿者"), ("2", "女志愿者"))
DECLINE_REASONS = ("时间冲突", "身体不适", "太远", "不会做")
WITHDRAW_REASONS = ("临时有事", "身体不适", "时间冲突")
CANCEL_REASONS = ("不需要了", "时间不合适", "已经自己解决")
PRAISE = ("准时", "有耐心", "讲得清楚", "手法熟练")
OTHER = "其他"
WRONG_PLACE = "位置不对，请不带位置签到"


class Pick(RadioField):
    """One of a few: options as (value, label) pairs; nothing picked is for the validators to judge."""

    def __init__(
        self, label: str, validators: Sequence[Any] = (), options: Iterable[tuple[str, str]] = (), **rest: Any
    ) -> None:
        super().__init__(label, [*validators], choices=[SelectChoice(*option) for option in options], **rest)

    def offer(self, options: Iterable[tuple[str, str]]) -> None:
        """Set what can be picked."""
        self.choices: Any = [SelectChoice(*option) for option in options]

    def pre_validate(self, form: Any) -> None:
        if self.data and self.data not in {choice.value for choice in self.choices}:
            raise ValidationError("请从列出的几项里选")


class PickSome(SelectMultipleField):
    """Any of a few, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, options: Iterable[tuple[str, str]] = (), **rest: Any) -> None:
        super().__init__(label, choices=[SelectChoice(*option) for option in options], **rest)

    def pre_validate(self, form: Any) -> None:
        choices: Any = self.choices
        known = {choice.value for choice in choices}
        if any(value not in known for value in self.data or ()):
            raise ValidationError("请从列出的几项里选")


class WhenFields(Form):
    """A day and a part of it, both optional, as one wished period."""

    day = Pick("哪天方便")
    later = DayField("更晚的一天", [optional()], description="以上都不合适时填")
    slot = Pick("哪个时段", options=SLOTS)

    def offer_days(self) -> None:
        """Offer today (while a part of it is left) and the days after."""
        now = clock.local(clock.now())
        first = now.date() + timedelta(days=now.time() >= _end(SLOTS[-1][0]))
        days = [first + timedelta(days=n) for n in range(DAYS_SHOWN)]
        self.day.offer([*[(day.isoformat(), _day_label(day)) for day in days], (ANY_DAY, "都行")])
        if not self.is_submitted():
            self.day.data = self.day.data or ANY_DAY

    @property
    def today(self) -> str:
        """The present day, as its choice is called."""
        return clock.today().isoformat()

    @property
    def past_slots(self) -> list[str]:
        """Parts of today that are over."""
        now = clock.local(clock.now()).time()
        return [value for value, _ in SLOTS if _end(value) <= now]

    def validate_later(self, field: Any) -> None:
        """Within the 90 days for which one may order."""
        if field.data and not clock.today() <= field.data <= clock.today() + timedelta(days=90):
            raise ValidationError("日期要在今天到90天之内")

    def validate_slot(self, field: Any) -> None:
        """A part of the day needs a day, and must not be over."""
        day = self.chosen_day
        if field.data and day is None:
            raise ValidationError("请先选哪天，再选时段；哪天都行时不用选时段")
        if field.data and day == clock.today() and field.data in self.past_slots:
            raise ValidationError("今天这个时段已经过去，请选晚一点的时段，或另选一天")

    @property
    def chosen_day(self) -> date | None:
        """The day wished for; a later one outweighs the days shown."""
        if self.later.data:
            return self.later.data if isinstance(self.later.data, date) else None
        picked = self.day.data
        return date.fromisoformat(picked) if picked and picked != ANY_DAY and not self.day.errors else None

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """The wished period as aware moments, or two times None. A day without a part means all of that day."""
        day = self.chosen_day
        if day is None:
            return None, None
        slot = self.slot.data or SLOTS[-1][0]
        start, end = (clock.from_local(datetime.combine(day, part(slot))) for part in (_start, _end))
        return start, end


def _day_label(day: date) -> str:
    distance = (day - clock.today()).days
    return f"{('今天', '明天')[distance] if distance < 2 else WEEKDAYS[day.weekday()]} {day.day}日"


def _start(slot: str) -> time:
    return time(int(slot[:2]), int(slot[2:4]))


def _end(slot: str) -> time:
    return time(int(slot[5:7]), int(slot[7:9]))


class PlaceForm(WhenFields):
    """A wish for help. ``token`` stays the same however often the form is sent."""

    token = HiddenField(validators=[at_most(40)])
    item = HiddenField(validators=[at_most(40)])
    person = Pick("给谁点单", [needed("请选给谁点单")])
    note = TextAreaField("要帮什么忙", [at_most(500)], render_kw={"rows": 3, "maxlength": 500})
    attention = PickSome("上门时请注意", options=[(text, text) for text in ATTENTION])
    urgent = BooleanField("等不得，2小时内要有人来")
    helper_sex = Pick("希望来的志愿者", options=HELPER_SEXES)
    volunteers_needed = IntegerField("要几位志愿者", [optional(), NumberRange(1, 20, "志愿者人数要在1到20之间")])

    def begin(self, item: str, person: str) -> None:
        """What a fresh form begins with."""
        self.token.data, self.item.data, self.person.data = new_id(), item, person


class ResubmitForm(WhenFields):
    """A returned order, completed."""

    version = IntegerField(widget=HiddenInput(), validators=[optional()])
    note = TextAreaField(
        "要帮什么忙", [needed("请写清要帮什么忙"), at_most(500)], render_kw={"rows": 3, "maxlength": 500}
    )


class StepForm(Form):
    """A verb; ``version`` is the order as the page showed it."""

    version = IntegerField(widget=HiddenInput(), validators=[optional()])


class ReasonForm(StepForm):
    """A verb that wants a reason in words."""

    reason = TextAreaField("原因", [needed("请写明原因"), at_most(200)], render_kw={"rows": 2, "maxlength": 200})


class PickReasonForm(StepForm):
    """A verb whose usual reasons can be picked."""

    pick = Pick("原因")
    words = StringField("其他原因", [at_most(180)], render_kw={"maxlength": 180})

    def validate_pick(self, field: Any) -> None:
        """A reason picked, or one in words."""
        if field.data in (None, "", OTHER) and not self.words.data:
            raise StopValidation("请选一个原因，或在“其他原因”里写明")

    @property
    def reason(self) -> str:
        """The reason, picked and in words."""
        picked = "" if self.pick.data in (None, OTHER) else str(self.pick.data)
        return "，".join(filter(None, (picked, self.words.data or "")))


def _reasons(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, text) for text in (*texts, OTHER)]


class DeclineForm(PickReasonForm):
    """Declining an offer."""

    pick = Pick("为什么不方便", options=_reasons(DECLINE_REASONS))


class WithdrawForm(PickReasonForm):
    """Giving an accepted order back."""

    pick = Pick("为什么来不了", options=_reasons(WITHDRAW_REASONS))


class CancelForm(PickReasonForm):
    """Cancelling an order."""

    pick = Pick("为什么撤单", options=_reasons(CANCEL_REASONS))


class CheckInForm(StepForm):
    """Arrival. The place is optional; the code lets someone at home or of the staff do it."""

    latitude = FloatField(widget=HiddenInput(), validators=[optional(), NumberRange(-90, 90, WRONG_PLACE)])
    longitude = FloatField(widget=HiddenInput(), validators=[optional(), NumberRange(-180, 180, WRONG_PLACE)])
    code = StringField(
        "服务码", [at_most(4)], render_kw={"inputmode": "numeric", "autocomplete": "off", "maxlength": 4}
    )
    volunteer = Pick("哪位志愿者")


class CompleteForm(StepForm):
    """The end of one's service."""

    minutes = IntegerField(
        "实际服务多少分钟", [needed("请填实际服务的分钟数"), NumberRange(1, 1440, "服务时长要在1到1440分钟之间")],
        description="不算路上的时间", render_kw={"min": 1, "max": 1440, "inputmode": "numeric"},
    )  # fmt: skip
    note = TextAreaField("给居民留句话", [at_most(500)], render_kw={"rows": 2, "maxlength": 500})


class RateForm(StepForm):
    """A rating: stars, what was good, a few words."""

    stars = Pick("给这次服务打分", [needed("请点一颗星")], [(str(n), f"{n}星") for n in range(1, 6)])
    good = PickSome("哪里做得好", options=[(text, text) for text in PRAISE])
    words = TextAreaField("想说的话", [at_most(450)], render_kw={"rows": 3, "maxlength": 450})

    @property
    def comment(self) -> str:
        """What was good and the words, as one text."""
        return "。".join(filter(None, ("、".join(self.good.data or ()), self.words.data or "")))


class CallBackForm(StepForm):
    """What a call-back came to."""

    solved = Pick("事情办好了吗", [needed("请选办好了没有")], [("yes", "办好了"), ("no", "没有办好，重新安排")])
    satisfied = Pick("居民满意吗", options=[
        ("5", "很满意"), ("4", "满意"), ("3", "一般"), ("2", "不太满意"), ("1", "不满意"), ("", "没有问到"),
    ])  # fmt: skip
    note = TextAreaField("居民怎么说", [at_most(500)], render_kw={"rows": 2, "maxlength": 500})


class DispatchForm(StepForm):
    """To whom an order is offered: named volunteers, or all who qualify."""

    volunteers = SelectMultipleField("志愿者", validate_choice=False)
    open_call = BooleanField("公开抢单")
    expires_minutes = IntegerField(
        "多久内答复（分钟）", [optional(), NumberRange(5, 10080, "答复时限要在5分钟到7天之间")],
        render_kw={"min": 5, "max": 10080, "inputmode": "numeric"},
    )  # fmt: skip


class NoteForm(StepForm):
    """An internal note."""

    text = TextAreaField(
        "内部备注", [needed("请写下要记的话"), at_most(500)], description="居民和志愿者看不到",
        render_kw={"rows": 2, "maxlength": 500},
    )  # fmt: skip


class TransferForm(ReasonForm):
    """Where an order is handed on to, and why."""

    desk = Pick("转给谁", [needed("请选转给谁")])


class ExtendForm(ReasonForm):
    """A later deadline: so much longer, or a moment agreed, and why."""

    minutes = IntegerField(
        "延长多少分钟", [optional(), NumberRange(1, 129_600, "延长的时间要在1分钟到90天之间")],
        description="一小时60，一天1440。按工作时间计的单，一个工作日是420",
        render_kw={"min": 1, "max": 129_600, "inputmode": "numeric"},
    )  # fmt: skip
    until = MomentField("或者写新的时限", [optional()], description="和居民约好的时间")

    def validate_until(self, field: Any) -> None:
        """One of the two."""
        if bool(self.minutes.data) == bool(field.data) and not (self.minutes.errors or field.errors):
            raise ValidationError("延长多少分钟和新的时限，请填一样")


class ResumeForm(StepForm):
    """What the resident says, or the branch heard."""

    words = TextAreaField("回复", [at_most(200)], render_kw={"rows": 2, "maxlength": 200})


class TakeUpForm(StepForm):
    """How someone means to deal with it."""

    words = StringField("打算怎么办", [at_most(180)], render_kw={"maxlength": 180})


class CompleteForForm(ReasonForm):
    """The end of somebody else's service, as it was found out."""

    volunteer = Pick("哪位志愿者", [needed("请选志愿者")])
    minutes = IntegerField(
        "实际服务多少分钟", [needed("请填实际服务的分钟数"), NumberRange(1, 1440, "服务时长要在1到1440分钟之间")],
        description="向志愿者和居民问清楚再填，不算路上的时间",
        render_kw={"min": 1, "max": 1440, "inputmode": "numeric"},
    )  # fmt: skip


class NoShowForm(ReasonForm):
    """Who did not come, and what is known of it."""

    volunteer = Pick("谁没有到", [needed("请选没有到的志愿者")])
