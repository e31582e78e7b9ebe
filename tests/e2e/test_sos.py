"""One button, one confirmation: with script it counts down and sends by itself, without it waits to be pressed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import DESK, PHONE, OpenPage, check_page

RESIDENT, NEIGHBOUR, WORKER, VOLUNTEER = "19900000001", "19900000002", "19900000031", "19900000011"
CALL = re.compile(r"/emergency/\w+$")


def heading(page: Page, text: str, seconds: float = 10) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(text, timeout=seconds * 1000)


def test_the_countdown_can_be_stopped_and_does_not_begin_again_on_coming_back(open_page: OpenPage) -> None:
    page = open_page(PHONE, RESIDENT)
    page.goto("/")
    page.locator("a.sos").click()
    heading(page, "秒后自动求助")
    expect(page.locator("[data-says]")).to_have_text(re.compile("10秒后自动求助"))
    page.get_by_role("link", name="按错了，取消").click()
    expect(page).to_have_url(re.compile(r"/$"))
    page.go_back()
    heading(page, "要马上求助吗")
    page.wait_for_timeout(1500)
    heading(page, "要马上求助吗")


def test_it_sends_by_itself_and_the_answer_is_seen_at_once(open_page: OpenPage) -> None:
    caller, worker, helper = open_page(PHONE, NEIGHBOUR), open_page(PHONE, WORKER), open_page(PHONE, VOLUNTEER)
    caller.goto("/")
    caller.locator("a.sos").click()
    caller.wait_for_url(CALL, timeout=20_000)
    heading(caller, "求助已发出")
    check_page(caller)
    for number in ("120", "110", "119"):
        expect(caller.locator(f"a[href='tel:{number}']")).to_be_visible()
    worker.goto("/desk")
    worker.locator(".strip a").first.click()
    check_page(worker)
    worker.get_by_role("button", name="我看到了").click()
    heading(caller, "已看到，正在赶来")
    helper.goto(worker.url)
    helper.get_by_role("button", name="我在路上").click()
    expect(caller.locator("[data-live]")).to_contain_text("在路上了", timeout=10_000)
    helper.get_by_role("button", name=re.compile("打电话.给")).first.click()
    expect(helper.locator("main a.btn--leaf")).to_have_attribute("href", re.compile(r"tel:1\d{10}"))
    check_page(helper)
    worker.get_by_role("button", name="我到了").click()
    worker.get_by_label("怎么处理的").fill("头晕，量了血压，女儿已到")
    worker.get_by_role("button", name="已处理完").click()
    heading(caller, "这次求助已处理")
    expect(caller.locator("main")).to_contain_text("女儿已到")
    check_page(caller)


@pytest.mark.parametrize("device", [PHONE, DESK], ids=["phone", "desk"])
def test_without_script_everything_is_there(open_page: OpenPage, device: dict[str, object]) -> None:
    caller = open_page(PHONE, RESIDENT, java_script_enabled=False)
    worker = open_page(device, WORKER, java_script_enabled=False)
    caller.goto("/sos")
    heading(caller, "要马上求助吗")
    caller.get_by_role("button", name="马上求助").click()
    heading(caller, "求助已发出")
    worker.goto(caller.url)
    worker.get_by_role("button", name="我在路上").click()
    caller.get_by_role("link", name="刷新").click()
    heading(caller, "在路上了")
    caller.get_by_role("button", name="我没事了").click()
    heading(caller, "没事就好")
    expect(caller.locator("main")).to_contain_text("按错了不要紧")
