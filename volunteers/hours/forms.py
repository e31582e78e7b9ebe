"""Forms of service hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from wtforms import IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.web.forms import DayField, Form, MomentField, at_most, choices, needed, optional

MINUTES = NumberRange(1, 1440, "服务时长要在1到1440分钟之间")
ENOUGH = 300
_LINE = re.compile(r"(?P<who>.*?)[\s,，:：]*(?P<minutes>\d{1,5})?\s*(?:分钟|分)?\s*")


class CorrectForm(Form):
    """Other minutes for an entry, and why."""

    minutes = IntegerField(
        "实际多少分钟",
        [needed("请填实际的分钟数，整条作废填0"), NumberRange(0, 1440, "服务时长要在0到1440分钟之间，填0表示整条作废")],
        description="填0表示整条作废",
        render_kw={"min": 0, "max": 1440, "inputmode": "numeric"},
    )
    reason = TextAreaField("为什么更正", [needed("请写明原因"), at_most(200)], render_kw={"rows": 2, "maxlength": 200})


class TicksField(SelectMultipleField):
    """Several of a list, as checkboxes; the list is given by the view."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def offer(self, pairs: Iterable[tuple[str, str]]) -> None:
        """What can be ticked."""
        self.choices = choices(pairs)

    def pre_validate(self, form: Any) -> None:
        """What is not on the list is refused with the people, by name."""


class RecordForm(Form):
    """Hours outside an order, for a list of people."""

    source = RadioField(
        "记什么", default="activity",
        choices=choices((("activity", "集体活动"), ("shift", "值班"), ("other", "为其他单位服务"))),
    )  # fmt: skip
    content = StringField("服务内容", [needed("请写做了什么"), at_most(60, "服务内容")],
                          description="如：周末大扫除", render_kw={"maxlength": 60})  # fmt: skip
    place = StringField("地点", [needed("请写在哪里"), at_most(80, "地点")], render_kw={"maxlength": 80})
    starts_at = MomentField("开始", [needed("请填开始时间")])
    ends_at = MomentField("结束", [needed("请填结束时间")])
    minutes = IntegerField(
        "每人实际服务多少分钟", [needed("请填实际服务的分钟数"), MINUTES],
        description="不算路上和休息；有人不一样的，在下面另写",
        render_kw={"min": 1, "max": 1440, "inputmode": "numeric"},
    )  # fmt: skip
    people = TicksField("谁参加了", validate_choice=False)
    others = TextAreaField(
        "分钟不一样的，或名单上没有勾的", [optional(), at_most(6000, "名单")],
        description="一行一人，写姓名或编号，分钟不一样的写在后面，如：陈一 45", render_kw={"rows": 4},
    )  # fmt: skip
    body = StringField("组织单位", [needed("请写组织单位"), at_most(80, "组织单位")], render_kw={"maxlength": 80})
    in_charge = StringField("负责人", [needed("请写负责人"), at_most(60, "负责人")], render_kw={"maxlength": 60})
    note = StringField("说明", [optional(), at_most(200, "说明")], render_kw={"maxlength": 200})
    late_reason = StringField(
        "补记原因", [optional(), at_most(200, "补记原因")], description="服务过了10个工作日才记的，写明原因",
        render_kw={"maxlength": 200},
    )  # fmt: skip

    def given(self, roll: Iterable[Any]) -> tuple[dict[str, int], list[str]]:
        """Minutes by volunteer, ticked and written, and what of the writing names nobody (or several)."""
        people = list(roll)
        known = {one.id for one in people}
        usual = self.minutes.data or 0
        found = {person_id: usual for person_id in self.people.data or [] if person_id in known}
        wrong = ["名单里有人不是本小区的志愿者"] if len(found) < len(set(self.people.data or [])) else []
        written, unclear = read_people(self.others.data or "", people)
        found |= {person_id: minutes if minutes is not None else usual for person_id, minutes in written.items()}
        return found, wrong + unclear


def read_people(text: str, roll: Iterable[Any]) -> tuple[dict[str, int | None], list[str]]:
    """Who is named in lines of name or number with minutes behind, and what to mend in the others."""
    by_number: dict[str, list[Any]] = {}
    by_name: dict[str, list[Any]] = {}
    for one in roll:
        by_number.setdefault(one.number.upper(), []).append(one)
        by_name.setdefault(one.name, []).append(one)
    found: dict[str, int | None] = {}
    wrong = []
    for line in filter(None, (part.strip() for part in text.splitlines())):
        match = _LINE.fullmatch(line)
        named, minutes = (match["who"].strip(), match["minutes"]) if match else (line, None)
        whole = by_number.get(line.upper())
        if whole is not None:
            named, minutes = line, None
        people = by_number.get(named.upper()) or by_name.get(named) or []
        if len(people) > 1:
            wrong.append(f"有{len(people)}位{named}，请改写编号：{'、'.join(sorted(one.number for one in people))}")
        elif not people:
            wrong.append(f"“{line}”不在本小区志愿者里，请核对姓名或编号")
        elif people[0].id in found:
            wrong.append(f"{people[0].name}写了两次")
        else:
            found[people[0].id] = int(minutes) if minutes else None
    return found, wrong


class PeriodForm(Form):
    """A period of whole days, both included; either end may be open."""

    first = DayField("从哪天起", [optional()])
    last = DayField("到哪天止", [optional()])
    kind = RadioField("格式", choices=choices((("xlsx", "Excel"), ("pdf", "PDF"))), default="xlsx")

    def validate_last(self, field: Any) -> None:
        """Not before the first day."""
        if field.data and self.first.data and field.data < self.first.data:
            raise ValidationError("结束日期不能早于开始日期")


KINDS: Mapping[str, tuple[str, str]] = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "pdf": ("application/pdf", "pdf"),
}
"""What can be taken out: MIME type and ending."""
