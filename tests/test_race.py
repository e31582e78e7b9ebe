"""Twenty volunteers want one place at the same moment, over HTTP, at a server of two processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson

from core import audit
from core.config import ROOT
from core.database import begin_write, db
from services.orders import queries
from tests.conftest import SECRET, close, make_app, settings_for
from tests.factories import Someone, World, town, volunteer

CROWD = 20
START_SECONDS = 60


@contextmanager
def server(database_url: str, var_dir: Path) -> Iterator[int]:
    """The product served by two processes of four threads, as it is in production; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environ = os.environ | {
        "LINJU_ENV": "demo", "LINJU_SECRET_KEY": SECRET, "LINJU_SEAL_KEY": SECRET, "LINJU_VAR_DIR": str(var_dir),
        "LINJU_DATABASE_URL": database_url,
    }  # fmt: skip
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--log-level", "warning",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--workers-kill-timeout", "5",
        "--blocking-threads", "4", "app:create_app",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready(port):
            assert process.poll() is None, "the server ended by itself"
            assert time.monotonic() < deadline, "the server did not become ready"
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection, suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def post(port: int, who: Someone, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {who.token}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", f"/api/v1{path}", orjson.dumps(body or {}), headers)
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())


def at_once(port: int, crowd: list[Someone], path: str, body: Any = None) -> list[tuple[int, Any]]:
    """Everyone posts at the same moment; what each was answered."""
    start, answers = threading.Barrier(len(crowd)), []

    def one(who: Someone) -> None:
        start.wait()
        answers.append(post(port, who, path, body))

    threads = [threading.Thread(target=one, args=(who,)) for who in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def settle(database_url: str, folder: Path) -> tuple[World, list[Someone]]:
    """The town with a crowd of volunteers."""
    app = make_app(settings_for(database_url, folder))
    try:
        with app.app_context():
            world = town()
            begin_write()
            crowd = [volunteer(f"义工{n}", world.estates["banyan"], skills=("shopping",)) for n in range(CROWD)]
            db.session.commit()
            return world, crowd
    finally:
        close(app)


def test_as_many_accept_as_there_are_places_and_no_more(database_url: str, tmp_path: Path) -> None:
    world, crowd = settle(database_url, tmp_path)
    orders = {}
    with server(database_url, tmp_path) as port:
        for places in (1, 3):
            wish = {"service_item": "elder_shopping", "volunteers_needed": places}
            status, order = post(port, world["resident"], "/orders", wish)
            assert status == 201, order
            path, orders[order["id"]] = f"/orders/{order['id']}", places
            everyone = [who.id for who in crowd]
            assert post(port, world["secretary"], f"{path}/dispatch", {"volunteers": everyone})[0] == 200
            answers = at_once(port, crowd, f"{path}/accept")
            assert sorted(status for status, _ in answers) == [200] * places + [409] * (CROWD - places)
            assert {body["type"] for status, body in answers if status == 409} == {"already-taken"}
        # The same crowd places orders, so that one chain of the trail takes the writes of both processes at once.
        placed = at_once(port, crowd, "/orders", {"service_item": "errands"})
        assert {status for status, _ in placed} == {201}
        assert len({order["code"] for _, order in placed}) == CROWD
    app = make_app(settings_for(database_url, tmp_path))
    try:
        with app.app_context():
            assert list(audit.verify()) == []
            for order_id, places in orders.items():
                order = queries.get_order(world["secretary"].viewer(), order_id)
                assert (order.state, order.accepted_count, len(order.assigned())) == ("accepted", places, places)
    finally:
        close(app)
