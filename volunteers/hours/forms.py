"""Forms of service hours."""

from __future__ import annotations

from wtforms import IntegerField, TextAreaField
from wtforms.validators import NumberRange

from core.web.forms import Form, at_most, needed


class CorrectForm(Form):
    """Other minutes for an entry, and why."""

    minutes = IntegerField(
        "实际多少分钟",
        [needed("请填实际的分钟数，整条作废填0"), NumberRange(0, 1440, "服务时长要在0到1440分钟之间，填0表示整条作废")],
        description="填0表示整条作废",
        render_kw={"min": 0, "max": 1440, "inputmode": "numeric"},
    )
    reason = TextAreaField("为什么更正", [needed("请写明原因"), at_most(200)], render_kw={"rows": 2, "maxlength": 200})
