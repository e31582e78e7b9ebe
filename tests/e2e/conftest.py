"""A real server with the demo estate and a real Chromium, for the browser journeys."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from core.config import ROOT
from tests.e2e.browser import shot

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PLACE: dict[str, Any] = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
READY_SECONDS = 120


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the product with the demo estate, as ``make demo`` serves it, on data of its own."""
    folder = tmp_path_factory.mktemp("server")
    port = _free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith("LINJU_")}
    environ = outside | {"LINJU_ENV": "demo", "LINJU_VAR_DIR": str(folder / "var"), "PORT": str(port)}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.serve"], cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, the one that the system has installed."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.exit("Chromium is missing. Install it first: sudo apt-get install chromium fonts-noto-cjk", returncode=1)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page_phone(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a phone, 390 × 844 with touch, in a browser profile of its own."""
    yield from _page(browser, server, f"{request.node.name}-phone", PHONE)


@pytest.fixture
def page_desk(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a desk, 1440 × 900, in a browser profile of its own."""
    yield from _page(browser, server, f"{request.node.name}-desk", DESK)


def _page(browser: Browser, server: str, name: str, device: dict[str, Any]) -> Iterator[Page]:
    """A page; after the test it must have raised no script error and broken no rule of the page's policy."""
    context = browser.new_context(base_url=server, **PLACE, **device)
    context.set_default_timeout(10_000)
    page = context.new_page()
    faults: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            faults.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    shot(page, name)
    context.close()
    assert not faults


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise RuntimeError(f"the server did not become ready:\n{log.read_text('utf-8')[-4000:]}")
