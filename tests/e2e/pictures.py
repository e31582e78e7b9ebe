"""Pictures of the README and the handbooks, taken from a running demo: ``python -m tests.e2e.pictures [ADDRESS]``."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from core.config import ROOT
from tests.e2e.browser import DESK, PHONE, PLACE, sign_in
from tests.e2e.conftest import CHROMIUM_FLAGS, CHROMIUM_NAMES

FOLDER = ROOT / "docs" / "img"
RESIDENT, VOLUNTEER, SECRETARY = "19900000001", "19900000011", "19900000021"
COMMUNITY = "19900000041"
PICTURES = (
    ("resident-home", RESIDENT, PHONE, "/", ""),
    ("order", RESIDENT, PHONE, "/orders/mine", 'main a:has-text("已接单")'),
    ("sos", RESIDENT, PHONE, "/sos", ""),
    ("tasks", VOLUNTEER, PHONE, "/tasks", ""),
    ("hours", VOLUNTEER, PHONE, "/hours", ""),
    ("desk", SECRETARY, DESK, "/desk", ".queue a"),
    ("emergency", SECRETARY, DESK, "/emergency?tab=closed", "main tbody a"),
    ("clock", SECRETARY, DESK, "/desk?item=policy_question", ".queue a"),
    ("calendar", COMMUNITY, DESK, "/workdays", ""),
    ("reports", SECRETARY, DESK, "/reports", ""),
    ("reports-people", COMMUNITY, DESK, "/reports/people", ""),
    ("import", SECRETARY, DESK, "/imports", ""),
    ("building", SECRETARY, DESK, "/estates", 'main a[href^="/buildings/"]'),
)


def main() -> None:
    """Take them all."""
    address = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:5000"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        program = next(found for found in map(shutil.which, CHROMIUM_NAMES) if found)
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        for name, phone, size, path, link in PICTURES:
            _take(browser, address, FOLDER / f"{name}.png", (phone, size, path, link))
        browser.close()


def _take(browser: Browser, address: str, target: Path, what: tuple[str, dict[str, Any], str, str]) -> None:
    phone, size, path, link = what
    page: Page = browser.new_page(base_url=address, **PLACE, viewport=size["viewport"])
    sign_in(page, phone)
    page.goto(path)
    if link:
        page.locator(link).first.click()
        page.wait_for_load_state()
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(colors=128).save(target, optimize=True)
    page.close()


if __name__ == "__main__":
    main()
