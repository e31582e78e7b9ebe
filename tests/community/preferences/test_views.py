"""长辈版 on this device."""

from __future__ import annotations

from flask import Flask

from tests.community.making import Browser, csrf


def toggle(app: Flask, data: dict[str, str], referrer: str = "") -> tuple[str, str]:
    client = app.test_client()
    token = csrf(client.get("/sign-in").text)
    headers = {"Referer": referrer} if referrer else {}
    answer = client.post("/preferences/size", data={"csrf_token": token, **data}, headers=headers)
    assert answer.status_code == 302
    cookie = client.get_cookie("size")
    return answer.location, cookie.value if cookie else ""


def test_large_print_is_kept_for_a_year_and_leads_back(app: Flask) -> None:
    assert toggle(app, {"size": "large", "next": "/sign-in?next=/me"}) == ("/sign-in?next=/me", "large")
    assert toggle(app, {"size": "normal"}, "http://localhost/sign-in?a=1") == ("/sign-in?a=1", "normal")
    assert toggle(app, {"size": "<b>"}) == ("/", "large")


def test_it_never_leads_off_the_site(app: Flask) -> None:
    assert toggle(app, {"size": "large", "next": "//evil.example"}, "https://evil.example/x")[0] == "/"


def test_the_page_is_written_large(app: Flask) -> None:
    browser = Browser(app)
    browser.post("/preferences/size", {"size": "large"})
    assert 'data-size="large"' in browser.get("/sign-in").text


def test_it_needs_the_token(app: Flask) -> None:
    assert app.test_client().post("/preferences/size", data={"size": "large"}).status_code == 400
