"""The forms of an application: one form, shown on the phone a step at a time, and what a branch decides."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import ValidationError

from core import clock
from core.identity import age_on, id_birth_date, normalise_id_number
from core.web.forms import Form, IdNumberField, PhoneField, at_most, choices, needed, optional
from volunteers.applications.models import VolunteerApplication
from volunteers.applications.queries import Known
from volunteers.applications.workflow import Wish
from volunteers.consents.forms import RELATION_CHOICES, STAFF_HOWS
from volunteers.consents.queries import find_companion
from volunteers.consents.texts import NEEDED, TEXTS
from volunteers.consents.workflow import Consenting
from volunteers.registry.availability import Window
from volunteers.registry.forms import OfferForm, TicksField
from volunteers.registry.week import in_words, split
from volunteers.registry.workflow import GUARDIAN_AGE, LEAST_AGE

STEPS = {
    "me": ("资料", ("id_number", "phone", "national_no", "guardian_name", "guardian_relation", "guardian_phone",
                    "companion_no", "guardian_how")),
    "skills": ("会做什么", ("skills", "categories")),
    "time": ("什么时候有空", ("parts", "other_hours", "weekly_cap", "reach")),
    "consent": ("同意", ("consents", "consents_how")),
}  # fmt: skip
"""The steps of the form on a phone: what they are called, and their fields."""
ORDER = tuple(STEPS)


class ApplyForm(OfferForm):
    """What an applicant says. Fields that the record answers are taken out by ``ask``."""

    id_number = IdNumberField(
        "身份证号", [needed("请填身份证号")], description="用来核对是不是本人，加密保存，只给支部核对用"
    )
    phone = PhoneField("手机号", [optional()])
    national_no = StringField(
        "全国志愿服务编号", [optional(), at_most(30, "编号")], description="在全国系统登记过的填，没有不填",
        render_kw={"maxlength": 30},
    )  # fmt: skip
    guardian_name = StringField("监护人姓名", [at_most(60, "姓名")], render_kw={"maxlength": 60})
    guardian_relation = SelectField("是您的", choices=RELATION_CHOICES)
    guardian_phone = PhoneField("监护人手机号", description="支部会打电话问监护人同不同意")
    companion_no = StringField(
        "陪同监护人的志愿者编号", [at_most(12, "编号")],
        description="未满14岁的要填：监护人自己先登记成志愿者，每次陪着来", render_kw={"maxlength": 12},
    )  # fmt: skip
    consents = TicksField(
        "请看一看，同意的勾上", choices=[SelectChoice(kind, text.title) for kind, text in TEXTS.items()],
        validate_choice=True,
    )  # fmt: skip
    step = HiddenField(default=ORDER[0])

    known: Known
    by_staff = False

    def ask(self, known: Known) -> None:
        """Leave out what the record answers."""
        self.known = known
        if known.person.id_key is not None:
            del self.id_number
        if known.phone or not self.by_staff:
            del self.phone
        if self.age is not None and self.age >= GUARDIAN_AGE:
            for name in ("guardian_name", "guardian_relation", "guardian_phone", "companion_no"):
                delattr(self, name)

    @property
    def age(self) -> int | None:
        """Full years, from the record or from the number that was filled in."""
        born = self.known.person.birth_date
        if born is None and "id_number" in self and self.id_number.data:
            number = normalise_id_number(self.id_number.data)
            born = id_birth_date(number) if number else None
        return age_on(born, clock.today()) if born else None

    @property
    def is_minor(self) -> bool:
        """Known to be under 18."""
        return self.age is not None and self.age < GUARDIAN_AGE

    @property
    def is_child(self) -> bool:
        """Known to be under 14."""
        return self.age is not None and self.age < LEAST_AGE

    def fields_of(self, step: str) -> list[str]:
        """The names of a step's fields that this form has."""
        return [name for name in STEPS[step][1] if name in self]

    def first_fault(self, until: str) -> str | None:
        """The first step up to ``until`` with something wrong; faults of later steps are not told yet."""
        place = ORDER.index(until)
        for later in ORDER[place + 1 :]:
            for name in self.fields_of(later):
                self[name].errors = []
        return next((s for s in ORDER[: place + 1] if any(self[n].errors for n in self.fields_of(s))), None)

    def validate_guardian_name(self, field: Any) -> None:
        """Needed under 18."""
        if self.is_minor and not field.data:
            raise ValidationError("未满18岁，请填监护人姓名")

    def validate_guardian_relation(self, field: Any) -> None:
        """Needed under 18."""
        if self.is_minor and not field.data:
            raise ValidationError("请选监护人是您的什么人")

    def validate_guardian_phone(self, field: Any) -> None:
        """Needed under 18."""
        if self.is_minor and not field.data:
            raise ValidationError("请填监护人手机号，支部要问监护人同不同意")

    def validate_companion_no(self, field: Any) -> None:
        """Needed under 14: an adult volunteer of the estate."""
        if self.is_child and not field.data:
            raise ValidationError("未满14岁，请填陪同监护人的志愿者编号")
        if field.data and self._companion() is None:
            raise ValidationError("本小区没有这个编号的志愿者，请核对，或让监护人先登记")

    def validate_consents(self, field: Any) -> None:
        """Without the needed ones nobody is registered."""
        missing = [TEXTS[kind].title for kind in NEEDED if kind not in (field.data or [])]
        if missing:
            raise ValidationError(f"“{missing[0]}”还没有勾，不同意就不能登记")

    def _companion(self) -> str | None:
        number = self.companion_no.data if "companion_no" in self else ""
        return find_companion(self.known.estate.id, number) if number else None

    def _how(self) -> str:
        return ""

    def _consents_how(self) -> str:
        return "online"

    def wish(self) -> Wish:
        """What was filled in."""
        guardian = None
        if self.is_minor:
            guardian = Consenting(
                self.guardian_name.data or "", self.guardian_relation.data or "", self.guardian_phone.data or "",
                self._how(), self._companion(),
            )  # fmt: skip
        return Wish(
            self.offer(), list(self.consents.data or []), self._consents_how(), self.national_no.data or "",
            (self.id_number.data or "") if "id_number" in self else "",
            (self.phone.data or "") if "phone" in self else "", guardian,
        )  # fmt: skip

    def refill(self, found: VolunteerApplication) -> None:
        """Show what an earlier application said; numbers and consents are given anew."""
        keys, rest = split([Window(*window) for window in found.windows])
        self.skills.data, self.categories.data = list(found.skills), list(found.categories)
        self.parts.data, self.other_hours.data = keys, in_words(rest)
        self.weekly_cap.data, self.national_no.data = found.weekly_cap, found.national_no
        self.reach.data = found.reach
        self.version.data = str(found.version)
        if "guardian_name" in self:
            self.guardian_name.data, self.guardian_relation.data = found.guardian_name, found.guardian_relation


class EnterForm(ApplyForm):
    """An application as staff write it for somebody of the roll; on one page, approved at once."""

    by_staff = True
    id_number = IdNumberField("身份证号", [optional()], description="名册里没有的补上，才能查有没有重复登记")
    phone = PhoneField("手机号", [optional()], description="名册里没有的补上")
    guardian_how = RadioField("监护人怎样同意的", choices=choices(STAFF_HOWS.items()), validate_choice=False)
    consents_how = RadioField(
        "本人怎样同意的", [needed("请选本人怎样同意的")], choices=choices(STAFF_HOWS.items()), default="paper"
    )

    def ask(self, known: Known) -> None:
        """Leave out what the record answers."""
        super().ask(known)
        if self.age is not None and self.age >= GUARDIAN_AGE:
            del self.guardian_how

    def validate_guardian_how(self, field: Any) -> None:
        """Needed under 18."""
        if self.is_minor and field.data not in STAFF_HOWS:
            raise ValidationError("请选监护人怎样同意的")

    def _how(self) -> str:
        return (self.guardian_how.data or "") if "guardian_how" in self else ""

    def _consents_how(self) -> str:
        return self.consents_how.data or "paper"


class ApproveForm(Form):
    """A branch approves; of somebody under 18 it says how it made sure of the guardian's consent."""

    guardian_how = RadioField("怎样核实的监护人同意", [optional()], choices=choices(STAFF_HOWS.items()))
    version = HiddenField()

    def seen_version(self) -> int:
        """The version the page was made from."""
        text = self.version.data or ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0


class ReturnForm(Form):
    """What is still missing."""

    missing = TextAreaField("还缺什么", [needed("请写明还缺什么"), at_most(300, "这一项")], render_kw={"rows": 2})


class RefuseForm(Form):
    """Why somebody is not registered."""

    reason = TextAreaField("原因", [needed("请写明原因"), at_most(300, "原因")], render_kw={"rows": 2})
