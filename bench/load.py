"""The load: clients in a process of their own, over kept connections, each asking again once it was answered."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any


class Client:
    """One kept HTTP/1.1 connection, just enough of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, method: str, path: str, body: Any = None, headers: str = "") -> tuple[int, bytes]:
        """Ask and wait for the answer: (status, body)."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        raw = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if raw else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(raw)}\r\n{kind}{headers}\r\n"
        writer.write(head.encode() + raw)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        length = answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return status, await reader.readexactly(int(length or b"0"))


async def bare_cycle(ask: Client, n: int, plan: dict[str, Any]) -> None:
    """One life of an order in the bare application."""
    body = {"branch": n % plan["branches"] + 1, "resident": n % plan["residents"] + 1, "title": "请帮忙买菜和药"}
    status, answer = await ask("POST", "/orders", body)
    assert status == 201, status
    order = json.loads(answer)["id"]
    for step, value in (("dispatch", n), ("accept", None), ("check_in", None), ("complete", 45), ("rate", 5)):
        status, _ = await ask("POST", f"/orders/{order}/{step}", {"actor": n, "value": value})
        assert status == 200, (step, status)


async def our_cycle(ask: Client, n: int, plan: dict[str, Any]) -> None:
    """One life of an order through the public API."""
    branch = plan["actors"][n % len(plan["actors"])]
    turn = n // len(plan["actors"])
    volunteer, volunteer_token = branch["volunteers"][turn % len(branch["volunteers"])]
    resident = branch["residents"][turn % len(branch["residents"])]
    key = f"Idempotency-Key: {{}}-{n}\r\n" if plan["keys"] else ""

    async def call(token: str, path: str, body: Any) -> Any:
        name = path.rpartition("/")[2]
        status, answer = await ask(
            "POST", "/api/v1" + path, body, f"Authorization: Bearer {token}\r\n" + key.format(name)
        )
        assert status in (200, 201), (path, status, answer[:300])
        return json.loads(answer)

    order = (await call(resident, "/orders", {"service_item": "elder_shopping", "note": "请帮忙买菜和药"}))["id"]
    await call(branch["secretary"], f"/orders/{order}/dispatch", {"volunteers": [volunteer]})
    await call(volunteer_token, f"/orders/{order}/accept", {})
    await call(volunteer_token, f"/orders/{order}/check_in", {})
    await call(volunteer_token, f"/orders/{order}/complete", {"minutes": 45, "note": "买好送到"})
    await call(resident, f"/orders/{order}/rate", {"stars": 5, "comment": "谢谢"})


async def page(ask: Client, n: int, plan: dict[str, Any]) -> None:
    """One page."""
    path, cookie = plan["pages"][n % len(plan["pages"])]
    status, _ = await ask("GET", path, headers=f"Cookie: {cookie}\r\n" if cookie else "")
    assert status == 200, status


Work = Callable[[Client, int, dict[str, Any]], Awaitable[None]]
WORK: dict[str, Work] = {"bare": bare_cycle, "ours": our_cycle, "page": page}


async def run(plan: dict[str, Any]) -> dict[str, float]:
    """Work for the planned seconds; returns how many were done, in how long."""
    work, clients = WORK[plan["work"]], plan["clients"]
    until = time.perf_counter() + plan["seconds"]
    counts = [0] * clients

    async def one(number: int) -> None:
        ask = Client(plan["port"])
        n = plan["first"] + number
        while time.perf_counter() < until:
            await work(ask, n, plan)
            counts[number] += 1
            n += clients

    began = time.perf_counter()
    await asyncio.gather(*[one(number) for number in range(clients)])
    return {"done": sum(counts), "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
