"""The desk with the keyboard alone, on a phone, and fresh while somebody else places an order."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core.ids import new_id
from tests.e2e.browser import DESK, PHONE, OpenPage, check_page

SECRETARY, RESIDENT = "19900000021", "19900000001"
FINGER = 44
"""So many pixels wide and high is what a finger hits."""


def place(page: Page, text: str) -> None:
    """A resident orders help."""
    page.goto("/services")
    page.get_by_role("link", name="跑腿代办").first.click()
    page.get_by_label("要帮什么忙").fill(text)
    page.get_by_role("button", name="提交点单").click()
    expect(page.locator("main")).to_contain_text(text)


def test_orders_are_dispatched_with_the_keyboard_alone(open_page: OpenPage) -> None:
    text = f"取快递{new_id()[-6:]}"
    place(open_page(PHONE, RESIDENT), text)
    page = open_page(DESK, SECRETARY)
    page.goto("/desk?sort=placed")
    expect(page.locator("a.q__link").first).to_contain_text(text)
    page.keyboard.press("j")
    expect(page.locator("a.q__link").nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("k")
    expect(page.locator(".ticket")).to_contain_text(text)
    page.keyboard.press("Enter")
    strip = page.locator(".undo-strip")
    expect(strip).to_contain_text("跑腿代办已派给")
    expect(page.locator(".queue")).not_to_contain_text(text)
    page.keyboard.press("z")
    expect(page.locator(".flash")).to_contain_text("派单已撤回")
    expect(page.locator("a.q__link").first).to_contain_text(text)
    page.keyboard.press("2")
    expect(page.locator(".undo-strip")).to_contain_text("跑腿代办已派给")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("z")
    expect(page.locator("#q")).to_have_value("z")
    check_page(page)


def test_the_queue_is_fresh_and_what_is_being_typed_stays(open_page: OpenPage) -> None:
    page = open_page(DESK, SECRETARY)
    page.goto("/desk?sort=placed")
    note = page.get_by_label("内部备注")
    note.fill("还没有写完的话")
    text = f"取药{new_id()[-6:]}"
    place(open_page(PHONE, RESIDENT), text)
    expect(page.locator(".queue")).to_contain_text(text, timeout=20_000)
    expect(note).to_have_value("还没有写完的话")


def test_on_a_phone_the_desk_is_a_list_and_an_order(open_page: OpenPage) -> None:
    place(open_page(PHONE, RESIDENT), f"代缴水费{new_id()[-6:]}")
    page = open_page(PHONE, SECRETARY)
    page.goto("/desk")
    expect(page.locator(".ticket")).to_be_hidden()
    page.locator("a.q__link").first.click()
    expect(page.locator(".ticket")).to_be_visible()
    expect(page.locator(".queue")).to_be_hidden()
    check_page(page)
    page.get_by_role("link", name="返回清单").click()
    expect(page.locator(".queue")).to_be_visible()


def test_on_a_phone_everybody_judged_is_a_list_with_its_buttons_in_sight(open_page: OpenPage) -> None:
    page = open_page(PHONE, SECRETARY)
    page.goto("/desk")
    page.goto(page.locator("a.q__link").first.get_attribute("href") or "")
    page.goto(page.locator("a[href$='/candidates']").first.get_attribute("href") or "")
    check_page(page)
    for region in page.locator(".table-wrap").all():
        assert region.evaluate("(part) => part.scrollWidth - part.clientWidth") <= 0
    buttons = page.locator(".candidate__act button").all()
    assert buttons
    for button in buttons:
        box = button.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["viewport"]["width"]
        assert box["height"] >= FINGER and box["width"] >= FINGER
    row = page.locator(".candidates tr", has=page.locator(".candidate__rank")).first
    for part in (row.get_by_role("rowheader"), row.locator(".is-text"), row.get_by_role("button", name="派单")):
        expect(part).to_be_in_viewport()


def test_on_a_phone_a_plan_is_a_list(open_page: OpenPage) -> None:
    page = open_page(PHONE, SECRETARY)
    page.goto("/dispatch/plan")
    page.get_by_role("button", name="生成派单方案").click()
    expect(page.get_by_role("button", name="派出勾选的单")).to_be_in_viewport()
    region = page.get_by_role("region", name="派单预览")
    assert region.evaluate("(part) => part.scrollWidth - part.clientWidth") <= 0
    check_page(page)
