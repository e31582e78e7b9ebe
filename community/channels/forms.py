"""Forms of messages: what comes over which channel, and a robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from wtforms import PasswordField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from community.channels.models import Robot
from community.channels.queries import Choice
from community.channels.quiet import Hours, told
from community.channels.workflow import Filled
from core.channels import CHANNEL_NAMES
from core.channels.parcels import Refused
from core.channels.robots import VENDORS, check_webhook
from core.outbox.kinds import Chosen, Group, Kind, starts_on
from core.web.forms import ClockField, Form, at_most, choices, needed, optional


class Ticks(SelectMultipleField):
    """Several of a list, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ChoiceForm(Form):
    """Base of the form of choices; ``choice_form`` adds a field for each group."""

    quiet = RadioField(
        "免打扰时间", default="estate", choices=choices([("estate", ""), ("own", "自己定"), ("none", "不设")])
    )
    quiet_from = ClockField("晚上几点起", [optional()])
    quiet_until = ClockField("到早上几点", [optional()])
    groups: Sequence[Group] = ()
    channels: Sequence[str] = ()

    def offer(self, usual: Hours) -> None:
        """Name the estate's own hours."""
        self.quiet.choices = choices([("estate", f"照小区的，{told(usual)}"), ("own", "自己定"), ("none", "不设")])

    def fill(self, choice: Choice, usual: Hours) -> None:
        """Show what stands: what was chosen, and the default of what was not."""
        for group in self.groups:
            picked = choice.chosen.get(group.name, {})
            self[group.name].data = [c for c in self.channels if picked.get(c, starts_on(group, c))]
        hours = choice.quiet
        self.quiet.data = "estate" if hours is None else "none" if hours[0] == hours[1] else "own"
        begins, ends = hours if hours and hours[0] != hours[1] else usual
        self.quiet_from.data, self.quiet_until.data = _time(begins), _time(ends)

    def validate(self, extra_validators: Any = None) -> bool:
        """Own hours need a beginning and another end; what stands in the two fields else does not matter."""
        if self.quiet.data != "own":
            for field in (self.quiet_from, self.quiet_until):
                field.process_errors = []
        valid = bool(super().validate(extra_validators))
        if self.quiet.data != "own":
            return valid
        begins, ends = self.quiet_from, self.quiet_until
        for field in (begins, ends):
            if field.data is None and not field.errors:
                field.errors = ["请填时间，比如 21:00"]
        if begins.data is not None and begins.data == ends.data:
            ends.errors = ["两个时间一样就等于不设，请改一个，或选“不设”"]
        return valid and not begins.errors and not ends.errors

    def chosen(self, before: Chosen) -> Chosen:
        """What was picked; groups and channels that the page does not show stay as they were."""
        found = {group: dict(picked) for group, picked in before.items()}
        for group in self.groups:
            picked = set(self[group.name].data or ())
            found.setdefault(group.name, {}).update({channel: channel in picked for channel in self.channels})
        return found

    def quiet_hours(self) -> Hours | None:
        """The hours that were chosen; None for those of the estate, two equal ones for none."""
        if self.quiet.data == "own":
            return _minutes(self.quiet_from.data), _minutes(self.quiet_until.data)
        return (0, 0) if self.quiet.data == "none" else None


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def _minutes(moment: time | None) -> int:
    return moment.hour * 60 + moment.minute if moment else 0


def choice_form(groups: Sequence[Group], channels: Sequence[str]) -> ChoiceForm:
    """The form of these groups and channels."""
    options = choices([(channel, CHANNEL_NAMES[channel]) for channel in channels])
    fields: dict[str, Any] = {
        group.name: Ticks(group.title, choices=options, description=group.text) for group in groups
    }
    form: ChoiceForm = type("OwnChoiceForm", (ChoiceForm,), fields)()
    form.groups, form.channels = groups, channels
    return form


class RobotForm(Form):
    """A robot of a group chat."""

    organisation = SelectField("谁的群", [needed("请选是谁的群")], validate_choice=False,
                               description="只发这个组织管的小区的事")  # fmt: skip
    name = StringField("群的名字", [needed("请填群的名字"), at_most(30, "群的名字")],
                       description="自己认得就行，如 支部工作群", render_kw={"maxlength": 30})  # fmt: skip
    vendor = RadioField("哪家平台", [needed("请选平台")], choices=choices([(n, v.name) for n, v in VENDORS.items()]))
    webhook = StringField("机器人地址（Webhook）", [at_most(500, "地址")],
                          description="在群设置里添加自定义机器人，把整条地址复制过来",
                          render_kw={"maxlength": 500, "autocomplete": "off", "spellcheck": "false"})  # fmt: skip
    secret = PasswordField("加签密钥", [optional(), at_most(200, "密钥")],
                           description="钉钉、飞书的机器人选了“加签”或“签名校验”才填，企业微信不填",
                           render_kw={"maxlength": 200, "autocomplete": "off"})  # fmt: skip
    kinds = Ticks("发哪些事", description="群里只说有什么事、哪栋楼，不写姓名、门牌、电话")

    def offer(self, bodies: Sequence[tuple[str, str]], kinds: Sequence[tuple[Group, Sequence[Kind]]],
              robot: Robot | None, more_hosts: Sequence[str]) -> None:  # fmt: skip
        """Offer bodies and kinds; ``robot`` is the one that is being changed."""
        self._robot, self._more_hosts = robot, more_hosts
        self._bodies = dict(bodies)
        self.organisation.choices = choices(bodies if len(bodies) == 1 else [("", "请选择"), *bodies])
        self.known = [kind.name for _, found in kinds for kind in found]
        self.kinds.choices = choices([(kind.name, kind.title) for _, found in kinds for kind in found])

    def begin(self) -> None:
        """Show what is likely: the viewer's own body, and everything that robots post."""
        self.organisation.data, self.kinds.data = next(iter(self._bodies), ""), list(self.known)

    def fill(self, robot: Robot) -> None:
        """Show what stands; address and secret are never shown again."""
        self.organisation.data, self.name.data, self.vendor.data = robot.organisation_id, robot.name, robot.vendor
        self.kinds.data = [kind for kind in self.known if kind in robot.kinds]

    def validate_organisation(self, field: Any) -> None:
        """One of the bodies offered."""
        if field.data not in self._bodies:
            raise ValidationError("请从列表里选")

    def validate_webhook(self, field: Any) -> None:
        """An address of the platform that was picked; an empty one leaves the one that stands."""
        kept = self._robot is not None and self._robot.vendor == self.vendor.data
        if not field.data:
            if not kept:
                raise ValidationError("请填机器人地址")
            return
        if self.vendor.data in VENDORS:
            try:
                check_webhook(self.vendor.data, field.data, self._more_hosts)
            except Refused as problem:
                raise ValidationError(str(problem)) from problem

    def validate_kinds(self, field: Any) -> None:
        """One at least: a robot that says nothing is of no use."""
        if not field.data:
            raise ValidationError("请至少选一样")

    def filled(self) -> Filled:
        """What was filled in."""
        texts: Mapping[str, str] = {name: self[name].data or "" for name in ("name", "vendor", "webhook", "secret")}
        return Filled(texts["name"], texts["vendor"], texts["webhook"], texts["secret"], list(self.kinds.data or ()))
