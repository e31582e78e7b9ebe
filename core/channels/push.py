"""Web push (RFC 8030, encrypted by RFC 8291, identified by VAPID, RFC 8292): a note on the screen of a device.

Needs the extra ``push`` of the installation.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import orjson
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from core import clock
from core.channels.http import send
from core.channels.parcels import Gone, Parcel, Refused
from core.channels.subscriptions import Subscription, check_subscription
from core.config import PushSettings

KEPT = timedelta(hours=12)
"""How long the push service keeps a note for a device that is off."""
PROVES = timedelta(hours=1)
GONE = (404, 410)


class PushChannel:
    """Notes to subscribed browsers. A repeated one replaces the first on the screen, by its tag and topic."""

    repeats = True
    per_minute = 0
    short = True

    def __init__(self, settings: PushSettings) -> None:
        self._settings = settings
        self._vapid = Vapid02.from_string(settings.key)

    def deliver(self, parcel: Parcel, address: Subscription) -> str:
        """Send a note. Raises ``Gone`` when the browser has ended its subscription."""
        check_subscription(address, self._settings.hosts)
        note = {"title": "邻聚", "body": parcel.text, "link": parcel.link or "/inbox", "tag": parcel.id}
        keys = {"p256dh": address.p256dh, "auth": address.auth}
        try:
            sealed = WebPusher({"endpoint": address.endpoint, "keys": keys}).encode(orjson.dumps(note))
        except WebPushException as error:
            raise Gone("这台设备的订阅不完整") from error
        answer = send("POST", address.endpoint, sealed["body"], {
            **self._proof(address.endpoint), "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream", "TTL": str(int(KEPT.total_seconds())), "Topic": parcel.id,
            "Urgency": "high" if parcel.urgent else "normal",
        })  # fmt: skip
        if answer.status in GONE:
            raise Gone("这台设备已取消订阅")
        if answer.status == 413:
            raise Refused("推送服务说内容太长")
        answer.check()
        return answer.location.rpartition("/")[2][:100]

    def _proof(self, endpoint: str) -> dict[str, str]:
        """The header that proves who sends."""
        parts = urlsplit(endpoint)
        expires = int((clock.now() + PROVES).timestamp())
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": self._settings.contact, "exp": expires}
        proof: dict[str, str] = self._vapid.sign(claims)
        return proof
