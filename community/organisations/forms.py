"""Forms of posts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from wtforms import SelectField
from wtforms.validators import ValidationError

from core import clock
from core.access import ROLE_NAMES, Role
from core.web.forms import DayField, Form, choices, needed, optional

FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)


def _sensible(_form: Any, field: Any) -> None:
    if field.data is not None and not FIRST <= field.data <= LAST:
        raise ValidationError("年份要在2000到2100之间")


class AppointForm(Form):
    """A post at an organisation for a term."""

    role = SelectField("职务", [needed("请选职务")], validate_choice=False)
    organisation = SelectField("在哪个组织", [needed("请选组织")], validate_choice=False)
    starts_on = DayField("从哪天起", [needed("请填开始日期"), _sensible])
    ends_on = DayField("到哪天止", [optional(), _sensible], description="任期没有定就不填")

    def offer(self, roles: Iterable[Role], organisations: list[tuple[str, str]], chosen: str = "") -> None:
        """Offer roles and organisations; on a first showing the term begins today."""
        self._roles = {role.value: ROLE_NAMES[role] for role in roles}
        self._organisations = dict(organisations)
        self.role.choices = choices([("", "请选择"), *self._roles.items()])
        self.organisation.choices = choices([("", "请选择"), *self._organisations.items()])
        if not self.is_submitted():
            self.starts_on.data = clock.today()
            self.organisation.data = chosen

    def validate_role(self, field: Any) -> None:
        """One of the roles offered."""
        if field.data not in self._roles:
            raise ValidationError("请从列表里选职务")

    def validate_organisation(self, field: Any) -> None:
        """One of the organisations offered."""
        if field.data not in self._organisations:
            raise ValidationError("请从列表里选组织")

    def validate_ends_on(self, field: Any) -> None:
        """Not before the beginning."""
        if field.data and self.starts_on.data and field.data < self.starts_on.data:
            raise ValidationError("结束日期不能早于开始日期")


class EndForm(Form):
    """The last day of a post."""

    on = DayField("最后一天", [needed("请填最后一天"), _sensible])
