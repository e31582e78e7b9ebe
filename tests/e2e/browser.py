"""What every browser journey does: sign in, look for barriers, keep a picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.config import ROOT
from core.serve import DEMO_PASSWORD

OpenPage = Callable[..., Page]
"""``open_page(DEVICE, phone="", **context)``: a page, signed in as the demo account of ``phone``."""
PLACE: dict[str, Any] = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
SHOTS = ROOT / "var" / "shots"
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIDE_PARTS = """() => [...document.querySelectorAll("body *")]
  .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map((part) => `${part.tagName}.${part.className}`).slice(0, 8)"""
SMALL_PARTS = """() => {
  const seen = (part) => part.checkVisibility() && !part.closest(".visually-hidden, [aria-hidden='true'], .skip-link");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const part = walker.currentNode.parentElement, size = parseFloat(getComputedStyle(part).fontSize);
    if (walker.currentNode.data.trim() && size < 24 && seen(part)) found.push(`${size}px: ${part.textContent.trim()}`);
  }
  const targets = ".btn, .input, .select, .textarea, .service, .choice, .pill, .day, .slot, .tab-bar a, .sos, .switch";
  for (const part of document.querySelectorAll(targets)) {
    const height = part.getBoundingClientRect().height;
    if (seen(part) && height > 0 && height < 59.5) found.push(`${height}px high: ${part.textContent.trim()}`);
  }
  return found;
}"""


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
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def check_page(page: Page) -> None:
    """A page has a title, one heading of the first rank, nothing beyond its right edge, and no barrier."""
    expect(page.locator("h1")).to_have_count(1)
    assert page.title().partition(" · ")[0].strip()
    assert page.evaluate(WIDER) <= 0, f"{page.url} is too wide: {page.evaluate(WIDE_PARTS)}"
    check_axe(page)


def check_large(page: Page) -> None:
    """In 长辈版 all that one reads is 24 px or more, and all that one presses 60 px high or more."""
    expect(page.locator("html")).to_have_attribute("data-size", "large")
    assert page.evaluate(SMALL_PARTS) == []


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page as ``var/shots/NAME.png`` when ``LINJU_SHOTS`` is set."""
    if os.environ.get("LINJU_SHOTS"):
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
