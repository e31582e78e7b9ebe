"""Gateways on this machine that answer as the real ones do: they check signatures, count, refuse, hang, and go down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core import clock


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


Reply = tuple[int, Any, dict[str, str]]


class FakeGateway:
    """An HTTP server that may be down, at the same address before and after."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.hangs = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.up()

    def answer(self, asked: Asked) -> Reply:
        """Status, body and headers for a request."""
        return 200, {"ok": True}, {}

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def host(self) -> str:
        """Its name with the port."""
        return f"127.0.0.1:{self._port}"

    def up(self) -> None:
        """Open."""
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_args: Any) -> None:
                pass

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                asked = Asked(self.command, parts.path, query, dict(self.headers), body)
                gateway.asked.append(asked)
                status, told, headers = gateway.answer(asked)
                if status == 0:  # it took it, and the line breaks before the answer
                    return
                text = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                # Whoever gave up waiting is gone. The trace that the server would print of it parses the source,
                # which some releases of CPython 3.11 cannot do in two threads at once.
                with suppress(ConnectionError):
                    self.end_headers()
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        """Shut: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class FakeSms(FakeGateway):
    """A gateway for text messages: sends each id once, says so in its answer, and has its days."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[str, str]] = {}
        self.mood = "well"
        super().__init__()

    def answer(self, asked: Asked) -> Reply:
        """In the mood it is in."""
        wish = asked.json()
        if self.mood == "balance":
            return 200, {"code": 1002, "msg": f"余额不足 {wish['mobile']}"}, {}
        if self.mood == "broken":
            return 500, b"<html>500</html>", {}
        if self.mood == "full":
            return 429, {"code": 429}, {"Retry-After": "90"}
        if asked.headers.get("Authorization") != "Bearer sms-secret":
            return 401, {"code": 401, "msg": "unauthorized"}, {}
        self.sent.setdefault(wish["requestId"], (wish["mobile"], wish["content"]))
        if self.mood == "silent":
            time.sleep(1)
        if self.mood == "torn":
            return 0, {}, {}
        return 200, {"code": 0, "data": {"sid": "S" + wish["requestId"]}}, {}


class FakeWecom(FakeGateway):
    """Robots of WeCom. Twenty posts a minute."""

    KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.minute: list[float] = []
        super().__init__()

    @property
    def webhook(self) -> str:
        """The address of its one robot."""
        return f"{self.url}/cgi-bin/webhook/send?key={self.KEY}"

    def answer(self, asked: Asked) -> Reply:
        """As documented."""
        if asked.path != "/cgi-bin/webhook/send" or asked.query.get("key") != self.KEY:
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1]"}, {}
        now = clock.now().timestamp()
        self.minute = [moment for moment in self.minute if moment > now - 60]
        if len(self.minute) >= 20:
            return 200, {"errcode": 45009, "errmsg": "api freq out of limit"}, {}
        self.minute.append(now)
        wish = asked.json()
        assert wish["msgtype"] == "text"
        self.said.append(wish["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}, {}


def signed(key: str, text: str) -> str:
    """HMAC-SHA256, base64."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


class FakeDingtalk(FakeGateway):
    """Robots of DingTalk, with 加签."""

    TOKEN, SECRET = "dd0123456789abcdef", "SEC-of-the-dingtalk-robot"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.is_busy = False
        super().__init__()

    @property
    def webhook(self) -> str:
        """The address of its one robot."""
        return f"{self.url}/robot/send?access_token={self.TOKEN}"

    def answer(self, asked: Asked) -> Reply:
        """As documented."""
        if asked.query.get("access_token") != self.TOKEN:
            return 200, {"errcode": 300001, "errmsg": "token is not exist"}, {}
        moment = asked.query.get("timestamp", "0")
        late = abs(int(moment) / 1000 - clock.now().timestamp()) > 3600
        if late or asked.query.get("sign") != signed(self.SECRET, f"{moment}\n{self.SECRET}"):
            return 200, {"errcode": 310000, "errmsg": "sign not match, more: [https://ding-doc.dingtalk.com]"}, {}
        if self.is_busy:
            return 200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, {}
        self.said.append(asked.json()["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}, {}


class FakeFeishu(FakeGateway):
    """Robots of Feishu, with 签名校验."""

    TOKEN, SECRET = "f0b1c2d3-hook", "feishu-secret"

    def __init__(self) -> None:
        self.said: list[str] = []
        super().__init__()

    @property
    def webhook(self) -> str:
        """The address of its one robot."""
        return f"{self.url}/open-apis/bot/v2/hook/{self.TOKEN}"

    def answer(self, asked: Asked) -> Reply:
        """As documented."""
        if not asked.path.endswith("/" + self.TOKEN):
            return 400, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}, {}
        wish = asked.json()
        moment = str(wish.get("timestamp", "0"))
        late = abs(int(moment) - clock.now().timestamp()) > 3600
        if late or wish.get("sign") != signed(f"{moment}\n{self.SECRET}", ""):
            return 200, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}, {}
        assert wish["msg_type"] == "text"
        self.said.append(wish["content"]["text"])
        return 200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}, {}


class FakePush(FakeGateway):
    """A push service of browsers."""

    def __init__(self) -> None:
        self.status = 201
        super().__init__()

    def answer(self, asked: Asked) -> Reply:
        """201 with the address of the note, or what it was told to say."""
        if self.status != 201:
            return self.status, b"", {"Retry-After": "120"} if self.status == 429 else {}
        return 201, b"", {"Location": f"{self.url}/m/note-{len(self.asked)}"}


@contextmanager
def running(gateway: FakeGateway) -> Iterator[Any]:
    """A gateway for as long as the block lasts."""
    try:
        yield gateway
    finally:
        gateway.down()
