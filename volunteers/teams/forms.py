"""Forms of teams."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core import clock
from core.web.forms import DayField, Form, at_most, choices, needed, optional
from volunteers.teams.models import KIND_NAMES, Kind, Team

FOUNDED_FROM = date(1949, 10, 1)


class TicksField(SelectMultipleField):
    """Several of a list, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TeamForm(Form):
    """A team as it presents itself. A corps has detachments instead of a home, a detachment may belong to a corps."""

    kind = SelectField("类型", [needed("请选队伍的类型")], choices=choices(KIND_NAMES.items()))
    name = StringField("名称", [needed("请填队伍名称"), at_most(60, "名称")], render_kw={"maxlength": 60})
    organisation_id = SelectField("设在哪里", [optional()], description="总队不用选", validate_choice=True)
    parent_id = SelectField("属于哪个总队", [optional()], description="只有支队可以属于总队", validate_choice=True)
    detachments = TicksField("由哪些支队组成", [optional()], description="只有总队要选", validate_choice=True)
    slogan = StringField("口号", [optional(), at_most(60, "口号")], render_kw={"maxlength": 60})
    description = TextAreaField("介绍", [optional(), at_most(500, "介绍")], render_kw={"rows": 3, "maxlength": 500})
    founded_on = DayField("成立日期", [needed("请填成立日期")])
    version = HiddenField(default="1")

    def offer(
        self, homes: list[tuple[str, str]], corps: list[tuple[str, str]], detachments: list[tuple[str, str]], *,
        may_corps: bool, team: Team | None = None,
    ) -> None:  # fmt: skip
        """What can be chosen; a team that is there keeps its kind and its home."""
        self.organisation_id.choices = choices([("", "请选择"), *homes])
        self.parent_id.choices = choices([("", "不属于总队"), *corps])
        self.detachments.choices = choices(detachments)
        if not may_corps:
            self.kind.choices = choices([pair for pair in KIND_NAMES.items() if pair[0] != Kind.CORPS])
        kind = team.kind if team is not None else None
        if team is not None:
            del self.kind
            del self.organisation_id
        if (kind is not None and kind != Kind.CORPS) or not may_corps or not detachments:
            del self.detachments
        if (kind is not None and kind != Kind.DETACHMENT) or not corps:
            del self.parent_id

    def fill(self, team: Team) -> None:
        """Show what stands."""
        self.name.data, self.slogan.data, self.description.data = team.name, team.slogan, team.description
        self.founded_on.data, self.version.data = team.founded_on, str(team.version)
        if "parent_id" in self:
            self.parent_id.data = team.parent_id or ""

    def validate_founded_on(self, field: Any) -> None:
        """Not ahead, and not before anything could be."""
        if field.data and not FOUNDED_FROM <= field.data <= clock.today():
            raise ValidationError("成立日期要在今天或以前")

    def values(self) -> dict[str, Any]:
        """What was filled in, as the team's columns."""
        said: dict[str, Any] = {
            "name": self.name.data, "slogan": self.slogan.data or "", "description": self.description.data or "",
            "founded_on": self.founded_on.data,
        }  # fmt: skip
        if "parent_id" in self:
            said["parent_id"] = self.parent_id.data or None
        if "kind" in self:
            said |= {"kind": self.kind.data, "organisation_id": self.organisation_id.data or None}
        return said

    def chosen(self) -> list[str] | None:
        """The detachments ticked, None when they were not asked for."""
        return list(self.detachments.data or []) if "detachments" in self else None

    def seen_version(self) -> int:
        """The version the form was made from."""
        text = self.version.data or ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0


class WishForm(Form):
    """Why somebody wants to join, if they like to say."""

    wish = StringField("想说的话", [optional(), at_most(200, "这一项")], render_kw={"maxlength": 200})


class ReasonForm(Form):
    """Why somebody is not taken in or let go, or a team is ended."""

    reason = StringField("原因", [needed("请写明原因"), at_most(200, "原因")], render_kw={"maxlength": 200})


class RollForm(Form):
    """A roll for one team."""

    estate = SelectField("小区", [needed("请选小区")])
    file = FileField("名册文件", [FileRequired("请选一个文件，.xlsx、.xls 或 .csv")])
