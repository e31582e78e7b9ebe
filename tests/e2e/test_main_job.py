"""The main job from beginning to end: a roll comes in, help is ordered, dispatched, given, rated, counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, expect

from core.ids import new_id
from tests.e2e.browser import DESK, PHONE, OpenPage, check_page

SECRETARY = "19900000021"
HELPERS = ("19900000014", "19900000016", "19900000015", "19900000011")
MINUTES = 15


def made_up_roll(path: Path) -> Path:
    """Somebody new in a household of the estate, and a row that cannot be read."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["楼栋", "单元", "房号", "与户主关系", "姓名", "性别", "身份证号", "联系电话", "备注"])
    sheet.append(["3栋", "2单元", "501", "租客", "试点甲", "女", "", "19911110001", ""])
    sheet.append(["3栋", "2单元", "502", "租客", "", "女", "", "19911110002", "没有写姓名"])
    book.save(path)
    return path


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_roll_comes_in_and_what_was_refused_goes_back(
    open_page: OpenPage, device: dict[str, object], tmp_path: Path
) -> None:
    page = open_page(device, SECRETARY)
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(made_up_roll(tmp_path / "新来的住户.xlsx"))
    page.get_by_role("button", name="读这份名册").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("还没有写进去")
    expect(page.get_by_role("heading", name="未导入的行")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="导入这份名册").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("名册已导入榕树花园")
    check_page(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载未导入的行").click()
    waiting.value.save_as(tmp_path / "refused.xlsx")
    sheet = load_workbook(tmp_path / "refused.xlsx").worksheets[0]
    assert any("19911110002" in str(cell) for row in sheet.iter_rows(values_only=True) for cell in row)
    page.goto("/people?q=试点甲")
    expect(page.locator("main")).to_contain_text("3栋2单元501")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_help_is_ordered_dispatched_given_and_counted(open_page: OpenPage, script: bool) -> None:
    resident = open_page(PHONE, "19900000001" if script else "19900000002", java_script_enabled=script)
    desk = open_page(DESK, SECRETARY, java_script_enabled=script)
    helpers = [open_page(PHONE, phone, java_script_enabled=script) for phone in HELPERS]
    note = f"买一袋米和两把青菜，到了按门铃，单子第{new_id()[-5:]}号"
    code = _order(resident, note, script)
    _dispatch(desk, [_name(helper) for helper in helpers], code)
    volunteer = _accept(helpers, resident, note)
    _serve(volunteer, resident)
    _rate(resident)
    if script:
        _correct(desk, _name(volunteer))
        _verify(desk)


def _name(helper: Page) -> str:
    helper.goto("/tasks")
    return helper.get_by_role("heading", level=1).inner_text().strip()


def _order(page: Page, note: str, script: bool) -> str:
    """Order help, at first with a mistake; the order's number."""
    page.goto("/")
    page.locator("a.service", has_text="助老购物").click()
    page.get_by_label("要帮什么忙").fill(note)
    page.get_by_label("耳背，敲门大声些").check()
    page.get_by_label("14:00–16:00").check()
    page.get_by_role("button", name="提交点单").click()
    summary = page.locator(".error-summary")
    expect(summary).to_contain_text("请先选哪天")
    if script:
        expect(summary).to_be_focused()
        check_page(page)
    expect(page.get_by_label("要帮什么忙")).to_have_value(note)
    expect(page.get_by_label("耳背，敲门大声些")).to_be_checked()
    page.locator(".day input").nth(1).check()
    page.get_by_role("button", name="提交点单").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text(note)
    found = re.search(r"\d{6}-\d{6}", page.locator("main").inner_text())
    assert found
    return found[0]


def _dispatch(desk: Page, names: list[str], code: str) -> None:
    """Find the order in the queue and dispatch it: to those who have accounts, else to all who qualify."""
    desk.goto("/desk")
    desk.get_by_label("单号或门牌").fill(code)
    desk.get_by_role("button", name="筛选").click()
    expect(desk.locator("a.q__link")).to_have_count(1)
    expect(desk.locator(".ticket")).to_contain_text(code)
    known = [pill for name in names for pill in desk.locator("label.pill", has_text=name).all()]
    if known:
        desk.get_by_text("一次派给几个人").click()
        for pill in known:
            pill.locator("input").check()
        desk.get_by_role("button", name="派给选中的人").click()
    else:
        desk.get_by_role("button", name="公开抢单").click()
    expect(desk.locator(".flash")).to_contain_text("已派单")


def _accept(helpers: list[Page], resident: Page, note: str) -> Page:
    """The first who is asked accepts."""
    offers = []
    for helper in helpers:
        helper.goto("/tasks")
        if helper.locator("article.offer", has_text=note).count():
            offers.append(helper)
    assert offers, "nobody with an account was asked"
    volunteer = offers[0]
    name = volunteer.get_by_role("heading", level=1).inner_text().strip()
    volunteer.locator("article.offer", has_text=note).get_by_role("button", name="接单").click()
    expect(volunteer.locator(".flash")).to_contain_text("接单成功")
    resident.reload()
    expect(resident.locator(".passcode__code")).to_contain_text(re.compile(r"\d{4}"))
    expect(resident.locator(".person__name")).to_contain_text(name)
    expect(resident.locator(".steps [aria-current=step]")).to_contain_text("已接单")
    return volunteer


def _serve(volunteer: Page, resident: Page) -> None:
    """Come with the code that the resident sees, check in, and complete."""
    code = resident.locator(".passcode__code [aria-hidden]").inner_text()
    volunteer.goto(resident.url)
    expect(volunteer.locator("main")).to_contain_text(f"服务码 {code}")
    volunteer.get_by_role("button", name="到达签到").click()
    expect(volunteer.locator(".flash")).to_contain_text("已签到")
    volunteer.get_by_label("实际服务多少分钟").fill(str(MINUTES))
    volunteer.get_by_label("给居民留句话").fill("米放在厨房门边了")
    volunteer.get_by_role("button", name="完成，记入时长").click()
    expect(volunteer.locator(".flash")).to_contain_text("时长已记入")
    volunteer.goto("/hours")
    newest = volunteer.locator("section[aria-labelledby='h-entries'] ul.rows li").first
    expect(newest).to_contain_text("助老购物")
    expect(newest).to_contain_text(f"{MINUTES}分钟")


def _rate(resident: Page) -> None:
    resident.reload()
    expect(resident.locator("main")).to_contain_text("米放在厨房门边了")
    resident.locator(".rating__star input").nth(4).check()
    resident.get_by_label("有耐心").check()
    resident.get_by_role("button", name="提交评价").click()
    expect(resident.locator(".flash")).to_contain_text("谢谢您的评价")
    expect(resident.locator("main")).to_contain_text("5星")


def _correct(desk: Page, name: str) -> None:
    """The hours as the branch sees them: found by the volunteer's name, corrected by a reversal."""
    desk.goto(f"/volunteers?q={name}")
    desk.locator("main th a", has_text=name).first.click()
    desk.get_by_role("link", name="时长明细").click()
    first = desk.locator("li", has_text=f"{MINUTES}分钟").filter(has=desk.locator("details.correct")).first
    first.locator("summary").click()
    first.get_by_label("实际多少分钟").fill("25")
    first.get_by_label("为什么更正").fill("漏记了十分钟")
    first.get_by_role("button", name="更正这一条").click()
    expect(desk.locator(".flash")).to_contain_text("已更正")
    for text in ("冲销", "更正后", "25分钟", "漏记了十分钟"):
        expect(desk.locator("main")).to_contain_text(text)
    check_page(desk)


def _verify(desk: Page) -> None:
    desk.goto("/audit")
    desk.get_by_role("link", name="核验").click()
    expect(desk.locator("main")).to_contain_text("全部相符")
    expect(desk.get_by_role("cell", name=re.compile("^时长")).first).to_be_visible()
