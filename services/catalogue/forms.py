"""The form of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.web.forms import Form, at_most, choices, needed, optional
from services.catalogue.models import CLOCK_NAMES, WHO_NAMES, ServiceItem
from volunteers.registry.skills import SKILLS

ICONS = {
    "i-c-shop": "购物", "i-c-bp": "健康", "i-c-fix": "维修", "i-c-clinic": "就医", "i-c-clean": "清洁",
    "i-c-talk": "谈心", "i-c-parcel": "跑腿", "i-phone": "手机", "i-sos": "紧急", "i-info": "咨询",
    "i-hand": "帮手", "i-home": "居家", "i-leaf": "绿化", "i-shield": "平安", "i-c-more": "其他",
}  # fmt: skip
"""Icons that a service may have, each one of ``static/icons.svg``."""

CATEGORIES = ("生活照料", "健康关爱", "维修", "教育", "咨询", "应急", "其他")
FIELDS = ("name", "category", "icon", "description", "hint", "skills", "usual_minutes", "volunteers_needed",
          "deadline_minutes", "clock", "offer_minutes", "who_may_order", "verified", "training", "min_age", "max_age",
          "personal_care")  # fmt: skip
HOUR, DAY = 60, 1440
DEADLINES = (2 * HOUR, 4 * HOUR, 12 * HOUR, 14 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 15 * DAY)


def duration(minutes: int) -> str:
    """A limit in words: 7天, 14小时, 30分钟."""
    if minutes % DAY == 0:
        return f"{minutes // DAY}天"
    return f"{minutes // HOUR}小时" if minutes % HOUR == 0 else f"{minutes}分钟"


class ItemForm(Form):
    """A service that residents can order."""

    name = StringField("服务名称", [needed("请填服务名称"), at_most(30, "服务名称")], render_kw={"maxlength": 30})
    category = SelectField("类别", choices=[SelectChoice(name, name) for name in CATEGORIES])
    icon = RadioField("图标", choices=[SelectChoice(code, name) for code, name in ICONS.items()])
    description = TextAreaField(
        "说明",
        [optional(), at_most(300, "说明")],
        description="居民点单时看到，写清做什么、不做什么",
        render_kw={"rows": 3},
    )
    hint = StringField(
        "填写提示", [optional(), at_most(100, "填写提示")], description="提醒居民写什么，如 写清买什么、买多少",
        render_kw={"maxlength": 100},
    )  # fmt: skip
    skills = SelectMultipleField(
        "需要的技能", choices=[SelectChoice(code, name) for code, name in SKILLS.items()], widget=ListWidget(),
        option_widget=CheckboxInput(), description="不选表示谁都能做",
    )  # fmt: skip
    usual_minutes = IntegerField("一般要几分钟", [needed("请填一般要几分钟"), NumberRange(5, 720, "填5到720分钟")])
    volunteers_needed = IntegerField("要几位志愿者", [needed("请填要几位志愿者"), NumberRange(1, 20, "填1到20位")])
    deadline_minutes = SelectField("多久内办好", coerce=int, choices=[SelectChoice(n, duration(n)) for n in DEADLINES])
    clock = RadioField("怎么计时", choices=[SelectChoice(code, name) for code, name in CLOCK_NAMES.items()])
    offer_minutes = IntegerField(
        "派单后等多少分钟", [needed("请填派单后等多少分钟"), NumberRange(5, 2880, "填5到2880分钟")],
        description="过了这个时间没人接，单子回到派单台",
    )  # fmt: skip
    who_may_order = RadioField("谁可以点", choices=[SelectChoice(code, name) for code, name in WHO_NAMES.items()])
    verified = SelectMultipleField(
        "其中要核实过的技能", choices=[SelectChoice(code, name) for code, name in SKILLS.items()],
        widget=ListWidget(), option_widget=CheckboxInput(), description="只派给支部看过证件或当面试过的人",
    )  # fmt: skip
    training = SelectField("要参加过的培训", choices=[], default="", description="过了有效期的不派")
    min_age = IntegerField(
        "最小多大", [optional(), NumberRange(14, 100, "填14到100岁")],
        description="未满18岁的本来就不派应急服务，未满14岁的一律不派",
        render_kw={"min": 14, "max": 100, "inputmode": "numeric"},
    )  # fmt: skip
    max_age = IntegerField(
        "最大多大", [optional(), NumberRange(14, 120, "填14到120岁")],
        render_kw={"min": 14, "max": 120, "inputmode": "numeric"},
    )  # fmt: skip
    personal_care = BooleanField("贴身照护", description="如擦身、助浴，居民点单时可以选男志愿者或女志愿者")
    version = HiddenField(default="0")

    def __init__(self, trainings: Mapping[str, str], *arguments: Any, **options: Any) -> None:
        """``trainings``: those that may be asked for, by code."""
        super().__init__(*arguments, **options)
        self._trainings = trainings
        self.training.choices = choices([("", "不要求"), *trainings.items()])

    def validate_verified(self, field: Any) -> None:
        """Only skills that the service needs can be asked to be verified."""
        extra = [SKILLS[code] for code in field.data or [] if code not in (self.skills.data or [])]
        if extra:
            raise ValidationError(f"“{'、'.join(extra)}”不在“需要的技能”里，先在上面勾上")

    def validate_max_age(self, field: Any) -> None:
        """Not below the least age."""
        if field.data is not None and self.min_age.data is not None and field.data < self.min_age.data:
            raise ValidationError("最大年龄不能小于最小年龄")

    def fill(self, item: ServiceItem) -> None:
        """Show what stands; a limit and a category outside the usual ones stay to be chosen."""
        self.offer_own(item)
        for name in FIELDS:
            self[name].data = getattr(item, name)
        self.version.data = str(item.version)

    def offer_own(self, item: ServiceItem) -> None:
        """Let an item keep a limit, category or icon that the lists do not hold."""
        own = ((self.deadline_minutes, duration), (self.category, str), (self.icon, str), (self.training, str))
        for field, words in own:
            offered: Any = field.choices
            value = getattr(item, field.name)
            if value not in [choice.value for choice in offered]:
                field.choices = [*offered, SelectChoice(value, words(value))]

    def values(self) -> dict[str, Any]:
        """What was filled in, by column."""
        found = {name: self[name].data for name in FIELDS}
        texts = {name: found[name] or "" for name in ("description", "hint", "training")}
        lists = {name: [code for code in SKILLS if code in (found[name] or [])] for name in ("skills", "verified")}
        return found | texts | lists

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = str(self.version.data or "")
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    def told(self, name: str, value: Any) -> str:
        """A column's value as the form words it."""
        if name in ("skills", "verified"):
            return "、".join(SKILLS.get(code, code) for code in value) or "不限"
        if name in ("deadline_minutes", "offer_minutes", "usual_minutes"):
            return duration(int(value))
        if name in ("min_age", "max_age"):
            return "不限" if value is None else f"{value}岁"
        if name == "personal_care":
            return "是" if value else "否"
        return {**CLOCK_NAMES, **WHO_NAMES, **ICONS, **self._trainings}.get(str(value), str(value)) or "（空）"
