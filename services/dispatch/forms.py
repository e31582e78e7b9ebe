"""Forms of dispatch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from wtforms import TextAreaField, ValidationError

from core.web.forms import Form, at_most, needed
from services.orders.forms import Pick


class KeepApartForm(Form):
    """Whom one asks not to meet again, and why."""

    volunteer = Pick("请谁以后不再来")
    reason = TextAreaField(
        "原因", [needed("请写明原因，只有支部看得到"), at_most(200, "原因")], description="只有支部看得到",
        render_kw={"rows": 3, "maxlength": 200},
    )  # fmt: skip

    def offer(self, people: Collection[tuple[str, str]]) -> None:
        """Those who can be meant; where there is only one, it is that one."""
        self.volunteer.offer(people)
        if len(people) == 1:
            self.volunteer.data = next(iter(people))[0]

    def validate_volunteer(self, field: Any) -> None:
        """Somebody."""
        if not field.data:
            raise ValidationError("请选一位")


class LiftForm(Form):
    """Why a pair may meet again."""

    reason = TextAreaField(
        "为什么解除", [needed("请写明原因"), at_most(200, "原因")], render_kw={"rows": 2, "maxlength": 200}
    )


def picks_of(sent: Any, known: Collection[str], most: int = 5000) -> dict[str, list[str]]:
    """The orders ticked on a plan's page, and to whom each is to go."""
    ticked = [order for order in dict.fromkeys(sent.getlist("order")[:most]) if order in known]
    chosen = {order: [person for person in sent.getlist(f"to-{order}")[:20] if person] for order in ticked}
    return {order: people for order, people in chosen.items() if people}
