"""Becoming a volunteer: in four steps on the phone, approved at the desk, then into a team, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import DESK, PHONE, OpenPage, check_page

SECRETARY = "19900000021"
APPLICANT, WAITING = "19900000001", "19900000002"


def withdraw(page: Page) -> None:
    """Begin anew: take back what waits."""
    page.goto("/volunteer/apply")
    button = page.get_by_role("button", name="撤回申请")
    if button.count():
        button.click()
        page.goto("/volunteer/apply")


def tick(label: Locator) -> None:
    """Tick a box that is not ticked yet: an earlier application comes back filled in."""
    if not label.locator("input").is_checked():
        label.click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_from_the_first_step_to_the_team(open_page: OpenPage, script: bool) -> None:
    phone = open_page(PHONE, APPLICANT if script else WAITING, java_script_enabled=script)
    desk = open_page(DESK, SECRETARY, java_script_enabled=script)
    withdraw(phone)
    expect(phone.get_by_role("heading", name="资料")).to_be_visible()
    phone.get_by_role("button", name="下一步").click()
    expect(phone.get_by_role("heading", name="会做什么")).to_be_visible()
    for what in ("园艺", "环境保护"):
        tick(phone.locator("label", has_text=what))
    phone.get_by_role("button", name="下一步").click()
    expect(phone.get_by_role("heading", name="什么时候有空")).to_be_visible()
    _choose_sunday(phone, script)
    if script:
        check_page(phone)
    phone.get_by_label("每周最多接几单").fill("2")
    phone.get_by_role("button", name="上一步").click()
    expect(phone.locator("label", has_text="园艺").locator("input")).to_be_checked()
    phone.get_by_role("button", name="下一步").click()
    expect(phone.get_by_label("每周最多接几单")).to_have_value("2")
    phone.get_by_role("button", name="下一步").click()
    phone.get_by_role("button", name="提交申请").click()
    expect(phone.get_by_role("alert")).to_contain_text("还没有勾")
    phone.locator("label", has_text="我看过告知").click()
    phone.locator("label", has_text="身份证号等敏感信息").click()
    if script:
        check_page(phone)
    phone.get_by_role("button", name="提交申请").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("等审核")
    _approve_newest(desk)
    phone.goto("/teams/mine")
    phone.get_by_role("link", name=re.compile("巾帼支队")).click()
    phone.get_by_label("想说的话").fill("周日都有空")
    phone.get_by_role("button", name="申请加入").click()
    expect(phone.locator("main")).to_contain_text("等队长答复")
    desk.goto("/teams")
    desk.get_by_role("link", name="榕树花园巾帼支队").click()
    expect(desk.locator("main")).to_contain_text("周日都有空")
    desk.get_by_role("button", name=re.compile("同意入队")).first.click()
    phone.reload()
    expect(phone.locator("main")).to_contain_text("您是这支队伍的队员")


def _choose_sunday(page: Page, script: bool) -> None:
    """All of Sunday: by its name where script runs, else part by part."""
    sunday = page.get_by_role("group", name="周日")
    if script:
        sunday.get_by_role("button", name="周日").click()
    else:
        for part in ("上午", "中午", "下午", "晚上"):
            tick(sunday.locator("label", has_text=part))
    for box in sunday.locator("input[type=checkbox]").all():
        expect(box).to_be_checked()


def _approve_newest(desk: Page) -> None:
    desk.goto("/volunteers/applications")
    desk.locator("main th a").last.click()
    desk.get_by_role("button", name="批准，登记为志愿者").click()
    expect(desk.locator("main")).to_contain_text("园艺")
    expect(desk.get_by_text(re.compile("已登记为志愿者，编号V"))).to_be_visible()
