"""Every demo account gets in at a phone and at a desk, and finds no barrier on the way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import check_page, shot, sign_in

PHONE_PEOPLE = ("19900000001", "19900000002", "19900000011", "19900000016")
DESK_PEOPLE = ("19900000021", "19900000022", "19900000023", "19900000031", "19900000041", "19900000051", "19900000091")


def test_the_door_at_a_phone(page_phone: Page) -> None:
    page_phone.goto("/")
    check_page(page_phone)


def test_the_door_at_a_desk(page_desk: Page) -> None:
    page_desk.goto("/")
    check_page(page_desk)


@pytest.mark.parametrize("phone", PHONE_PEOPLE)
def test_residents_and_volunteers_get_in(page_phone: Page, phone: str) -> None:
    sign_in(page_phone, phone)
    shot(page_phone, f"home-{phone}")
    check_page(page_phone)


@pytest.mark.parametrize("phone", DESK_PEOPLE)
def test_staff_get_in(page_desk: Page, phone: str) -> None:
    sign_in(page_desk, phone)
    shot(page_desk, f"home-{phone}")
    check_page(page_desk)


def test_a_wrong_password_is_answered_on_the_page(page_phone: Page) -> None:
    page_phone.goto("/")
    page_phone.get_by_label("手机号").fill("19900000002")
    page_phone.locator("input[type=password]").fill("not-the-password-1")
    page_phone.get_by_role("button", name="登录", exact=True).click()
    expect(page_phone.locator("input[type=password]")).to_be_visible()
    expect(page_phone.get_by_label("手机号")).to_have_value("19900000002")
    check_page(page_phone)
