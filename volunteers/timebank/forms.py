"""Forms of the time bank."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import NumberRange

from core import clock
from core.web.forms import DayField, Form, at_most, choices, needed, optional
from volunteers.timebank.queries import Month

_MINUTES = NumberRange(1, 100_000, "请填1分钟以上")
OTHER = "other"


class SaveForm(Form):
    """How much of which month is saved."""

    month = RadioField("从哪个月存", [needed("请选月份")])
    minutes = IntegerField("存多少分钟", [needed("请填要存多少分钟"), _MINUTES],
                           render_kw={"min": 1, "inputmode": "numeric"})  # fmt: skip

    def offer(self, months: Iterable[Month]) -> None:
        """The months from which something can be saved."""
        self.month.choices = choices(
            (f"{one.month:%Y-%m-%d}", f"{one.month.year}年{one.month.month}月，还能存{one.left}分钟")
            for one in months
            if one.left
        )

    @property
    def chosen(self) -> date:
        """The month chosen."""
        picked: Any = self.month.data
        return date.fromisoformat(picked)


class GiveForm(Form):
    """To whom saved time goes."""

    to = RadioField("送给谁", [needed("请选送给谁")])
    to_name = StringField("对方姓名", [optional(), at_most(60, "姓名")], render_kw={"maxlength": 60})
    relation = StringField("是您的什么人", [optional(), at_most(20, "关系")], render_kw={"maxlength": 20})
    whereabouts = StringField("住哪里", [optional(), at_most(60, "住处")], description="如：5栋2单元，支部好核对",
                              render_kw={"maxlength": 60})  # fmt: skip
    minutes = IntegerField("送多少分钟", [needed("请填送多少分钟"), _MINUTES],
                           render_kw={"min": 1, "inputmode": "numeric"})  # fmt: skip
    note = TextAreaField("为什么送", [optional(), at_most(200)], render_kw={"rows": 2, "maxlength": 200})

    def offer(self, home: Iterable[Any]) -> None:
        """Those one lives with, and somebody else."""
        people = [(one.id, f"{one.name}{f'（{one.relation}）' if one.relation else ''}") for one in home]
        self.to.choices = choices([*people, (OTHER, "别的亲人")])


class ConfirmForm(Form):
    """Who receives it, and when they agreed."""

    person = HiddenField(validators=[at_most(16)])
    consented_on = DayField("对方哪天同意的", [needed("请填对方同意的日期")])
    agreed = BooleanField("已当面或电话征得对方同意；对方是未成年人的，监护人同意",
                          [needed("要先征得对方同意，再勾选")])  # fmt: skip
    answer = StringField("备注", [optional(), at_most(200)], render_kw={"maxlength": 200})

    def begin(self, person_id: str) -> None:
        """What a fresh form begins with."""
        self.person.data, self.consented_on.data = person_id, clock.today()


class RefuseForm(Form):
    """Why it is not confirmed."""

    reason = TextAreaField(
        "为什么不能转", [needed("请写明原因"), at_most(200)], render_kw={"rows": 2, "maxlength": 200}
    )


class ReverseForm(Form):
    """Why an entry is taken back."""

    reason = StringField("为什么冲销", [needed("请写明原因"), at_most(200)], render_kw={"maxlength": 200})
