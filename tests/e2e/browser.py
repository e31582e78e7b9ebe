"""What every browser journey does: sign in, look for barriers, keep a picture."""

from __future__ import annotations

import os

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.config import ROOT
from core.serve import DEMO_PASSWORD

SHOTS = ROOT / "var" / "shots"


def sign_in(page: Page, phone: str, password: str = DEMO_PASSWORD) -> None:
    """Sign in as the demo account of ``phone`` and wait for the page that it is led to."""
    page.goto("/")
    door = page.url
    page.get_by_label("手机号").fill(phone)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page).not_to_have_url(door)


def check_axe(page: Page) -> None:
    """Fail with axe's report when it finds any barrier on the page as it stands."""
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page as ``var/shots/NAME.png`` when ``LINJU_SHOTS`` is set."""
    if os.environ.get("LINJU_SHOTS"):
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
