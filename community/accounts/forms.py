"""Forms of accounts: signing in, passwords, one's own page, issuing."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import Regexp, ValidationError

from community.accounts.workflow import PasswordProblem, check_password
from core.web.forms import Form, PhoneField, at_most, choices, needed, optional

RELATIONS = ("儿子", "女儿", "配偶", "父亲", "母亲", "儿媳", "女婿", "兄弟姐妹", "孙辈", "其他亲属")
OTHER = "other"


class SignInForm(Form):
    """Phone and password; ``next`` is where the person was going."""

    phone = PhoneField("手机号", [needed("请填手机号")])
    password = PasswordField(
        "密码", [needed("请填密码")], render_kw={"autocomplete": "current-password", "maxlength": 128}
    )
    next = HiddenField()


class PasswordForm(Form):
    """The old password and a new one, typed twice."""

    old = PasswordField(
        "现在的密码",
        [needed("请填现在的密码")],
        render_kw={"autocomplete": "current-password", "maxlength": 128},
    )
    new = PasswordField(
        "新密码",
        [needed("请填新密码")],
        description="至少8位，含大写字母、小写字母、数字、符号中的三种",
        render_kw={"autocomplete": "new-password", "maxlength": 128},
    )
    again = PasswordField(
        "再填一次新密码",
        [needed("请再填一次新密码")],
        render_kw={"autocomplete": "new-password", "maxlength": 128},
    )

    def validate_new(self, field: Any) -> None:
        """Long, varied and uncommon enough."""
        try:
            check_password(field.data)
        except PasswordProblem as problem:
            raise ValidationError(str(problem)) from problem

    def validate_again(self, field: Any) -> None:
        """The same both times."""
        if field.data != self.new.data:
            raise ValidationError("两次填的新密码不一样，请重填一次")


class EmailForm(Form):
    """Where notices go besides the inbox; ASCII only, as mail servers take it."""

    email = StringField(
        "邮箱",
        [
            optional(),
            at_most(200, "邮箱"),
            Regexp(
                r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\Z",
                message="邮箱写成 shen@example.com 这样",
            ),
        ],
        description="通知除了进收件箱，也发到这里；留空就不发",
        render_kw={"type": "email", "autocomplete": "email", "maxlength": 200},
    )


class HelperForm(Form):
    """A family member who may order for the household."""

    name = StringField("家人姓名", [needed("请填家人姓名"), at_most(60, "姓名")], render_kw={"maxlength": 60})
    phone = PhoneField(
        "家人手机号",
        [needed("请填家人手机号")],
        description="要和名册或账号里登记的一致",
        render_kw={"inputmode": "numeric", "autocomplete": "off", "type": "tel", "maxlength": 20},
    )
    relation = SelectField(
        "和您的关系",
        [needed("请选和您的关系")],
        choices=choices([("", "请选择"), *[(text, text) for text in RELATIONS]]),
        validate_choice=False,
    )

    def validate_relation(self, field: Any) -> None:
        """One of the relations offered."""
        if field.data not in RELATIONS:
            raise ValidationError("请从列表里选和您的关系")


class IssueForm(Form):
    """Which phone the account is opened for: one of the roll's, by its position, or another typed in."""

    which = RadioField("用哪个手机号登录", validate_choice=False)
    phone = PhoneField(
        "手机号",
        render_kw={"inputmode": "numeric", "autocomplete": "off", "type": "tel", "maxlength": 20},
    )

    def offer(self, masked: list[str]) -> None:
        """Offer the phones of the roll, shown masked."""
        self._offered = {str(n): text for n, text in enumerate(masked)} | {OTHER: "填另一个手机号"}
        self.which.choices = choices(self._offered.items())
        if not self.is_submitted():
            self.which.data = "0" if masked else OTHER

    def validate_which(self, field: Any) -> None:
        """One of the phones offered."""
        if field.data not in self._offered:
            raise ValidationError("请选用哪个手机号登录")

    def validate_phone(self, field: Any) -> None:
        """Filled in when none of the roll's phones was chosen."""
        if self.which.data == OTHER and not field.data:
            raise ValidationError("请填手机号")

    def chosen(self, phones: tuple[str, ...]) -> str:
        """The phone chosen or typed."""
        typed: str = self.phone.data or ""
        return typed if self.which.data == OTHER else phones[int(self.which.data)]
