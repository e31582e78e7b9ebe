"""Every page at phone and desk size: named, one heading, no wider than the screen, no barrier, a still console."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import DESK, PHONE, OpenPage, check_large, check_page

RESIDENT, VOLUNTEER, SECRETARY = "19900000001", "19900000011", "19900000021"
NEIGHBOUR, COMMUNITY, ADMIN = "19900000002", "19900000041", "19900000091"


@dataclass(frozen=True)
class Place:
    """A page as one finds it: an address to begin with, then links to follow, as selectors."""

    who: str
    name: str
    start: str
    links: tuple[str, ...] = ()

    def visit(self, page: Page) -> None:
        """Go there; every step has to answer 200."""
        address = self.start
        for link in (*self.links, ""):
            answer = page.goto(address)
            assert answer is not None and answer.status == 200, f"{address}: {answer and answer.status}"
            if link:
                found = page.locator(link).first
                address = found.get_attribute("href") or ""
                assert address, f"{link} on {page.url} leads nowhere"


BUILDING = "main a[href^='/buildings/']"
HOUSEHOLD = "main a[href^='/households/']"
WITH_SOMEBODY = ("a.cell:not(.cell--vacant)", HOUSEHOLD)
PERSON = "main a[href^='/people/']:not([href*='new'])"
ORDER = "main a[href^='/orders/']:not([href*='/new']):not([href*='/mine'])"
SERVICE = "main a[href*='/orders/new']"
SERIES = "main a[href^='/standing/']:not([href*='/new'])"

NOTICE = "main a[href^='/notices/hours/']"

OUTSIDE = (
    Place("", "sign-in", "/sign-in"),
    Place("", "certificate", "/certificates"),
)
PHONE_PLACES = (
    Place(RESIDENT, "home", "/"),
    Place(RESIDENT, "services", "/services"),
    Place(RESIDENT, "order-form", "/services", (SERVICE,)),
    Place(RESIDENT, "my-orders", "/orders/mine"),
    Place(RESIDENT, "order-under-way", "/orders/mine?group=open", (ORDER,)),
    Place(NEIGHBOUR, "order-to-rate", "/orders/mine?group=rate", (ORDER,)),
    Place(RESIDENT, "order-done", "/orders/mine?group=done", (ORDER,)),
    Place(RESIDENT, "help", "/sos"),
    Place(RESIDENT, "inbox", "/inbox"),
    Place(RESIDENT, "me", "/me"),
    Place(RESIDENT, "password", "/me/password"),
    Place(VOLUNTEER, "tasks", "/tasks"),
    Place(VOLUNTEER, "task", "/tasks", (ORDER,)),
    Place(VOLUNTEER, "hours", "/hours"),
    Place(VOLUNTEER, "what-i-offer", "/volunteer"),
    Place(VOLUNTEER, "my-consents", "/volunteer/consents"),
    Place(VOLUNTEER, "my-teams", "/teams/mine"),
    Place(VOLUNTEER, "my-team", "/teams/mine", ("main a:has-text('党团妇')",)),
    Place(VOLUNTEER, "team-to-join", "/teams/mine", ("main a:has-text('巾帼支队')",)),
    Place(VOLUNTEER, "corps-on-phone", "/teams/mine", ("main a:has-text('总队')",)),
    Place(RESIDENT, "apply", "/volunteer/apply"),
    Place(NEIGHBOUR, "applied", "/volunteer/apply"),
    Place(RESIDENT, "wards", "/wards"),
    Place(VOLUNTEER, "certificate-form", "/certificates/new"),
    Place(VOLUNTEER, "inbox-of-volunteer", "/inbox"),
    Place(VOLUNTEER, "me-of-volunteer", "/me"),
    Place(VOLUNTEER, "shifts-free", "/rota/free"),
    Place(VOLUNTEER, "my-shifts", "/rota/mine"),
    Place(VOLUNTEER, "my-shift", "/rota/mine", ("main a.row-item",)),
    Place(VOLUNTEER, "my-training", "/training/mine"),
    Place(VOLUNTEER, "training-certificate", "/training/mine", ("main a[href^='/training/mine/']",)),
    Place(RESIDENT, "messages", "/me/messages"),
    Place(VOLUNTEER, "messages-of-volunteer", "/me/messages"),
    Place(RESIDENT, "standing", "/standing"),
    Place(RESIDENT, "standing-form", "/standing/new"),
    Place(RESIDENT, "standing-series", "/standing", (SERIES,)),
    Place(RESIDENT, "standing-edit", "/standing", (SERIES, "main a[href$='/edit']")),
    Place(VOLUNTEER, "standing-of-volunteer", "/standing"),
    Place(VOLUNTEER, "standing-asked", "/standing", ("main article a",)),
    Place(VOLUNTEER, "calendar", "/calendar"),
    Place(VOLUNTEER, "calendar-week", "/calendar?view=week"),
    Place("", "help-for-a-stranger", "/sos"),
    Place(RESIDENT, "contacts", "/me/contacts"),
    Place(RESIDENT, "contact", "/me/contacts", ("main a[href^='/contacts/']",)),
    Place(NEIGHBOUR, "order-waiting-for-me", "/orders/mine?group=open", (ORDER,)),
    Place(RESIDENT, "open-figures", "/", ("main a[href^='/open/']",)),
    Place(VOLUNTEER, "dispute-form", "/hours", ("main a[href$='/dispute']",)),
    Place(VOLUNTEER, "missing-form", "/hours/missing"),
    Place(VOLUNTEER, "my-disputes", "/disputes"),
    Place(VOLUNTEER, "my-dispute", "/disputes", ("main a[href^='/disputes/']",)),
    Place(VOLUNTEER, "take-record", "/hours/take"),
    Place(VOLUNTEER, "honour-roll", "/honours"),
    Place(VOLUNTEER, "notices", "/notices/hours"),
    Place(VOLUNTEER, "notice", "/notices/hours", (NOTICE,)),
    Place(VOLUNTEER, "objection", "/notices/hours", (NOTICE, "main a[href$='/object']")),
    Place(VOLUNTEER, "time-bank", "/timebank"),
    Place(VOLUNTEER, "time-gift", "/timebank/give"),
    Place(NEIGHBOUR, "time-bank-of-resident", "/timebank"),
)
OF_VOLUNTEER = ("main th a[href^='/volunteers/']", "main a[href$='/hours']")
DESK_PLACES = (
    Place(SECRETARY, "queue", "/desk"),
    Place(SECRETARY, "queue-all", "/desk?tab=all"),
    Place(SECRETARY, "queue-order", "/desk", ("main a.q__link",)),
    Place(SECRETARY, "queue-candidates", "/desk", ("main a.q__link", "main a[href$='/candidates']")),
    Place(SECRETARY, "dispatch-plan", "/dispatch/plan"),
    Place(SECRETARY, "dispatch-weights", "/dispatch/plan", ("main a[href$='/matching']",)),
    Place(SECRETARY, "dispatch-pairs", "/pairs"),
    Place(SECRETARY, "standing-desk", "/desk/standing"),
    Place(SECRETARY, "standing-desk-series", "/desk/standing", (SERIES,)),
    Place(SECRETARY, "standing-desk-proposed", "/desk/standing?tab=proposed", (SERIES,)),
    Place(SECRETARY, "standing-desk-edit", "/desk/standing", (SERIES, "main a[href$='/edit']")),
    Place(SECRETARY, "calendar-desk", "/desk/calendar"),
    Place(SECRETARY, "calendar-desk-week", "/desk/calendar?view=week"),
    Place(COMMUNITY, "calendar-of-community", "/desk/calendar"),
    Place(SECRETARY, "estate", "/estates"),
    Place(SECRETARY, "building", "/estates", (BUILDING,)),
    Place(SECRETARY, "building-household", "/estates", (BUILDING, WITH_SOMEBODY[0])),
    Place(SECRETARY, "household", "/estates", (BUILDING, *WITH_SOMEBODY)),
    Place(SECRETARY, "person", "/people?q=3-1-501", (PERSON,)),
    Place(SECRETARY, "person-form", "/people?q=3-1-501", (PERSON, "main a[href$='/edit']")),
    Place(SECRETARY, "person-moves", "/people?q=3-1-501", (PERSON, "main a[href$='/move']")),
    Place(SECRETARY, "person-account", "/people?q=3-1-501", (PERSON, "main a[href$='/account']")),
    Place(SECRETARY, "person-new", "/estates", (BUILDING, *WITH_SOMEBODY, "main a[href*='/people/new']")),
    Place(SECRETARY, "search", "/people?q=3-1-501"),
    Place(SECRETARY, "imports", "/imports"),
    Place(SECRETARY, "items", "/items"),
    Place(SECRETARY, "item", "/items", ("main a[href^='/items/']:not([href*='new'])",)),
    Place(SECRETARY, "item-new", "/items", ("main a[href*='/items/new']",)),
    Place(SECRETARY, "emergencies", "/emergency"),
    Place(SECRETARY, "emergency", "/emergency", ("main tbody a",)),
    Place(SECRETARY, "contacts-of-a-home", "/estates", (BUILDING, *WITH_SOMEBODY, "main a[href$='/contacts']")),
    Place(SECRETARY, "help-for-a-home", "/estates", (BUILDING, *WITH_SOMEBODY, "main a[href^='/sos']")),
    Place(SECRETARY, "volunteers", "/volunteers"),
    Place(SECRETARY, "volunteer", "/volunteers", ("main th a[href^='/volunteers/']",)),
    Place(SECRETARY, "volunteer-form", "/volunteers", ("main th a[href^='/volunteers/']", "main a[href$='/edit']")),
    Place(SECRETARY, "volunteer-hours", "/volunteers", ("main th a[href^='/volunteers/']", "main a[href$='/hours']")),
    Place(SECRETARY, "rota", "/rota"),
    Place(SECRETARY, "shift", "/rota", ("main td a.rota-cell",)),
    Place(SECRETARY, "post-shares", "/rota/shares"),
    Place(SECRETARY, "rota-posts", "/rota/posts"),
    Place(SECRETARY, "rota-post", "/rota/posts", ("main th a",)),
    Place(SECRETARY, "rota-lay", "/rota/posts", ("main th a", "main a[href$='/lay']")),
    Place(SECRETARY, "training", "/training"),
    Place(SECRETARY, "course", "/training", ("main a[href^='/training/courses/']:not([href*='new'])",)),
    Place(SECRETARY, "session", "/training", ("main a[href^='/training/sessions/']",)),
    Place(SECRETARY, "training-lapsing", "/training/lapsing"),
    Place(
        SECRETARY, "volunteer-skill", "/volunteers?q=", ("main th a[href^='/volunteers/']", "main a[href*='/skills/']")
    ),
    Place(SECRETARY, "volunteer-new", "/people?q=3-1-501", (PERSON, "main a[href$='/volunteer']")),
    Place(SECRETARY, "archive", "/volunteers/archive"),
    Place(SECRETARY, "applications", "/volunteers/applications"),
    Place(SECRETARY, "application", "/volunteers/applications", ("main th a",)),
    Place(SECRETARY, "application-returned", "/volunteers/applications?state=returned", ("main th a",)),
    Place(SECRETARY, "teams", "/teams"),
    Place(SECRETARY, "team", "/teams", ("main th a:has-text('党团妇')",)),
    Place(SECRETARY, "team-add", "/teams", ("main th a:has-text('党团妇')", "main a[href$='/add']")),
    Place(SECRETARY, "team-import", "/teams", ("main th a:has-text('党团妇')", "main a[href$='/import']")),
    Place(SECRETARY, "team-form", "/teams", ("main th a:has-text('党团妇')", "main a[href$='/edit']")),
    Place(SECRETARY, "corps", "/teams", ("main th a:has-text('总队')",)),
    Place(SECRETARY, "team-new", "/teams/new"),
    Place(COMMUNITY, "teams-of-community", "/teams"),
    Place(SECRETARY, "volunteer-honours", "/volunteers", (*OF_VOLUNTEER, "main a[href$='/honours']")),
    Place(SECRETARY, "volunteer-record", "/volunteers", (*OF_VOLUNTEER, "main a[href$='/take']")),
    Place(SECRETARY, "hours-desk", "/hours/desk"),
    Place(SECRETARY, "hours-record", "/hours/desk/record"),
    Place(SECRETARY, "hours-late", "/hours/desk/late"),
    Place(SECRETARY, "disputes", "/hours/desk/disputes"),
    Place(SECRETARY, "dispute", "/hours/desk/disputes", ("main th a",)),
    Place(SECRETARY, "notices-of-desk", "/hours/desk/notices"),
    Place(SECRETARY, "notice-of-desk", "/hours/desk/notices", ("main th a",)),
    Place(SECRETARY, "objection-by-phone", "/hours/desk/notices", ("main th a", "main a[href$='/phone']")),
    Place(SECRETARY, "time-bank-of-desk", "/hours/desk/timebank"),
    Place(SECRETARY, "time-gift-of-desk", "/hours/desk/timebank", ("main th a[href*='/timebank/']",)),
    Place(SECRETARY, "time-holder", "/hours/desk/timebank", ("main a[href*='/holders/']",)),
    Place(SECRETARY, "star-rules", "/policies", ("main a[href$='/stars']",)),
    Place(SECRETARY, "certificate-batches", "/certificates/batches"),
    Place(SECRETARY, "certificate-batch", "/certificates/batches", ("main th a",)),
    Place(SECRETARY, "exchange", "/exchange"),
    Place(COMMUNITY, "exchange-of-community", "/exchange"),
    Place(SECRETARY, "accounts", "/accounts"),
    Place(SECRETARY, "posts", "/posts"),
    Place(SECRETARY, "post-new", "/posts/new"),
    Place(SECRETARY, "audit", "/audit?verify=1"),
    Place(SECRETARY, "outbox", "/outbox"),
    Place(SECRETARY, "outbox-waiting", "/outbox?state=waiting"),
    Place(SECRETARY, "robots", "/robots"),
    Place(SECRETARY, "robot-new", "/robots/new"),
    Place(SECRETARY, "messages-of-staff", "/me/messages"),
    Place(SECRETARY, "inbox-of-staff", "/inbox"),
    Place(SECRETARY, "me-of-staff", "/me"),
    Place(SECRETARY, "reports", "/reports"),
    Place(SECRETARY, "measures", "/reports/measures"),
    Place(SECRETARY, "figure-behind", "/reports", ("main .kpi a",)),
    Place(SECRETARY, "issues", "/reports/issues"),
    Place(SECRETARY, "issue", "/reports/issues", ("main th a[href^='/reports/issues/']",)),
    Place(SECRETARY, "exports", "/reports/exports"),
    Place(COMMUNITY, "reports-of-community", "/reports?period=quarter"),
    Place(COMMUNITY, "reports-of-people", "/reports/people?period=year"),
    Place(COMMUNITY, "people-behind", "/reports/behind?measure=volunteers.retained"),
    Place(COMMUNITY, "estates", "/estates"),
    Place(COMMUNITY, "queue-of-community", "/desk"),
    Place(SECRETARY, "queue-order-paused", "/desk?item=policy_question", ("main a.q__link",)),
    Place(SECRETARY, "queue-order-late", "/desk?late=1", ("main a.q__link",)),
    Place(SECRETARY, "workdays", "/workdays"),
    Place(SECRETARY, "rules-of-clocks", "/policies", ("main a[href$='/clocks']",)),
    Place(COMMUNITY, "workdays-to-edit", "/workdays?year=2027"),
    Place(COMMUNITY, "workdays-day", "/workdays/days/2026-02-14"),
    Place(COMMUNITY, "workdays-import", "/workdays/2027/import"),
    Place(ADMIN, "accounts-of-admin", "/accounts"),
    Place(ADMIN, "audit-of-admin", "/audit"),
    Place(ADMIN, "outbox-of-admin", "/outbox"),
    Place(ADMIN, "jobs", "/jobs"),
)
DEVICES = {"phone": PHONE, "desk": DESK}


def _name(value: object) -> str | None:
    return value.name if isinstance(value, Place) else None


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("place", OUTSIDE + PHONE_PLACES + DESK_PLACES, ids=_name)
def test_a_page(open_page: OpenPage, place: Place, device: str) -> None:
    page = open_page(DEVICES[device], place.who)
    place.visit(page)
    check_page(page)


@pytest.mark.parametrize("place", OUTSIDE + PHONE_PLACES, ids=_name)
def test_a_page_in_large(open_page: OpenPage, place: Place) -> None:
    page = open_page(PHONE, place.who)
    _choose_large(page)
    place.visit(page)
    check_page(page)
    check_large(page)


def _choose_large(page: Page) -> None:
    page.goto("/")
    page.context.add_cookies([{"name": "size", "value": "large", "url": page.url}])


def test_large_is_chosen_on_the_page_and_stays(open_page: OpenPage) -> None:
    page = open_page(PHONE)
    page.goto("/sign-in")
    page.get_by_role("button", name="大字版").click()
    expect(page.locator("html")).to_have_attribute("data-size", "large")
    page.goto("/certificates")
    expect(page.locator("html")).to_have_attribute("data-size", "large")


@pytest.mark.parametrize("place", [OUTSIDE[0], PHONE_PLACES[0], PHONE_PLACES[11], DESK_PLACES[0]], ids=_name)
def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page: OpenPage, place: Place) -> None:
    page = open_page(DESK, place.who)
    place.visit(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    expect(page.get_by_role("link", name="跳到正文")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_desk_is_walked_by_keys(open_page: OpenPage) -> None:
    page = open_page(DESK, SECRETARY)
    page.goto("/desk")
    links = page.locator("a.q__link")
    _press(page, "j", links.nth(1).get_attribute("href"))
    expect(links.nth(1)).to_have_attribute("aria-current", "true")
    _press(page, "k", links.nth(0).get_attribute("href"))
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("jk")
    expect(page.locator("#q")).to_have_value("jk")


def _press(page: Page, key: str, address: str | None) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)
    assert page.url.endswith(address or "?")


def test_enter_dispatches_to_the_best(open_page: OpenPage) -> None:
    page = open_page(DESK, SECRETARY)
    page.goto("/desk?item=cleaning")
    named = re.search(r"order=(\w+)", page.locator("a.q__link").first.get_attribute("href") or "")
    assert named
    best = page.locator("[data-key=Enter]")
    name = (best.inner_text() or "").removeprefix("派给").split()[0]
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".flash")).to_contain_text("已派单")
    page.goto(f"/orders/{named[1]}")
    expect(page.get_by_role("region", name="派给了谁")).to_contain_text(name)


def test_the_keys_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page(DESK, SECRETARY)
    page.goto("/desk")
    page.get_by_role("button", name="关闭快捷键").click()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="打开快捷键")).to_be_visible()
    assert page.url.endswith("/desk")
