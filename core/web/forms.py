"""The base of forms and the fields that Chinese rolls need. Errors say how to put things right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, DateTimeLocalField, Field, StringField, TextAreaField, TimeField, ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, Length, Optional, StopValidation

from core import clock
from core.identity import IdentityError, normalise_id_number, normalise_phone, parse_id_number, parse_phone

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: Any) -> Any:
    """A text as typed, without control characters and without space at either end."""
    return _CONTROL.sub("", text).replace("\r\n", "\n").strip() if isinstance(text, str) else text


class Form(FlaskForm):
    """Base of every form: CSRF, Chinese messages, texts cleaned."""

    class Meta(FlaskForm.Meta):
        locales = ("zh", "zh_CN")

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            filters = list(unbound_field.kwargs.get("filters", []))
            if issubclass(unbound_field.field_class, (StringField, TextAreaField)):
                filters.insert(0, clean)
            return unbound_field.bind(form=form, filters=filters, **options)  # type: ignore[no-any-return]

    @property
    def error_count(self) -> int:
        """How many fields are wrong."""
        return sum(bool(field.errors) for field in self)


class _Filled(InputRequired):
    """Something was sent, and more than blanks."""

    def __call__(self, form: Any, field: Any) -> None:
        super().__call__(form, field)
        if isinstance(field.data, str) and not field.data.strip():
            field.errors[:] = []
            raise StopValidation(str(self.message))


def needed(message: str) -> InputRequired:
    """The field must be filled; the message says what to fill in."""
    return _Filled(message)


def at_most(count: int, what: str = "这一项") -> Length:
    """Not longer than so many characters."""
    return Length(max=count, message=f"{what}最多{count}个字")


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """The choices of a select or radio field from pairs of value and label."""
    return [SelectChoice(value, label) for value, label in pairs]


def optional() -> Optional:
    """May stay empty."""
    return Optional()


class _Readable:
    """Validator: the text is what ``parse`` can read; its error text says what to mend."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse

    def __call__(self, _form: Any, field: Field) -> None:
        if not field.data:
            return
        try:
            self._parse(field.data)
        except IdentityError as error:
            raise ValidationError(str(error)) from error


class PhoneField(StringField):
    """A mobile number; spaces, dashes and full-width digits are mended."""

    def __init__(self, label: str, validators: list[Any] | None = None, **options: Any) -> None:
        options.setdefault("render_kw", {"inputmode": "numeric", "autocomplete": "tel", "type": "tel", "maxlength": 20})
        filters = [*options.pop("filters", ()), lambda text: (normalise_phone(text) or text) if text else text]
        super().__init__(label, [*(validators or []), _Readable(parse_phone)], filters=filters, **options)


class IdNumberField(StringField):
    """A resident ID number (GB 11643)."""

    def __init__(self, label: str, validators: list[Any] | None = None, **options: Any) -> None:
        options.setdefault("render_kw", {"autocomplete": "off", "maxlength": 24})
        filters = [*options.pop("filters", ()), lambda text: (normalise_id_number(text) or text) if text else text]
        super().__init__(label, [*(validators or []), _Readable(parse_id_number)], filters=filters, **options)


class DayField(DateField):
    """A calendar day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("日期写成 2026-11-22 这样，或从日历里选") from None


class ClockField(TimeField):
    """A time of day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("时间写成 21:00 这样") from None


class MomentField(DateTimeLocalField):
    """A Shanghai time on a form, an aware UTC moment in ``data``."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("时间写成 2026-11-22T15:00 这样，或从日历里选") from None
        if isinstance(self.data, datetime) and self.data.tzinfo is None:
            self.data = clock.from_local(self.data)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return clock.local(self.data).strftime("%Y-%m-%dT%H:%M") if self.data else ""
