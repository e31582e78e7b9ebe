"""A real server with the demo estate and a real Chromium, for the browser journeys."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from core.config import ROOT
from tests.e2e.browser import DESK, PHONE, PLACE, OpenPage, shot, sign_in

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
READY_SECONDS = 120


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the product with the demo estate, as ``make demo`` serves it, on data of its own.

    ``LINJU_E2E_SERVER`` names one that already runs instead; the journeys leave their orders in it.
    """
    if running := os.environ.get("LINJU_E2E_SERVER"):
        yield running
        return
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


@pytest.fixture(scope="session")
def state_of(browser: Browser, server: str) -> Callable[[str], Any]:
    """The signed-in browser profile of a demo account, by its phone: signed in once, kept for the whole run."""
    kept: dict[str, Any] = {}

    def state(phone: str) -> Any:
        if phone not in kept:
            context = browser.new_context(base_url=server, **PLACE)
            sign_in(context.new_page(), phone)
            kept[phone] = context.storage_state()
            context.close()
        return kept[phone]

    return state


@pytest.fixture
def open_page(
    browser: Browser, server: str, state_of: Callable[[str], Any], request: pytest.FixtureRequest
) -> Iterator[OpenPage]:
    """Opens pages: ``open_page(DEVICE, phone="", **context)``, signed in when a phone is given, each in a profile of
    its own. After the test none may have raised a script error, broken the policy or missed a file."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # That the page itself answers 4xx is what some journeys are about.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            faults.append(message.text)

    def open_one(device: dict[str, Any], phone: str = "", **more: Any) -> Page:
        state = {"storage_state": state_of(phone)} if phone else {}
        context = browser.new_context(base_url=server, **PLACE, **device, **state, **more)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("response", lambda r: faults.append(f"{r.status} {r.url}") if _is_broken(r) else None)
        return page

    yield open_one
    for number, context in enumerate(contexts):
        shot(context.pages[0], f"{request.node.name}-{number}")
        context.close()
    assert not faults


def _is_broken(response: Response) -> bool:
    return response.status >= 500 or (response.status >= 400 and response.request.resource_type != "document")


@pytest.fixture
def page_phone(open_page: OpenPage) -> Page:
    """A page on a phone, 390 × 844 with touch, nobody signed in."""
    return open_page(PHONE)


@pytest.fixture
def page_desk(open_page: OpenPage) -> Page:
    """A page on a desk, 1440 × 900, nobody signed in."""
    return open_page(DESK)


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
