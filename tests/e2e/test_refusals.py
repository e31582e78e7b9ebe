"""What is refused, and how: nothing leaks, nothing is done twice, every closed door has a way back."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from core.ids import new_id
from tests.e2e.browser import DESK, PHONE, OpenPage, check_page, sign_in

RESIDENT, SECRETARY, OUTSIDER = "19900000002", "19900000021", "19900000023"


def _answer(page: Page, address: str) -> int:
    answer = page.goto(address)
    assert answer is not None
    return answer.status


def _addresses(page: Page) -> list[str]:
    """An estate, a building, a household, somebody and an order, as the secretary of that estate sees them."""
    found = []
    page.goto("/estates")
    found.append(page.url)
    for link in ("main a[href^='/buildings/']", "a.cell:not(.cell--vacant)", "main a[href^='/households/']"):
        page.goto(page.locator(link).first.get_attribute("href") or "")
        found.append(page.url)
    found.append(page.locator("main a[href^='/people/']:not([href*='new'])").first.get_attribute("href") or "")
    page.goto("/desk")
    named = re.search(r"order=(\w+)", page.locator("a.q__link").first.get_attribute("href") or "")
    assert named
    return [*found, f"/orders/{named[1]}", f"/desk?order={named[1]}"]


def test_another_estate_does_not_exist_for_an_outsider(open_page: OpenPage) -> None:
    inside, outside = open_page(DESK, SECRETARY), open_page(DESK, OUTSIDER)
    addresses = _addresses(inside)
    assert len(addresses) == 7
    for address in addresses:
        assert _answer(inside, address) == 200, address
        assert _answer(outside, address) == 404, address
        expect(outside.get_by_role("heading", level=1)).to_have_text("没有找到这一页")
        expect(outside.locator("main")).not_to_contain_text("榕树花园")
    check_page(outside)


def test_a_resident_has_no_desk_but_a_way_back(open_page: OpenPage) -> None:
    page = open_page(PHONE, RESIDENT)
    assert _answer(page, "/desk") == 403
    check_page(page)
    page.get_by_role("link", name="回到首页").click()
    expect(page.get_by_role("heading", name="我要点单")).to_be_visible()


def test_a_stale_page_shows_what_changed(open_page: OpenPage) -> None:
    first, second = open_page(DESK, SECRETARY), open_page(DESK, SECRETARY)
    first.goto("/desk")
    address = first.locator("a.q__link").last.get_attribute("href") or ""
    for page in (first, second):
        page.goto(address)
    first.get_by_role("button", name="公开抢单").click()
    expect(first.locator(".flash")).to_contain_text("已派单")
    second.get_by_text("退单", exact=True).click()
    second.get_by_role("textbox", name="原因", exact=True).fill("写得不够清楚")
    with second.expect_navigation() as waiting:
        second.get_by_role("button", name="退给居民补充").click()
    assert waiting.value is not None and waiting.value.status == 409
    expect(second.get_by_role("alert")).to_contain_text("这一单刚才有变化")
    expect(second.get_by_role("alert")).to_contain_text("公开抢单")
    check_page(second)


def _fill_order(page: Page, note: str) -> None:
    page.goto("/orders/new?item=errands")
    page.get_by_label("要帮什么忙").fill(note)


def test_two_presses_make_one_order(open_page: OpenPage) -> None:
    page, note = open_page(PHONE, RESIDENT), f"去物业交水费，户号{new_id()[-5:]}"
    _fill_order(page, note)
    page.get_by_role("button", name="提交点单").dblclick()
    expect(page.locator("main")).to_contain_text("单号")
    assert _count_orders(page, note) == 1


def test_the_same_form_sent_twice_makes_one_order(open_page: OpenPage) -> None:
    page, note = open_page(PHONE, RESIDENT, java_script_enabled=False), f"去物业拿门禁卡，卡号{new_id()[-5:]}"
    _fill_order(page, note)
    fields = page.evaluate("Object.fromEntries(new FormData(document.getElementById('order')))")
    answers = [page.request.post("/orders/new", form=fields) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].url == answers[1].url
    assert _count_orders(page, note) == 1


def _count_orders(page: Page, note: str) -> int:
    page.goto("/orders/mine?group=open")
    found = [link.get_attribute("href") or "" for link in page.locator("main ul.rows a").all()]
    return sum(_says(page, address, note) for address in found)


def _says(page: Page, address: str, note: str) -> bool:
    page.goto(address)
    return note in page.locator("main").inner_text()


def test_a_sign_in_that_ended_leads_to_the_door_and_says_so(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    sign_in(page, RESIDENT)
    state = page.context.storage_state()
    _fill_order(page, "这一次没有提交")
    other = open_page(PHONE, storage_state=state)
    other.goto("/me")
    other.get_by_role("button", name="退出登录").click()
    expect(other).to_have_url(re.compile("/sign-in"))
    page.get_by_role("button", name="提交点单").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.get_by_role("alert").or_(page.get_by_role("status"))).to_contain_text("登录已过期")
    check_page(page)


def test_a_page_opened_after_the_sign_in_ended_says_so(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    sign_in(page, RESIDENT)
    other = open_page(PHONE, storage_state=page.context.storage_state())
    other.goto("/me")
    other.get_by_role("button", name="退出登录").click()
    expect(other).to_have_url(re.compile("/sign-in"))
    page.goto("/orders/mine")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))
    expect(page.get_by_role("status")).to_contain_text("登录已过期")
