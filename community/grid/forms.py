"""Forms of the grid: a person by hand, a move, a reveal, an upload."""

from __future__ import annotations

from typing import Any

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from community.grid.addresses import AddressError, parse_address
from community.grid.models import Person
from core import clock
from core.identity import EARLIEST_BIRTH, POLITICAL_STATUSES, IdentityError, is_name, narrow, split_phones
from core.web.forms import DayField, Form, IdNumberField, PhoneField, at_most, needed, optional

CARE = ("低保", "特困", "残疾人", "独居", "空巢", "失能", "留守儿童", "困境儿童", "重病", "计生特殊")
RELATIONS = ("户主", "配偶", "子", "女", "父亲", "母亲", "孙子", "孙女", "租户", "其他")
SEXES = (("1", "男"), ("2", "女"), ("0", "不详"))
_STATUSES = [SelectChoice("", "不详"), *(SelectChoice(code, text) for code, text in POLITICAL_STATUSES.items())]
_MOVES = [SelectChoice("house", "本小区另一户"), SelectChoice("out", "搬出小区")]
_NUMBERS = [SelectChoice("phone", "手机号"), SelectChoice("id_number", "身份证号")]
PHONES = 5
"""Phones that one person may have."""


def _version(field: Any) -> int:
    text = field.data or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


class PersonForm(Form):
    """A person's data. Numbers are not shown again: left empty they stay as they are."""

    name = StringField("姓名", [needed("请填姓名"), at_most(50, "姓名")], render_kw={"maxlength": 50})
    relation = StringField(
        "与户主关系", [optional(), at_most(20, "关系")], render_kw={"maxlength": 20, "list": "relations"}
    )
    is_householder = BooleanField("是户主")
    is_owner = BooleanField("是产权人")
    sex = RadioField("性别", choices=[SelectChoice(*one) for one in SEXES], default="0", validate_choice=False)
    birth_date = DayField("出生日期", [optional()])
    id_number = IdNumberField("身份证号", [optional()])
    phones = StringField("手机号", [optional(), at_most(120, "手机号")], render_kw={"maxlength": 120})
    clear_phones = BooleanField("去掉登记的手机号")
    political_status = SelectField("政治面貌", choices=_STATUSES, validate_choice=False)
    care = SelectMultipleField("困难类别", choices=[SelectChoice(text, text) for text in CARE], validate_choice=False)
    note = TextAreaField("备注", [optional(), at_most(500, "备注")], render_kw={"maxlength": 500, "rows": 3})
    version = HiddenField()

    @classmethod
    def of(cls, person: Person) -> PersonForm:
        """The form filled with somebody's data, sealed values left out."""
        return cls(
            formdata=None, name=person.name, relation=person.relation, is_householder=person.is_householder,
            is_owner=person.is_owner, sex=str(person.sex if person.sex in (1, 2) else 0), birth_date=person.birth_date,
            political_status=person.political_status, care=person.care, note=person.note, version=str(person.version),
        )  # fmt: skip

    def offer_care(self, held: list[str]) -> None:
        """Offer, besides the usual categories, those that the person's roll had."""
        self.care.choices = [SelectChoice(text, text) for text in dict.fromkeys([*CARE, *held])]

    def validate_name(self, field: Any) -> None:
        """A person's name."""
        field.data = narrow(field.data)
        if not is_name(field.data):
            raise ValidationError("姓名要写中文或英文名字，不带数字和符号")

    def validate_sex(self, field: Any) -> None:
        """One of those offered."""
        if field.data not in dict(SEXES):
            raise ValidationError("请从列表里选性别")

    def validate_birth_date(self, field: Any) -> None:
        """A day on which somebody alive can have been born."""
        if field.data and not EARLIEST_BIRTH <= field.data <= clock.today():
            raise ValidationError("出生日期要在1890年以后、今天以前")

    def validate_phones(self, field: Any) -> None:
        """One or more mobile numbers."""
        try:
            found = split_phones(field.data or "")
        except IdentityError as error:
            raise ValidationError(str(error)) from error
        if len(found) > PHONES:
            raise ValidationError(f"一个人最多登记{PHONES}个手机号")

    def validate_political_status(self, field: Any) -> None:
        """One of those offered."""
        if field.data and field.data not in POLITICAL_STATUSES:
            raise ValidationError("请从列表里选政治面貌")

    def validate_care(self, field: Any) -> None:
        """Of those offered only."""
        if not set(field.data or ()) <= {choice.value for choice in field.choices}:
            raise ValidationError("请从列表里选困难类别")

    def values(self, with_care: bool) -> dict[str, Any]:
        """What the form says, for the workflow."""
        found: dict[str, Any] = {
            "name": self.name.data, "relation": self.relation.data or "", "is_householder": self.is_householder.data,
            "is_owner": self.is_owner.data, "sex": int(self.sex.data), "birth_date": self.birth_date.data,
            "political_status": self.political_status.data or "", "note": self.note.data or "",
        }  # fmt: skip
        if with_care:
            found["care"] = list(self.care.data or ())
        if self.id_number.data:
            found["id_number"] = self.id_number.data
        if self.phones.data or self.clear_phones.data:
            found["phones"] = [] if self.clear_phones.data else split_phones(self.phones.data or "")
        return found

    def seen_version(self) -> int:
        """The version that the page was made from; 0 for a text that is none."""
        return _version(self.version)


class MoveForm(Form):
    """Where somebody goes: to another door of the estate, or away."""

    kind = RadioField("搬到哪里", choices=_MOVES, validate_choice=False)
    door = StringField("门牌", [at_most(60, "门牌")], render_kw={"maxlength": 60, "placeholder": "3栋2单元501"})
    on = DayField("哪天搬走的", [optional()])
    version = HiddenField()

    def validate_kind(self, field: Any) -> None:
        """One of the two."""
        if field.data not in ("house", "out"):
            raise ValidationError("请选搬到哪里")

    def validate_door(self, field: Any) -> None:
        """An address, when somebody stays in the estate."""
        if self.kind.data != "house":
            return
        if not field.data:
            raise ValidationError("请填搬到哪一户，写成3栋2单元501")
        try:
            parse_address(field.data)
        except AddressError as error:
            raise ValidationError(str(error)) from error

    def validate_on(self, field: Any) -> None:
        """A day not after today."""
        if self.kind.data == "out" and field.data and not EARLIEST_BIRTH <= field.data <= clock.today():
            raise ValidationError("搬走的日期不能晚于今天")

    def seen_version(self) -> int:
        """The version that the page was made from; 0 for a text that is none."""
        return _version(self.version)


class RevealForm(Form):
    """Which number, and why."""

    field = RadioField("看哪一项", choices=_NUMBERS, validate_choice=False)
    reason = StringField(
        "原因", [needed("请写明查看的原因"), at_most(200, "原因")], description="查看会留下记录",
        render_kw={"maxlength": 200, "autocomplete": "off"},
    )  # fmt: skip

    def validate_field(self, field: Any) -> None:
        """One of the two."""
        if field.data not in ("phone", "id_number"):
            raise ValidationError("请选看手机号还是身份证号")

    def validate_reason(self, field: Any) -> None:
        """More than spaces."""
        if not field.data:
            raise ValidationError("请写明查看的原因")


class ContactForm(Form):
    """Whom to reach when the home is in need. When one is changed, an empty phone stays as it is."""

    name = StringField("姓名", [needed("请填联系人的姓名"), at_most(50, "姓名")], render_kw={"maxlength": 50})
    relation = StringField(
        "和这家人的关系", [needed("请填和这家人的关系，如 女儿、邻居"), at_most(10, "关系")],
        render_kw={"maxlength": 10, "list": "relations"},
    )  # fmt: skip
    phone = PhoneField(
        "手机号", [optional()],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "type": "tel", "maxlength": 20},
    )  # fmt: skip
    agreed = BooleanField("对方同意登记，紧急时愿意接到通知")
    version = HiddenField(default="0")

    def validate_name(self, field: Any) -> None:
        """A person's name."""
        field.data = narrow(field.data)
        if not is_name(field.data):
            raise ValidationError("姓名要写中文或英文名字，不带数字和符号")

    def validate_agreed(self, field: Any) -> None:
        """Nobody is kept without having agreed."""
        if not field.data:
            raise ValidationError("先问过对方，同意了再勾选")

    def require_phone(self) -> bool:
        """For a new contact: there is a phone."""
        if not self.phone.data:
            self.phone.errors = ["请填联系人的手机号"]
        return bool(self.phone.data)

    def seen_version(self) -> int:
        """The version that the page was made from; 0 for a text that is none."""
        return _version(self.version)


class UploadForm(Form):
    """A roll and the estate it belongs to."""

    estate = SelectField("小区", validate_choice=False)
    file = FileField("名册文件", [needed("请选一个 .xlsx、.xls 或 .csv 文件")])

    def offer(self, estates: list[tuple[str, str]]) -> None:
        """Offer these estates: id and name."""
        self.estate.choices = [SelectChoice(id_, name) for id_, name in estates]

    def validate_estate(self, field: Any) -> None:
        """One of those within reach."""
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("请选名册是哪个小区的")
