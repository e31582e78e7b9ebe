"""One request: what cannot have arrived is told apart from what may have."""

from __future__ import annotations

import socket
import threading

import pytest

from core.channels import http
from core.channels.http import check_address, send, send_json
from core.channels.parcels import Busy, Refused, Trouble, Unsure, discreet
from tests.gateways import Asked, FakeGateway, FakeSms, Reply, running

HOSTS = ("oapi.dingtalk.com", ".push.apple.com", "127.0.0.1:9000")


class Answering(FakeGateway):
    """Answers with the status that the path names."""

    def answer(self, asked: Asked) -> Reply:
        return int(asked.path.strip("/")), {"path": asked.path}, {"Retry-After": "7", "Location": "/elsewhere"}


def test_an_answer_is_read() -> None:
    with running(FakeGateway()) as gateway:
        answer = send_json(gateway.url + "/a/b?c=d", {"text": "您好"}, {"X-Token": "t"})
        assert answer.is_success and answer.json() == {"ok": True}
        [asked] = gateway.asked
    assert (asked.method, asked.path, asked.query, asked.json()) == ("POST", "/a/b", {"c": "d"}, {"text": "您好"})
    assert asked.headers["X-Token"] == "t" and "json" in asked.headers["Content-Type"]


@pytest.mark.parametrize(
    ("status", "trouble"), [(500, Trouble), (404, Trouble), (504, Unsure), (408, Unsure), (429, Busy), (302, Trouble)]
)
def test_statuses_mean_what_they_mean_and_nobody_is_followed(status: int, trouble: type[Exception]) -> None:
    with running(Answering()) as gateway:
        answer = send("GET", f"{gateway.url}/{status}", None, {})
        with pytest.raises(Trouble) as caught:
            answer.check()
        assert type(caught.value) is trouble
        assert len(gateway.asked) == 1
    if isinstance(caught.value, Busy):
        assert caught.value.seconds == 7


def test_a_shut_door_cannot_have_been_passed() -> None:
    gateway = FakeGateway()
    gateway.down()
    with pytest.raises(Trouble, match="连不上") as caught:
        send("GET", gateway.url, None, {})
    assert not isinstance(caught.value, Unsure)
    with pytest.raises(Trouble, match="连不上"):
        send("GET", "http://nowhere.invalid/", None, {})


def test_silence_leaves_one_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_SECONDS", 0.2)
    with running(FakeSms()) as gateway:
        gateway.mood = "torn"
        wish = {"mobile": "1", "content": "2", "requestId": "3"}
        headers = {"Authorization": "Bearer sms-secret"}
        with pytest.raises(Unsure):
            send_json(gateway.url, wish, headers)
        gateway.mood = "silent"
        with pytest.raises(Unsure):
            send_json(gateway.url, wish, headers)


def test_an_endless_answer_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            other, _ = server.accept()
            with other:
                other.recv(1000)
                other.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (http.MOST_BYTES * 2))

        thread = threading.Thread(target=talk)
        thread.start()
        answer = send("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", None, {})
        assert len(answer.text) == http.MOST_BYTES and answer.json() == {}
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["https://oapi.dingtalk.com/robot/send?access_token=x", "https://oapi.dingtalk.com:443/x",
     "https://api.push.apple.com/x", "http://127.0.0.1:9000/x"],
)  # fmt: skip
def test_addresses_of_the_named_hosts_will_do(url: str) -> None:
    check_address(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    ["http://oapi.dingtalk.com/x", "https://oapi.dingtalk.com:8443/x", "https://oapi.dingtalk.com.evil.example/x",
     "https://evil.example/?oapi.dingtalk.com", "https://oapi.dingtalk.com@evil.example/", "https://push.apple.com/x",
     "https://xpush.apple.com/", "http://127.0.0.1/x", "http://127.0.0.1:22/x", "http://169.254.169.254/latest",
     "file:///etc/passwd", "gopher://oapi.dingtalk.com/x", "//oapi.dingtalk.com/x", "oapi.dingtalk.com", "",
     "https://u:p@oapi.dingtalk.com/x", "https://oapi.dingtalk.com/a b", "https://oapi.dingtalk.com:x/",
     "https://oapi.dingtalk.com/\r\nX: y", "https://[::1/x"],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_address(url, HOSTS)


def test_what_is_kept_of_an_answer_is_discreet() -> None:
    told = discreet("550 <shen@example.com> 13800000055 in\nhttps://x.example/?key=secret 11010519491231002X")
    assert told == "550 <…> … in … …"
