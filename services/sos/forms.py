"""Forms of emergency calls. Every one can be sent as it stands: in need nobody fills in forms."""

from __future__ import annotations

from wtforms import BooleanField, FloatField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import NumberRange
from wtforms.widgets import HiddenInput

from core.web.forms import Form, at_most, choices, needed, optional
from services.sos.messages import PLACES

FINE = ("按错了", "已经好了", "家人到了")
NO_PLACE = "位置不对，不带位置也能求助"


class AskForm(Form):
    """Where somebody is, and what happened; all of it optional."""

    household = HiddenField()
    person = HiddenField()
    place = RadioField("您在哪里", choices=choices(PLACES.items()), default="home", validate_choice=False)
    place_note = StringField("具体在哪里", [at_most(60)], render_kw={"maxlength": 60})
    note = TextAreaField("怎么了", [at_most(300)], render_kw={"rows": 2, "maxlength": 300})
    latitude = FloatField(widget=HiddenInput(), validators=[optional(), NumberRange(-90, 90, NO_PLACE)])
    longitude = FloatField(widget=HiddenInput(), validators=[optional(), NumberRange(-180, 180, NO_PLACE)])


class StepForm(Form):
    """A verb that asks for nothing."""


class AnswerForm(StepForm):
    """Seen, or on the way; whether the caller may see name and phone."""

    shares = BooleanField("让求助的人看到我的姓名和电话")


class StandDownForm(StepForm):
    """Why one cannot come after all."""

    reason = StringField("为什么来不了", [needed("请写一句为什么来不了"), at_most(100)], render_kw={"maxlength": 100})


class RemarkForm(StepForm):
    """Something that all should know."""

    words = StringField("补充一句", [needed("请写要补充的话"), at_most(200)], render_kw={"maxlength": 200})


class FineForm(StepForm):
    """All is well; why is optional."""

    reason = RadioField("是怎么回事", [optional()], choices=choices((text, text) for text in FINE))


class CloseForm(StepForm):
    """What was done."""

    outcome = TextAreaField(
        "怎么处理的", [needed("请写一句怎么处理的，如 送医，女儿陪同"), at_most(500)],
        render_kw={"rows": 2, "maxlength": 500},
    )  # fmt: skip


class AfterCareForm(StepForm):
    """How the person is some days later."""

    note = TextAreaField(
        "回访情况", [needed("请写回访到的情况"), at_most(500)], render_kw={"rows": 2, "maxlength": 500}
    )  # fmt: skip
