"""Problem details (RFC 9457): one shape for every refusal of the API, fit to show a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails

MIME = "application/problem+json"
TITLES = {
    400: "请求读不懂",
    401: "请先登录",
    403: "没有这项权限",
    404: "没有找到",
    405: "方法不对",
    409: "现在的状态不允许",
    413: "内容太大",
    415: "格式不对",
    422: "有内容没填好",
    429: "试的次数太多",
    500: "系统出错",
}


class ProblemBody(BaseModel):
    """A refusal. ``type`` names the kind, ``detail`` is Chinese and says what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] | None = Field(default=None, description="按字段列出的问题")
    state: str | None = Field(default=None, description="invalid-transition：现在的状态")
    allowed: list[str] | None = Field(default=None, description="invalid-transition：现在可用的动作")


class Problem(Exception):
    """Raised to refuse a call."""

    def __init__(
        self, status: int, kind: str, detail: str, errors: Mapping[str, Sequence[str]] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.errors, self.more = status, kind, detail, errors, more

    def response(self) -> Response:
        """The answer to send."""
        body: dict[str, Any] = {
            "type": self.kind,
            "title": TITLES.get(self.status, "没有办成"),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = {name: list(texts) for name, texts in self.errors.items()}
        answer = Response(orjson.dumps(body | self.more), self.status, mimetype=MIME)
        if self.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


_TEXTS = {
    "missing": "这一项要填",
    "string_type": "要填文字",
    "string_too_long": "最多{max_length}个字",
    "string_too_short": "至少{min_length}个字",
    "int_type": "要填整数",
    "int_parsing": "要填整数",
    "int_from_float": "要填整数",
    "float_type": "要填数字",
    "float_parsing": "要填数字",
    "finite_number": "要填数字",
    "bool_type": "要填 true 或 false",
    "bool_parsing": "要填 true 或 false",
    "greater_than_equal": "不能小于{ge}",
    "less_than_equal": "不能大于{le}",
    "greater_than": "要大于{gt}",
    "less_than": "要小于{lt}",
    "list_type": "要填一个列表",
    "too_long": "最多{max_length}个",
    "too_short": "至少{min_length}个",
    "dict_type": "要填一个对象",
    "model_type": "要填一个对象",
    "model_attributes_type": "要填一个对象",
    "datetime_type": "时间写成 2026-11-22T15:00:00+08:00 这样",
    "datetime_parsing": "时间写成 2026-11-22T15:00:00+08:00 这样",
    "datetime_from_date_parsing": "时间写成 2026-11-22T15:00:00+08:00 这样",
    "datetime_object_invalid": "没有这个时间",
    "timezone_aware": "时间要带时区，如 +08:00",
    "date_type": "日期写成 2026-11-22 这样",
    "date_parsing": "日期写成 2026-11-22 这样",
    "date_from_datetime_parsing": "日期写成 2026-11-22 这样",
    "date_from_datetime_inexact": "日期写成 2026-11-22 这样",
    "literal_error": "只能是 {expected}",
    "enum": "只能是 {expected}",
    "string_pattern_mismatch": "写法不对",
    "extra_forbidden": "没有这一项",
}


def invalid(details: Sequence[ErrorDetails]) -> Problem:
    """The refusal of a body or query that does not fit its model."""
    errors: dict[str, list[str]] = {}
    for found in details:
        name = ".".join(str(part) for part in found["loc"]) or "body"
        context = found.get("ctx", {})
        if found["type"] == "value_error":
            text = str(context.get("error", found["msg"]))
        else:
            text = _TEXTS.get(found["type"], "这一项填得不对")
        errors.setdefault(name, []).append(text.format_map(context) if "{" in text else text)
    return Problem(422, "invalid-input", "有内容没填好，请按各项提示修改", errors)
