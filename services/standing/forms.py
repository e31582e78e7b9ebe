"""Forms of standing orders: the agreement, and one form for each verb."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from wtforms import HiddenField, IntegerField, SelectField, SubmitField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import NumberRange, ValidationError
from wtforms.widgets import HiddenInput

from core import clock
from core.ids import new_id
from core.web.forms import DayField, Form, at_most, needed, optional
from services.orders.aggregate import Order
from services.orders.forms import ATTENTION, OTHER, Pick, PickReasonForm, PickSome, ReasonForm, StepForm
from services.standing.aggregate import HELD, ROLES, Helper, Series
from services.standing.plan import HOLIDAYS, clock_words
from services.standing.recurrence import DAY_NAMES, KINDS, LAST, MOST, Pattern
from services.standing.workflow import Agreement

PERIODS = ((510, 630), (630, 720), (510, 720), (840, 960), (960, 1080), (840, 1080), (1080, 1200))
NAMED_PERIODS = {(510, 720): "上午 ", (840, 1080): "下午 "}
ENDS = (("none", "一直做下去，不需要了再结束"), ("until", "做到某一天"), ("times", "做满几次"))
NTH = ((1, "第1个"), (2, "第2个"), (3, "第3个"), (4, "第4个"), (5, "第5个"), (LAST, "最后一个"))
LEAVE_REASONS = ("时间变了", "身体不适", "搬家了")
SKIP_REASONS = ("那天不在家", "那天另有安排", "这次不需要")
PAUSE_REASONS = ("住院或外出", "家里有人照顾", "这阵子不需要")
END_REASONS = ("不需要了", "家里有人照顾了", "想重新安排")


def _slot(start: int, end: int) -> tuple[str, str]:
    return f"{start}-{end}", NAMED_PERIODS.get((start, end), "") + clock_words(start, end)


def _weeks(count: int) -> str:
    return "每周" if count == 1 else f"每{count}周一次"


def _months(count: int) -> str:
    return "每月" if count == 1 else f"每{count}个月一次"


class Choose(SelectField):
    """One of many, in a list that opens; the empty value is nothing chosen."""

    def __init__(self, label: str, validators: Any = (), options: Iterable[tuple[Any, str]] = (), **rest: Any) -> None:
        super().__init__(label, [*validators], choices=[SelectChoice(str(v), text) for v, text in options], **rest)

    def offer(self, options: Iterable[tuple[str, str]]) -> None:
        """Set what can be chosen."""
        self.choices: Any = [SelectChoice(*option) for option in options]

    def pre_validate(self, form: Any) -> None:
        if self.data and self.data not in {choice.value for choice in self.choices}:
            raise ValidationError("请从列出的几项里选")


class SeriesForm(Form):
    """A series: for whom, what, how often, when, until when. ``token`` stays the same however often it is sent."""

    token = HiddenField(validators=[at_most(40)])
    version = IntegerField(widget=HiddenInput(), validators=[optional()])
    person = Pick("给谁定", [needed("请选给谁定")])
    item = Choose("要做什么", [needed("请选要做什么")])
    every = Pick("多久一次", [needed("请选多久一次")], KINDS.items())
    weekdays = PickSome("周几", options=[(str(n), f"周{name}") for n, name in enumerate(DAY_NAMES)])
    weeks = Choose("隔几周", options=[(n, _weeks(n)) for n in range(1, MOST["week"] + 1)])
    day = Choose("几号", options=[*((n, f"{n}日") for n in range(1, 32)), (LAST, "最后一天")],
                 description="这个月没有这一天的，就跳过这个月")  # fmt: skip
    nth = Choose("第几个", options=NTH)
    weekday = Choose("周几", options=[(n, f"周{name}") for n, name in enumerate(DAY_NAMES)])
    months = Choose("隔几个月", options=[(n, _months(n)) for n in range(1, MOST["month_day"] + 1)])
    slot = Pick("哪个时段", [needed("请选哪个时段")], [_slot(*period) for period in PERIODS])
    starts_on = DayField("从哪天开始", [needed("请填从哪天开始")])
    ends = Pick("做到什么时候", [needed("请选做到什么时候")], ENDS)
    until = DayField("最后一天", [optional()])
    times = IntegerField(
        "做几次", [optional(), NumberRange(1, 520, "次数要在1到520之间")], description="遇到放假跳过的也算一次",
        render_kw={"min": 1, "max": 520, "inputmode": "numeric"},
    )  # fmt: skip
    holidays = Pick("遇到法定放假", options=HOLIDAYS.items())
    note = TextAreaField("要帮什么忙", [at_most(500)], render_kw={"rows": 3, "maxlength": 500})
    attention = PickSome("上门时请注意", options=[(text, text) for text in ATTENTION])
    steady = Choose("请谁固定上门", description="先问本人愿不愿意；每一次仍可以婉拒")
    standin = Choose("谁做替补", description="固定志愿者来不了时，问替补一次")
    preview = SubmitField("看看是哪几天")

    def begin(self, item: str, person: str) -> None:
        """What a fresh form begins with: weekly, from today, skipping holidays."""
        self.token.data, self.item.data, self.person.data = new_id(), item, person
        self.every.data, self.weeks.data, self.months.data = "week", "1", "1"
        self.day.data, self.nth.data, self.weekday.data = "1", "1", str(clock.today().weekday())
        self.starts_on.data, self.ends.data, self.holidays.data = clock.today(), "none", "skip"

    def copy_order(self, order: Order) -> None:
        """From an order: the same every week."""
        self.note.data, self.attention.data = order.note, [text for text in order.attention if text in ATTENTION]
        if order.preferred_start is not None:
            start, end = clock.local(order.preferred_start), clock.local(order.preferred_end)
            self.weekdays.data = [str(start.weekday())]
            period = start.hour * 60 + start.minute, end.hour * 60 + end.minute
            self.slot.data = _slot(*min(PERIODS, key=lambda p: abs(p[0] - period[0]) + abs(p[1] - period[1])))[0]
        helpers = order.assigned()
        self.steady.data = helpers[0].volunteer_id if helpers else ""

    def fill(self, series: Series) -> None:
        """Show what stands."""
        row, pattern = series.row, Pattern.of(series.row["pattern"])
        self.begin(row["item_code"], row["person_id"])
        self.version.data = row["version"]
        self.every.data, self.weekdays.data = pattern.every, [str(day) for day in pattern.weekdays]
        self.weeks.data = self.months.data = str(pattern.interval)
        self.weeks.data = "1" if pattern.every != "week" else self.weeks.data
        self.day.data, self.nth.data = str(pattern.day or 1), str(pattern.nth or 1)
        self.weekday.data = str(pattern.weekday)
        self.slot.data = f"{row['start_minute']}-{row['end_minute']}"
        self.starts_on.data, self.holidays.data = row["starts_on"], row["holidays"]
        self.ends.data = "times" if row["times"] else "until" if row["until"] else "none"
        self.times.data, self.until.data = row["times"], row["until"] if not row["times"] else None
        self.note.data, self.attention.data = row["note"], row["attention"]
        for helper in series.helpers:
            self[helper.role].data = helper.volunteer_id if helper.state in HELD else ""

    def validate_weekdays(self, field: Any) -> None:
        """A week needs a day."""
        if self.every.data == "week" and not field.data:
            raise ValidationError("请选周几")

    def validate_ends(self, field: Any) -> None:
        """The day or the number that the end is reckoned by."""
        if field.data == "until" and not self.until.data:
            raise ValidationError("请填最后一天，或选“一直做下去”")
        if field.data == "times" and not self.times.data:
            raise ValidationError("请填做几次，或选“一直做下去”")

    def pattern(self) -> Pattern:
        """The recurrence that was filled in."""
        match self.every.data:
            case "week":
                days = tuple(sorted({int(day) for day in self.weekdays.data or ()}))
                return Pattern("week", int(self.weeks.data or 1), days)
            case "month_day":
                return Pattern("month_day", int(self.months.data or 1), day=int(self.day.data or 1))
        nth, weekday = int(self.nth.data or 1), int(self.weekday.data or 0)
        return Pattern("month_weekday", int(self.months.data or 1), nth=nth, weekday=weekday)

    def agreement(self) -> Agreement:
        """What was filled in; call it when the form is valid."""
        start, _, end = str(self.slot.data).partition("-")
        first: date = self.starts_on.data  # type: ignore[assignment]
        return Agreement(
            str(self.item.data), str(self.person.data), self.pattern(), first, int(start), int(end),
            self.until.data if self.ends.data == "until" else None,
            self.times.data if self.ends.data == "times" else None, self.holidays.data or "skip", self.note.data or "",
            tuple(self.attention.data or ()), self.steady.data or None, self.standin.data or None,
        )  # fmt: skip


def offer_helpers(form: Any, choices: Iterable[Any], named: Iterable[Helper] = ()) -> None:
    """Who can be asked to come; ``named`` are those who come already."""
    options = [(choice.person_id, choice.name + _known(choice)) for choice in choices]
    known = {value for value, _ in options}
    options += [(helper.volunteer_id, helper.name) for helper in named if helper.volunteer_id not in known]
    for role in ROLES:
        form[role].offer([("", "先不请，由支部派单"), *options])


def _known(choice: Any) -> str:
    words = [] if choice.skilled else ["没登记这项技能"]
    words += [f"来过{choice.served}次"] if choice.served else []
    return f"（{'，'.join(words)}）" if words else ""


def _reasons(texts: Iterable[str]) -> list[tuple[str, str]]:
    return [(text, text) for text in (*texts, OTHER)]


class ApproveForm(StepForm):
    """The branch agrees, and may ask somebody to come."""

    steady = Choose("请谁固定上门")
    standin = Choose("谁做替补")


class DayForm(Form):
    """A day of the series."""

    day: Any = HiddenField()

    def chosen(self) -> date | None:
        """The day, None for what is none."""
        try:
            return date.fromisoformat(str(self.day.data or ""))
        except ValueError:
            return None


class SkipForm(DayForm, PickReasonForm):
    """A day left out, picked from those to come."""

    day = Choose("哪一次不用来", [needed("请选哪一次")])
    pick = Pick("为什么", options=_reasons(SKIP_REASONS))


class PauseForm(PickReasonForm):
    """From when until when."""

    pause_from = DayField("从哪天起", [needed("请填从哪天起")])
    pause_until = DayField("到哪天为止", [optional()], description="不填就一直停着，等您来恢复")
    pick = Pick("为什么", options=_reasons(PAUSE_REASONS))


class EndForm(PickReasonForm):
    """Why it is over."""

    pick = Pick("为什么", options=_reasons(END_REASONS))


class LeaveForm(PickReasonForm):
    """Why a volunteer does not come regularly."""

    pick = Pick("为什么不方便", options=_reasons(LEAVE_REASONS))


__all__ = ["ApproveForm", "DayForm", "EndForm", "LeaveForm", "PauseForm", "ReasonForm", "SeriesForm", "SkipForm",
           "StepForm", "offer_helpers"]  # fmt: skip
