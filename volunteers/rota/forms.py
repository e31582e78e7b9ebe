"""Forms of rotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from wtforms import (
    BooleanField,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.web.forms import ClockField, DayField, Form, MomentField, at_most, choices, needed, optional
from volunteers.registry.skills import SKILLS
from volunteers.rota.needs import MOST, Need
from volunteers.rota.workflow import SKIPS, Post, Slot, Weekly, keyed
from volunteers.rota.workflow.laying import EVERY_DAY, MOST_WEEKS

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
DAY_MINUTES = 1440
_WHOLE = {"inputmode": "numeric"}


class Ticks(SelectMultipleField):
    """Several of a list, as checkboxes."""

    widget = ListWidget()
    option_widget = CheckboxInput()


class Versioned(Form):
    """A form that knows which version it was made from."""

    version = HiddenField(default="0")

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else -1


class PostForm(Versioned):
    """A post."""

    organisation_id = SelectField("哪个组织的岗位", description="这个组织的志愿者都看得到，也能报名")
    name = StringField(
        "岗位名称", [needed("请填岗位名称"), at_most(30, "岗位名称")], description="如 门岗值守",
        render_kw={"maxlength": 30},
    )  # fmt: skip
    purpose = TextAreaField(
        "做什么", [optional(), at_most(500, "做什么")], description="报名的人看到，写清要做的事和要带的东西",
        render_kw={"rows": 3, "maxlength": 500},
    )  # fmt: skip
    place = StringField("在哪里", [needed("请填地点"), at_most(80, "地点")], render_kw={"maxlength": 80})
    counters = StringField(
        "交班时要数的", [optional(), at_most(60)], description="用顿号隔开，如 车辆、人员；不用数就不填",
        render_kw={"maxlength": 60},
    )  # fmt: skip
    is_open = BooleanField("志愿者可以自己报名", description="不勾，就只能由支部邀请")
    is_active = BooleanField("这个岗位还在用", description="不勾表示停用，记录都留着")

    def validate_counters(self, field: Any) -> None:
        """A few short names."""
        found = self._counters()
        if len(found) > 4 or any(len(name) > 10 for name in found):
            raise ValidationError("最多写4样，每样最多10个字")

    def _counters(self) -> list[str]:
        text = (self.counters.data or "").replace("，", "、").replace(",", "、")
        return list(dict.fromkeys(part.strip() for part in text.split("、") if part.strip()))

    def fill(self, post: Any) -> None:
        """Show what stands."""
        for name in ("organisation_id", "name", "purpose", "place", "is_open", "is_active"):
            self[name].data = getattr(post, name)
        self.counters.data, self.version.data = "、".join(post.counters), str(post.version)

    def post(self) -> Post:
        """What was filled in."""
        return Post(
            self.name.data or "", self.purpose.data or "", self.place.data or "", self._counters(),
            bool(self.is_open.data),
        )  # fmt: skip


class NeedRow(Form):
    """A role of a shift; without a name the row is empty."""

    class Meta(Form.Meta):
        csrf = False

    key = HiddenField()
    role = StringField("角色", [optional(), at_most(20, "角色")], render_kw={"maxlength": 20})
    places = IntegerField("几个人", [optional(), NumberRange(1, 50, "填1到50个人")], render_kw=_WHOLE)
    skill = SelectField("要会", default="", choices=choices([("", "不限"), *SKILLS.items()]))
    training = SelectField("要有的证", default="", choices=choices([("", "不限")]))
    min_age = IntegerField("最小年龄", [optional(), NumberRange(14, 100, "填14到100岁")], render_kw=_WHOLE)

    def need(self) -> Need | None:
        """The role, when there is one."""
        if not self.role.data:
            return None
        return Need(
            str(self.key.data or "")[:8], self.role.data, self.places.data or 0, self.skill.data or "",
            self.training.data or "", self.min_age.data,
        )  # fmt: skip


class NeedsForm(Versioned):
    """The roles of a shift, a few rows."""

    need1 = FormField(NeedRow, "角色1")
    need2 = FormField(NeedRow, "角色2")
    need3 = FormField(NeedRow, "角色3")
    need4 = FormField(NeedRow, "角色4")
    need5 = FormField(NeedRow, "角色5")
    need6 = FormField(NeedRow, "角色6")

    @property
    def rows(self) -> list[NeedRow]:
        """The rows."""
        return [self[f"need{number}"].form for number in range(1, MOST + 1)]

    def offer(self, trainings: Mapping[str, str], kept: Iterable[Need] = ()) -> None:
        """Which trainings can be asked for; those asked for already stay."""
        pairs = dict(trainings) | {need.training: need.training for need in kept
                                   if need.training and need.training not in trainings}  # fmt: skip
        for row in self.rows:
            row.training.choices = choices([("", "不限"), *pairs.items()])

    def fill_needs(self, needs: Sequence[Need]) -> None:
        """Show roles."""
        for row, need in zip(self.rows, needs, strict=False):
            row.key.data, row.role.data, row.places.data = need.key, need.role, need.places
            row.skill.data, row.training.data, row.min_age.data = need.skill, need.training, need.min_age

    def needs(self) -> list[Need]:
        """The roles filled in, each with a key."""
        return keyed([need for row in self.rows if (need := row.need()) is not None])

    def validate(self, extra_validators: Any = None) -> bool:
        """One role at least, and no role without places."""
        fine = super().validate(extra_validators)
        found = [row for row in self.rows if row.role.data]
        if not found:
            self.rows[0].role.errors = ["没有位置的班不能排，至少写一个角色"]
            return False
        for row in found:
            if not row.places.data and not row.places.errors:
                row.places.errors = ["写这个角色要几个人，至少1个"]
                fine = False
        return bool(fine)


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


class TimesForm(NeedsForm):
    """From when until when; an end that is not after the beginning lies on the next day."""

    start = ClockField("几点开始", [needed("请填开始的时间")])
    end = ClockField("几点结束", [needed("请填结束的时间")], description="比开始早，就是第二天；一样，就是24小时")

    def validate_end(self, field: Any) -> None:
        """Half an hour at least."""
        if field.data and self.start.data and self.minutes < 30:
            raise ValidationError("一班至少30分钟")

    @property
    def minutes(self) -> int:
        """How long it takes."""
        if self.start.data is None or self.end.data is None:
            return 0
        return (_minute(self.end.data) - _minute(self.start.data)) % DAY_MINUTES or DAY_MINUTES

    def fill_times(self, start_minute: int, minutes: int) -> None:
        """Show times."""
        end = (start_minute + minutes) % DAY_MINUTES
        self.start.data, self.end.data = time(start_minute // 60, start_minute % 60), time(end // 60, end % 60)


class ShiftForm(TimesForm):
    """One shift."""

    day = DayField("哪一天", [needed("请选日期")])
    note = StringField("这一班的说明", [optional(), at_most(200, "说明")], render_kw={"maxlength": 200})

    def fill(self, shift: Any, needs: Sequence[Need]) -> None:
        """Show what stands."""
        start = clock.local(shift.starts_at)
        self.day.data, self.note.data = start.date(), shift.note
        self.fill_times(start.hour * 60 + start.minute, int((shift.ends_at - shift.starts_at).total_seconds() // 60))
        self.fill_needs(needs)
        self.version.data = str(shift.version)

    def slot(self) -> Slot:
        """What was filled in."""
        assert self.day.data is not None and self.start.data is not None
        start = clock.from_local(datetime.combine(self.day.data, self.start.data))
        return Slot(start, start + timedelta(minutes=self.minutes), self.needs(), self.note.data or "")


class PatternForm(TimesForm):
    """A slot that repeats every week; several days at once when it is new."""

    weekdays = Ticks("每周哪几天", choices=choices((str(n), name) for n, name in enumerate(WEEKDAYS)))

    def validate_weekdays(self, field: Any) -> None:
        """One at least."""
        if not field.data:
            raise ValidationError("请至少选一天")

    def fill(self, row: Any, needs: Sequence[Need]) -> None:
        """Show what stands."""
        self.weekdays.data = [str(row.weekday)]
        self.fill_times(row.start_minute, row.minutes)
        self.fill_needs(needs)
        self.version.data = str(row.version)

    def weeklies(self) -> list[Weekly]:
        """What was filled in, a slot a day."""
        assert self.start.data is not None
        needs, start = self.needs(), _minute(self.start.data)
        return [Weekly(int(day), start, self.minutes, needs) for day in self.weekdays.data or []]


class LayForm(Form):
    """Which weeks to lay."""

    first = DayField("从哪一天起", [needed("请选从哪一天起")])
    weeks = IntegerField(
        "铺几周", [needed("请填铺几周"), NumberRange(1, MOST_WEEKS, f"一次铺1到{MOST_WEEKS}周")],
        render_kw={"min": 1, "max": MOST_WEEKS, "inputmode": "numeric"},
    )  # fmt: skip
    skip = RadioField("节假日", choices=choices(SKIPS.items()), default=EVERY_DAY)

    def validate_first(self, field: Any) -> None:
        """Near enough."""
        if field.data and not clock.today() - timedelta(days=7) <= field.data <= clock.today() + timedelta(days=180):
            raise ValidationError("从今天到半年之内选一天")

    def asked(self) -> tuple[date, int, str]:
        """What was asked for."""
        return self.first.data or clock.today(), self.weeks.data or 1, self.skip.data or EVERY_DAY


class PeopleForm(Form):
    """Whom to put into a role, how: invited, or entered with their consent noted."""

    people = Ticks("找谁")
    how = RadioField(
        "怎么排", default="invite",
        choices=choices([("invite", "发邀请，本人答应才算"), ("enter", "本人已同意，直接排入")]),
    )  # fmt: skip
    words = StringField(
        "说一句", [optional(), at_most(100)], description="发邀请时带给他；直接排入时，写明本人怎么同意的，留底",
        render_kw={"maxlength": 100},
    )  # fmt: skip

    def offer(self, people: Any) -> None:
        """Whom one can choose: everybody who fits."""
        self.people.choices = choices((one.person_id, one.name) for one in people if not one.why)

    def validate_people(self, field: Any) -> None:
        """Somebody at least."""
        if not field.data:
            raise ValidationError("请至少勾选一个人")

    def validate_words(self, field: Any) -> None:
        """Consent is noted."""
        if self.how.data == "enter" and not field.data:
            raise ValidationError("请写明本人怎么同意的，如“电话里说好了”")


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(
        "原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2, "maxlength": 200}
    )


class OutForm(Form):
    """The real times of a presence, when they are other ones than those proposed."""

    since = MomentField("实际到岗", [optional()])
    until = MomentField("实际离岗", [optional()])


class CodeForm(Form):
    """The four digits at the post."""

    code = StringField(
        "签到码", [needed("请填岗位上的四位签到码")],
        render_kw={"maxlength": 4, "inputmode": "numeric", "autocomplete": "off"},
    )  # fmt: skip


class StandInForm(Form):
    """Whom to ask, and whether to swap."""

    person = RadioField("请谁", choices=[], validate_choice=False)
    number = StringField(
        "或填志愿者编号", [optional(), at_most(12, "编号")], description="名单里没有的人，填他的编号",
        render_kw={"maxlength": 12, "autocomplete": "off"},
    )  # fmt: skip


class LogForm(Form):
    """A line of the log; what is counted has controls of its own, ``count-0`` and on."""

    words = TextAreaField("交班的话", [optional(), at_most(500)], render_kw={"rows": 3, "maxlength": 500})

    def counts(self, names: Sequence[str], data: Mapping[str, str]) -> dict[str, int]:
        """What was counted, by name. Adds an error to the form for what is no number."""
        found = {}
        for number, name in enumerate(names):
            text = data.get(f"count-{number}", "").strip()
            if text and (not text.isdecimal() or len(text) > 7):
                self.form_errors.append(f"“{name}”填一个数，如 120")
            elif text:
                found[name] = int(text)
        return found
