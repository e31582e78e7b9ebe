"""Forms of consents and guardians."""

from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core.web.forms import Form, PhoneField, at_most, choices, needed
from volunteers.consents.queries import find_companion
from volunteers.consents.texts import HOWS
from volunteers.consents.workflow import Consenting

RELATIONS = ("父亲", "母亲", "祖父", "祖母", "外祖父", "外祖母", "其他监护人")
RELATION_CHOICES = choices([("", "请选择"), *((name, name) for name in RELATIONS)])
STAFF_HOWS = {how: name for how, name in HOWS.items() if how != "online"}


class GuardianForm(Form):
    """A guardian who consents, as the branch writes it down."""

    name = StringField("监护人姓名", [needed("请填监护人姓名"), at_most(60, "姓名")], render_kw={"maxlength": 60})
    relation = SelectField("是本人的", [needed("请选关系")], choices=RELATION_CHOICES)
    phone = PhoneField("监护人手机号", [needed("请填监护人手机号")])
    companion_no = StringField(
        "陪同监护人的志愿者编号", [at_most(12, "编号")], description="未满14岁的要填",
        render_kw={"maxlength": 12},
    )  # fmt: skip
    how = RadioField("怎样同意的", [needed("请选怎样同意的")], choices=choices(STAFF_HOWS.items()))
    estate_id = ""
    child = False

    def validate_companion_no(self, field: Any) -> None:
        """Needed under 14: an adult volunteer of the estate."""
        if self.child and not field.data:
            raise ValidationError("未满14岁，请填陪同监护人的志愿者编号")
        if field.data and find_companion(self.estate_id, field.data) is None:
            raise ValidationError("本小区没有这个编号的志愿者，请核对，或让监护人先登记")

    def guardian(self) -> Consenting:
        """Who consents, and how."""
        number = self.companion_no.data
        companion = find_companion(self.estate_id, number) if number else None
        return Consenting(
            self.name.data or "", self.relation.data or "", self.phone.data or "", self.how.data or "", companion
        )


class WithdrawForm(Form):
    """Why a consent is taken back."""

    reason = TextAreaField("原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2})
