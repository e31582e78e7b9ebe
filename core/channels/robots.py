"""Robots of group chats: WeCom (企业微信), DingTalk (钉钉) and Feishu (飞书), each one signed POST.

A robot posts into a group, so what it says names nobody and holds no number of a person.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlsplit

from core import clock
from core.channels.http import Answer, check_address, send_json
from core.channels.parcels import Busy, Parcel, Refused, Trouble, discreet

HEAD = "【邻聚】"
PER_MINUTE = 20
"""All three let a robot post twenty times a minute; DingTalk shuts one that posts more out for ten minutes."""


@dataclass(frozen=True)
class Webhook:
    """Where a robot is spoken to, and the secret that signs it (empty when the group protects it otherwise)."""

    vendor: str
    url: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Vendor:
    """A platform with robots: its hosts, the path of a webhook, how to speak and what the answers mean."""

    name: str
    hosts: tuple[str, ...]
    path: str
    say: Callable[[Webhook, str], Answer]
    told: Mapping[int, str]
    busy: Mapping[int, int]
    has_secret: bool = True


def _text(words: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": words}}


def _wecom(hook: Webhook, words: str) -> Answer:
    return send_json(hook.url, _text(words))


def _dingtalk(hook: Webhook, words: str) -> Answer:
    if not hook.secret:
        return send_json(hook.url, _text(words))
    moment = str(int(clock.now().timestamp() * 1000))
    sign = _signed(hook.secret.encode(), f"{moment}\n{hook.secret}".encode())
    return send_json(f"{hook.url}&timestamp={moment}&sign={quote_plus(sign)}", _text(words))


def _feishu(hook: Webhook, words: str) -> Answer:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": words}}
    if hook.secret:
        moment = str(int(clock.now().timestamp()))
        body |= {"timestamp": moment, "sign": _signed(f"{moment}\n{hook.secret}".encode(), b"")}
    return send_json(hook.url, body)


def _signed(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


VENDORS: Mapping[str, Vendor] = {
    "wecom": Vendor(
        "企业微信", ("qyapi.weixin.qq.com",), "/cgi-bin/webhook/send", _wecom,
        {93000: "地址里的 key 无效，机器人可能已被移出群", 93008: "机器人不在群里了"}, {45009: 60, 45033: 10},
        has_secret=False,
    ),
    "dingtalk": Vendor(
        "钉钉", ("oapi.dingtalk.com",), "/robot/send", _dingtalk,
        {310000: "安全设置不符：加签密钥不对，或关键词、IP没有对上", 300001: "地址里的 access_token 无效",
         400101: "地址里的 access_token 无效", 400102: "机器人已停用", 400105: "机器人不支持这种消息"},
        {130101: 600, 410100: 600, 90030: 600},
    ),
    "feishu": Vendor(
        "飞书", ("open.feishu.cn", "open.larksuite.com"), "/open-apis/bot/v2/hook/", _feishu,
        {19001: "地址无效，机器人可能已被移出群", 19021: "签名校验不过：密钥不对，或服务器时间不准",
         19022: "服务器的IP不在白名单里", 19024: "没有对上关键词，请把“邻聚”设为关键词"},
        {9499: 60, 11232: 60, 11247: 60},
    ),
}  # fmt: skip


def check_webhook(vendor: str, url: str, more_hosts: Sequence[str] = ()) -> None:
    """Whether an address can be a webhook of this vendor. Raises ``Refused`` with what to mend."""
    found = VENDORS[vendor]
    check_address(url, (*found.hosts, *more_hosts))
    parts = urlsplit(url)
    if not parts.path.startswith(found.path) or (parts.path == found.path and not parts.query):
        raise Refused(f"这不是{found.name}群机器人的地址，请从群设置里整条复制")


class RobotChannel:
    """Posts into group chats. A robot keeps no ids: what was posted twice is read twice."""

    repeats = False
    per_minute = PER_MINUTE
    short = True

    def __init__(self, more_hosts: Sequence[str] = ()) -> None:
        """``more_hosts`` may be spoken to besides the vendors' own: gateways of a private deployment."""
        self._more_hosts = tuple(more_hosts)

    def check(self, vendor: str, url: str) -> None:
        """Whether this channel would speak to this address. Raises ``Refused`` with what to mend."""
        check_webhook(vendor, url, self._more_hosts)

    def deliver(self, parcel: Parcel, address: Webhook) -> str:
        """Post the short text of a parcel."""
        self.check(address.vendor, address.url)
        vendor = VENDORS[address.vendor]
        answer = vendor.say(address, HEAD + discreet(parcel.text))
        found = answer.json()
        code = found.get("errcode", found.get("code", found.get("StatusCode")))
        if not isinstance(code, int):
            answer.check()
            raise Trouble(f"{vendor.name}的回应看不懂：{answer.text[:200]}")
        words = str(found.get("errmsg") or found.get("msg") or found.get("StatusMessage") or "")
        if code in vendor.busy:
            raise Busy(f"{vendor.name}说太频繁（{code}）", vendor.busy[code])
        if code != 0:
            raise Trouble(f"{vendor.told.get(code) or '没有发成'}（{vendor.name} {code} {words}）")
        return ""
