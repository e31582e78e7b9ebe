"""Text messages through an HTTP gateway, whose request and answer the settings describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from core.channels.http import Answer, send
from core.channels.parcels import Parcel, Trouble, discreet
from core.config import SmsSettings


class SmsChannel:
    """One request a text message. Placeholders are filled in whole values, never in the text of JSON or a query."""

    per_minute = 0
    short = True

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._url, _, self._query = settings.url.partition("?")
        # A gateway that is told the parcel's id sends a repeated one once.
        self.repeats = any("{id}" in part for part in (settings.url, settings.body, *settings.headers.values()))

    def deliver(self, parcel: Parcel, address: str) -> str:
        """Send the short text to a phone."""
        # The text last, so that nothing in it is taken for a placeholder.
        values = {"{secret}": self._settings.secret, "{id}": parcel.id, "{phone}": address, "{text}": parcel.text}
        answer = send(self._settings.method, self._address(values), self._body(values), self._headers(values))
        found = answer.json()
        answer.check()
        self._check(answer, found)
        number = _at(found, self._settings.id_field) if self._settings.id_field else None
        return str(number)[:100] if isinstance(number, str | int) else ""

    def _address(self, values: Mapping[str, str]) -> str:
        path = self._url
        for mark, value in values.items():
            path = path.replace(mark, quote(value, safe=""))
        pairs = [(name, _filled(value, values)) for name, value in parse_qsl(self._query, keep_blank_values=True)]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def _body(self, values: Mapping[str, str]) -> bytes | None:
        settings = self._settings
        if not settings.body:
            return None
        if settings.is_json:
            return orjson.dumps(_filled(orjson.loads(settings.body), values))
        return urlencode(
            [(n, _filled(v, values)) for n, v in parse_qsl(settings.body, keep_blank_values=True)]
        ).encode()

    def _headers(self, values: Mapping[str, str]) -> dict[str, str]:
        settings = self._settings
        kind = "application/json" if settings.is_json else "application/x-www-form-urlencoded"
        kinds = {"Content-Type": f"{kind}; charset=utf-8"} if settings.body else {}
        # The text may be Chinese and a header may not.
        plain = {mark: value for mark, value in values.items() if mark != "{text}"}
        return kinds | {name: _filled(value, plain) for name, value in settings.headers.items()}

    def _check(self, answer: Answer, found: Mapping[str, Any]) -> None:
        """A gateway may answer 200 and say in the body that it did not send."""
        settings = self._settings
        if not settings.ok_field:
            return
        told = _at(found, settings.ok_field)
        if told is None or _plain(told) != settings.ok_value:
            raise Trouble(f"短信网关没有发出：{discreet(answer.text)[:200]}")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """A template with its placeholders filled in, in every text of it."""
    if isinstance(value, str):
        for mark, filling in values.items():
            value = value.replace(mark, filling)
        return value
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    return value


def _at(found: Any, path: str) -> Any:
    """The value at a dotted path into a JSON answer, None when there is none."""
    for name in path.split("."):
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping):
            found = found.get(name)
        else:
            return None
    return found
