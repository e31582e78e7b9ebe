"""Forms of disputes."""

from __future__ import annotations

from wtforms import IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import NumberRange

from core.web.forms import Form, MomentField, at_most, choices, needed, optional
from volunteers.disputes.models import KINDS

_MINUTES = NumberRange(0, 1440, "服务时长要在0到1440分钟之间")
_GIVEN = NumberRange(1, 1440, "服务时长要在1到1440分钟之间")
_NUMBER = {"min": 0, "max": 1440, "inputmode": "numeric"}


def _text(label: str, message: str, hint: str = "") -> TextAreaField:
    return TextAreaField(label, [needed(message), at_most(300)], description=hint,
                         render_kw={"rows": 3, "maxlength": 300})  # fmt: skip


class DisputeForm(Form):
    """What is wrong with an entry."""

    kind = RadioField("哪里不对", [needed("请选哪里不对")],
                      choices=choices((name, KINDS[name]) for name in ("minutes", "date", "other")))  # fmt: skip
    minutes = IntegerField("应该是多少分钟", [optional(), _MINUTES], render_kw=_NUMBER)
    start = MomentField("应该是什么时候开始的", [optional()])
    text = _text("说明", "请写明哪里不对，支部才好核实")


class MissingForm(Form):
    """A service that was not recorded."""

    start = MomentField("什么时候开始的", [needed("请填服务开始的时间")])
    minutes = IntegerField("服务了多少分钟", [needed("请填服务了多少分钟"), _GIVEN], description="不算路上的时间",
                           render_kw={"min": 1, "max": 1440, "inputmode": "numeric"})  # fmt: skip
    text = _text("做了什么，在哪里，谁可以证明", "请写明做了什么", "如：帮3栋沈阿姨买米，楼栋长何师傅知道")


class ObjectForm(Form):
    """An objection to a month on public notice."""

    line = StringField("第几行", [optional(), at_most(4)], description="针对哪一行的，写前面的序号",
                       render_kw={"inputmode": "numeric", "maxlength": 4})  # fmt: skip
    text = _text("有什么异议", "请写明有什么异议")


class PhoneForm(ObjectForm):
    """The same, told by phone."""

    caller = StringField("谁打的电话", [needed("请写打电话的人怎么称呼"), at_most(60)], render_kw={"maxlength": 60})


class UpholdForm(Form):
    """The answer by a correction: other minutes, or another time."""

    minutes = IntegerField("改为多少分钟", [needed("请填核实后的分钟数，整条作废填0"), _MINUTES],
                           description="整条作废填0", render_kw=_NUMBER)  # fmt: skip
    starts_at = MomentField("改为什么时候开始", [optional()], description="时间没错的不填")
    entry = RadioField("更正哪一条", [optional()], validate_choice=False)
    answer = _text("答复", "请写明核实的情况，志愿者会看到")


class RecordMissingForm(Form):
    """The answer to a missing service: what was found out."""

    content = StringField("服务内容", [needed("请写做了什么"), at_most(60)], render_kw={"maxlength": 60})
    place = StringField("地点", [needed("请写在哪里"), at_most(80)], render_kw={"maxlength": 80})
    starts_at = MomentField("开始", [needed("请填开始时间")])
    minutes = IntegerField("实际服务多少分钟", [needed("请填核实后的分钟数"), _GIVEN],
                           render_kw={"min": 1, "max": 1440, "inputmode": "numeric"})  # fmt: skip
    answer = _text("答复", "请写明核实的情况，志愿者会看到")


class ExplainForm(Form):
    """The answer that the record stands."""

    answer = _text("为什么不改", "请写明核实的情况和理由")
