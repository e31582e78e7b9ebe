"""Forms of training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.web.forms import Form, MomentField, at_most, choices, needed, optional
from volunteers.training.models import State
from volunteers.training.workflow import Occasion, Plan

_CODE = re.compile(r"[a-z][a-z0-9_]{1,29}")
PLAN_FIELDS = ("name", "content", "minutes", "body_name", "places", "valid_months")
OCCASION_FIELDS = ("starts_at", "ends_at", "place", "places", "trainer")
NO_PLACES = "没有名额的课开不了，填1到500个"


def _whole(low: int, high: int, hint: str) -> tuple[list[Any], dict[str, Any]]:
    return [needed(hint), NumberRange(low, high, hint)], {"min": low, "max": high, "inputmode": "numeric"}


class Versioned(Form):
    """A form that knows which version it was made from."""

    version = HiddenField(default="0")

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else -1


class CourseForm(Versioned):
    """A course."""

    _minutes, _few = _whole(1, 60000, "填1到60000分钟"), _whole(1, 500, NO_PLACES)
    _months = _whole(0, 120, "填0到120个月，0表示长期有效")
    organisation_id = SelectField("哪个组织开的课", description="这个组织下面的小区都看得到，志愿者都能报名")
    name = StringField("课程名称", [needed("请填课程名称"), at_most(40, "课程名称")], render_kw={"maxlength": 40})
    code = StringField(
        "编号", [optional(), at_most(30, "编号")], render_kw={"maxlength": 30},
        description="小写字母、数字和下划线，如 first_aid。不填就自动编一个，定了不再改",
    )  # fmt: skip
    content = TextAreaField(
        "内容", [optional(), at_most(1000, "内容")], description="学什么、要带什么；会写进培训证明",
        render_kw={"rows": 4, "maxlength": 1000},
    )  # fmt: skip
    minutes = IntegerField("一共多少分钟", _minutes[0], render_kw=_minutes[1])
    body_name = StringField(
        "举办单位", [needed("请填举办单位"), at_most(60, "举办单位")], render_kw={"maxlength": 60}
    )  # fmt: skip
    places = IntegerField("一场几个名额", _few[0], render_kw=_few[1])
    valid_months = IntegerField(
        "合格后管几个月", _months[0], description="填0表示长期有效。到期前30天、7天会提醒本人和支部",
        render_kw=_months[1],
    )  # fmt: skip
    is_active = BooleanField("这门课还在开", description="不勾表示停开；已有的证照样算数")

    def validate_code(self, field: Any) -> None:
        """Letters, digits, underscores."""
        if field.data and not _CODE.fullmatch(field.data):
            raise ValidationError("编号用小写字母开头，后面是小写字母、数字或下划线，如 first_aid")

    def fill(self, course: Any) -> None:
        """Show what stands."""
        for name in (*PLAN_FIELDS, "organisation_id", "code", "is_active"):
            self[name].data = getattr(course, name)
        self.version.data = str(course.version)

    def plan(self) -> Plan:
        """What was filled in."""
        values = {name: self[name].data for name in PLAN_FIELDS}
        return Plan(**values | {"content": values["content"] or ""})


class SessionForm(Versioned):
    """A session of a course."""

    _few = _whole(1, 500, "没有名额的场次不能安排，填1到500个")
    starts_at = MomentField("什么时候开始", [needed("请填开始时间")])
    ends_at = MomentField("什么时候结束", [needed("请填结束时间")])
    place = StringField("在哪里", [needed("请填地点"), at_most(80, "地点")], render_kw={"maxlength": 80})
    places = IntegerField("几个名额", _few[0], description="满了以后报名的排候补", render_kw=_few[1])
    trainer = StringField("培训人", [optional(), at_most(40, "培训人")], render_kw={"maxlength": 40})

    def validate_ends_at(self, field: Any) -> None:
        """After the beginning."""
        if field.data and self.starts_at.data and field.data <= self.starts_at.data:
            raise ValidationError("结束时间要晚于开始时间")

    def fill(self, session: Any) -> None:
        """Show what stands."""
        for name in OCCASION_FIELDS:
            self[name].data = getattr(session, name)
        self.version.data = str(session.version)

    def occasion(self) -> Occasion:
        """What was filled in."""
        values = {name: self[name].data for name in OCCASION_FIELDS}
        return Occasion(**values | {"trainer": values["trainer"] or ""})


class EnrolForm(Form):
    """People to be put on a list, and how they agreed."""

    people = SelectMultipleField("给谁报名", widget=ListWidget(), option_widget=CheckboxInput())
    consent = StringField(
        "本人怎么同意的", [needed("请写明本人怎么同意的，如“电话里说好了”"), at_most(100)],
        description="志愿服务不摊派：先问本人，写在这里留底", render_kw={"maxlength": 100},
    )  # fmt: skip

    def offer(self, people: Any) -> None:
        """Whom one can choose."""
        pairs = [(row.id, f"{row.name}（{row.team or row.estate_name}）") for row in people]
        self.people.choices = choices(pairs)

    def validate_people(self, field: Any) -> None:
        """Somebody at least."""
        if not field.data:
            raise ValidationError("请至少勾选一个人")


class ReasonForm(Form):
    """Why."""

    reason = TextAreaField(
        "原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2, "maxlength": 200}
    )


class StepForm(Form):
    """A press of a button."""


def results_of(data: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Results by enrolment, from controls named ``result-ID`` and ``note-ID``."""
    found = {name.removeprefix("result-"): value for name, value in data.items() if name.startswith("result-")}
    return {
        id_: (value, data.get(f"note-{id_}", "").strip())
        for id_, value in found.items()
        if value in (State.PASSED, State.FAILED)
    }


def propose(form: SessionForm, course: Any) -> None:
    """What a fresh form of a session begins with: tomorrow from nine for as long as the course takes (a day at most),
    with its usual places."""
    start, _ = clock.day_bounds(clock.today() + timedelta(days=1))
    form.starts_at.data = start + timedelta(hours=9)
    form.ends_at.data = form.starts_at.data + timedelta(minutes=min(course.minutes, 480))
    form.places.data = course.places
