"""Every component macro: renders, is valid HTML5, and lets no markup through a text parameter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import html5lib  # type: ignore[import-untyped]
import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    Form,
    FormField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, ValidationError

from core.web import formats, icons

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.name for path in (ROOT / "templates" / "components").glob("*.html"))
EVIL = """<b onx=1>x</b>"' onx='1&amp;"""
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)

# One call of each macro, `t` standing for any text a person may have typed.
LINE = "{'name': t, 'last': t, 'values': [1, 2], 'points': [(1, 2), (3, 4)], 'label_y': 9}"
TREND = "{'ticks': [(10, t)], 'labels': [(20, t)], 'lines': [" + LINE + ", " + LINE + "], 'says': t}"
TABLE = (
    "{'title': t, 'columns': [{'title': t, 'kind': 'text'}, {'title': t, 'kind': 'number'}],"
    " 'rows': [[t, t]], 'totals': [t, t]}"
)
SAMPLES: dict[str, dict[str, str]] = {
    "art.html": {
        "state_art": "{% for k in ('empty', 'error', 'denied', 'done') %}{{ m.state_art(k) }}{% endfor %}",
        "skyline_phone": "{{ m.skyline_phone() }}",
        "skyline_wide": "{{ m.skyline_wide() }}",
    },
    "basics.html": {
        "attrs": "<p{{ m.attrs({'class_': t, 'data_key': t, 'hidden': true, 'title': none, 'lang': false}) }}></p>",
        "btn": "{{ m.btn(t, 'seal', 'i-check', true, 'lg', about=t, key='Enter', data_x=t) }}{{ m.btn(t) }}",
        "btn_link": "{{ m.btn_link(t, t, 'quiet', 'i-phone', about=t, key='B', rel=t) }}",
        "print_btn": "{{ m.print_btn(t) }}",
        "copy_btn": "{{ m.copy_btn(t, t) }}",
        "plate": "{{ m.plate(t) }}{{ m.plate(t, 'line') }}",
        "plate_big": "{{ m.plate_big(t, t) }}",
        "tag": "{{ m.tag(t, 'amber', 'i-flag') }}",
        "chip": "{{ m.chip(t, 'done', 'i-check') }}",
        "sla": "{{ m.sla(('ok', t)) }}{{ m.sla(('soon', t)) }}{{ m.sla(('late', t)) }}",
        "avatar": "{{ m.avatar(t, true, true, 'plate') }}",
        "party_tag": "{{ m.party_tag() }}",
        "stars": "{{ m.stars(3, t) }}{{ m.stars(2) }}",
        "star_name": "{{ m.star_name(3) }}",
        "banner": "{% for k in ('', 'leaf', 'amber', 'ember') %}{{ m.banner(t, k, role='status') }}{% endfor %}",
        "flashes": "{{ m.flashes([('error', t), ('success', t)]) }}{{ m.flashes([]) }}",
        "facts": "{{ m.facts([(t, t), ('空', none)], wide=true) }}",
        "panel": "{% call m.panel(t, 'h-1', t, t, t) %}{{ t }}{% endcall %}",
        "section": "{% call m.section(t, 'h-2', t, t) %}{{ t }}{% endcall %}",
        "page_head": "{% call m.page_head(t, t, t, t) %}{{ t }}{% endcall %}{{ m.page_head(t) }}",
        "status": "{{ m.status(t, t) }}",
        "quote": "{{ m.quote(t, t) }}",
        "rows": "{{ m.rows([(t, t, t)]) }}",
        "links": "{{ m.links([('i-chat', t, t, t)]) }}",
    },
    "desk.html": {
        "queue": (
            "{{ m.queue([{'id': t, 'version': 1, 'left': {'kind': 'late', 'text': t}, 'item': t, 'door': t, 'tags':"
            " [(t, 'amber')], 'need': t, 'when': t, 'state': 'placed', 'can_plan': true}], t, t, t) }}"
        ),
        "reco_best": "{{ m.reco_best(t, t, {'volunteer': t}, [(t, false), (t, true)], true, 3, t) }}",
        "reco": "<ol>{{ m.reco(t, t, {'volunteer': t}, [t, t], true, t, '2') }}</ol>",
        "not_reco": "{{ m.not_reco([(t, t)], true) }}",
        "log": "{{ m.log([(noon, t)]) }}{{ m.log([(noon, t)], dated=true) }}",
        "load": "{{ m.load(1, 2, 4) }}",
        "table": "{% call m.table([(t, ''), (t, 'num'), (t, 'hidden')], t, t) %}<tr><td>{{ t }}</td></tr>{% endcall %}",
        "kpis": "{{ m.kpis([(t, t, t, t, true, t), (t, t, t, '', none, t)]) }}",
        "sums": "{{ m.sums([(t, t)]) }}",
    },
    "charts.html": {
        "spark": "{{ m.spark([(1, 2), (3, 4)], true) }}",
        "trend_key": "{{ m.trend_key(" + TREND + ") }}",
        "trend": "{{ m.trend(" + TREND + ", 'c1', t) }}",
        "bars": (
            "{{ m.bars([{'name': t, 'value': 3, 'y': 0, 'length': 50, 'share': t, 'key': t}], t, {t: t}) }}"
            "{{ m.bars([], t) }}"
        ),
        "heat": (
            "{{ m.heat([[none, {'day': noon, 'value': 3, 'level': 2}, {'day': noon, 'value': none}]],"
            " {noon.isoformat(): t}, t) }}"
        ),
        "data_table": "{{ m.data_table(" + TABLE + ", '{}'.format, t) }}",
        "plain_table": "{{ m.plain_table(" + TABLE + ", '{}'.format, true) }}",
    },
    "dayline.html": {
        "day_chart": "{{ m.day_chart([{'name': t, 'when': t, 'free': [(480, 700)], 'busy': [(500, 560)],"
        " 'slot': (600, 640)}, {'name': t, 'when': '', 'free': [], 'busy': [], 'slot': none}], (540, 660), t) }}",
    },
    "sos.html": {
        "numbers": "{{ m.numbers() }}",
        "countdown_ring": "{{ m.countdown_ring(10) }}",
        "strip_lines": "{{ m.strip_lines([]) }}",
    },
    "form.html": {
        "csrf": "<form>{{ m.csrf() }}</form>",
        "form_open": "{{ m.form_open(t, id='f', class_=t, guard=true) }}{{ m.form_close() }}",
        "form_close": "{{ m.form_open() }}{{ m.form_close() }}",
        "hidden": "{{ m.hidden(t, t) }}",
        "post_btn": "{{ m.post_btn(t, t, {'version': t}, 'leaf', 'i-check', true, t, 'Z', t) }}",
        "field": "{% for x in (f.name, f.need, f.kind, f.day, f.agree, f.secret) %}{{ m.field(x, t, 1) }}{% endfor %}",
        "field_group": "{% call m.field_group(f.who, t, true, t) %}{{ t }}{% endcall %}",
        "choice": "{{ m.choice(t, t, t, t, true, 'checkbox', 'c-1', true, true) }}",
        "pill": "{{ m.pill(t, t, t, true) }}",
        "choices": "{% call m.choices(f.who, {'self': t}, t, true, reveals='other') %}{{ t }}{% endcall %}",
        "pills": "{{ m.pills(f.notes, t) }}",
        "days": "{{ m.days(f.date) }}",
        "slots": "{{ m.slots(f.notes, {'a': t}) }}",
        "rating": "{{ m.rating(f.score) }}",
        "input_trio": "{{ m.input_trio(t, [t, t, t]) }}",
        "switch": "{{ m.switch(t, t, true) }}{{ m.switch(t, t, false) }}",
        "upload": "{{ m.upload(f.file, '.xlsx', t) }}",
        "error_summary": "{{ m.error_summary(f) }}",
        "action_bar": "{{ m.action_bar(t, 'order', note=t) }}",
    },
    "grid.html": {
        "key": "{{ m.key('hard') }}",
        "legend": "{{ m.legend({'hard': 7, 'order': 2}) }}{{ m.legend({'hard': 7}, pick=false) }}",
        "cell": "{{ m.cell(cell) }}",
        "elevation": "{{ m.elevation(t, [(t, 2), (t, 1)], [(2, [[cell, none], [cell]]), (1, [[cell] * 2, [cell]])]) }}",
        "mini": "{{ m.mini([(11, [[cell, none], [cell]])]) }}{{ m.mini([]) }}",
        "lot": "{{ m.lot(t, t, [(1, [[cell]])], {'hard': 1}, t) }}{{ m.lot(t, t, [], {}) }}",
        "building_nav": "{{ m.building_nav([(t, t, t, true)]) }}",
        "posts": "{{ m.posts([(t, t, t), (t, '', t)]) }}",
    },
    "nav.html": {
        "brand": "{{ m.brand(t, t) }}",
        "size_toggle": "{{ m.size_toggle(t, 'large', t) }}",
        "app_bar": "{% call m.app_bar(t, t) %}{{ t }}{% endcall %}{{ m.app_bar(name=t, home_url=t) }}",
        "tab_bar": "{{ m.tab_bar([(t, 'i-home', t, true, 3), (t, 'i-user', t, false, 0)]) }}",
        "top_bar": "{{ m.top_bar(t, t, [(t, t, true)], t, t, {'name': t, 'post': t, 'party': true}, t) }}",
        "seg": "{{ m.seg([(t, t, true, 12), (t, t, false, none)], t) }}",
        "filters": "{% call m.filters(t, [(t, t, [(t, t)], t)], [(t, t, true)], [(t, t)]) %}{{ t }}{% endcall %}",
        "pager": "{{ m.pager(t, t) }}{{ m.pager() }}",
        "key_bar": "{{ m.key_bar([('J K', t), ('Enter', t)], t) }}",
    },
    "order_states.html": {
        "order_label": "{% for s in m.ORDER %}{{ m.order_label(s) }}{% endfor %}",
        "order_chip": "{% for s in m.ORDER %}{{ m.order_chip(s) }}{% endfor %}",
        "offer_label": "{% for s in m.OFFER %}{{ m.offer_label(s) }}{% endfor %}",
        "offer_chip": "{% for s in m.OFFER %}{{ m.offer_chip(s) }}{% endfor %}",
        "steps": "{{ m.steps([t, t, t], 2) }}",
        "order_steps": "{% for s in m.ORDER %}{{ m.order_steps(s) }}{% endfor %}",
    },
    "resident.html": {
        "greet": "{{ m.greet(t, t, day, t, t, t) }}",
        "services": "{{ m.services([('i-c-shop', t, t)]) }}",
        "sos": "{{ m.sos(t, t) }}",
        "order_card": "{{ m.order_card(t, t, 'accepted', t, phone=t) }}{{ m.order_card(t, t, 'cancelled', t) }}",
        "timeline": "{{ m.timeline([(t, noon, t, 'done'), (t, none, t, 'now'), (t, none, '', 'next')]) }}",
        "passcode": "{{ m.passcode('4729', t) }}",
        "person": "{% call m.person(t, true, 3, t, t, t) %}{{ t }}{% endcall %}",
        "order_row": "<ul>{{ m.order_row(t, t, 'placed', t) }}</ul>",
    },
    "state.html": {
        "state": "{% call m.state('empty', t, t, t, 'h1') %}{{ t }}{% endcall %}",
        "skeleton": "{{ m.skeleton() }}",
        "offline": "{{ m.offline(t) }}",
    },
    "volunteer.html": {
        "me_bar": "{% call m.me_bar(t, true, 3) %}{{ t }}{% endcall %}",
        "hints": "{{ m.hints([('i-clock', t, true)]) }}",
        "next_task": "{% call m.next_task(t, noon, t, t, t, [('i-bell', t, false)]) %}{{ t }}{% endcall %}",
        "countdown": "{{ m.countdown(noon, noon) }}",
        "offer": (
            "{{ m.offer('1', t, 'i-c-shop', t, t, t, [(t, t)], noon, noon, t, [('i-clock', t, false)], [t], {'v': t}, "
            "open=true) }}"
        ),
        "agenda": "{{ m.agenda([('', [(noon, t, t, t, t)]), (t, [])]) }}",
        "growth": "{{ m.growth(48750, 60000, t, [(t, t, t)]) }}{{ m.growth(95000, none, '', []) }}",
        "medals": "{{ m.medals([('i-bolt', t, true), ('i-shield', t, false)]) }}",
    },
}
CASES = [(file, macro) for file, macros in SAMPLES.items() for macro in macros]


class Address(Form):
    door = StringField("房号", [InputRequired(EVIL)])


class Story(TextAreaField):
    """A field of a project's own kind must look like what it derives from."""


class OrderForm(Form):
    """One field of each kind, all of them wrong, with labels and choices that try to break out."""

    name = TelField(EVIL, [InputRequired(EVIL)])
    need = Story(EVIL, [InputRequired(EVIL)])
    kind = SelectField(EVIL, choices=[SelectChoice(EVIL, EVIL)], validators=[InputRequired(EVIL)])
    day = DateField(EVIL, [InputRequired(EVIL)])
    agree = BooleanField(EVIL, [InputRequired(EVIL)])
    secret = PasswordField(EVIL, [InputRequired(EVIL)])
    file = FileField(EVIL)
    who = RadioField(EVIL, [InputRequired(EVIL)], choices=[SelectChoice("self", EVIL), SelectChoice("other", EVIL)])
    notes = SelectMultipleField(EVIL, choices=[SelectChoice("a", EVIL), SelectChoice(EVIL, EVIL)])
    date = RadioField(EVIL, choices=[SelectChoice("2026-11-22", "今天 22日"), SelectChoice("x", EVIL)])
    score = RadioField(EVIL, choices=[SelectChoice(str(n), str(n)) for n in range(1, 6)])
    address = FormField(Address)

    def validate_notes(self, field: SelectMultipleField) -> None:
        raise ValidationError(EVIL)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("linju", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.secret_key = "component tests"
    app.jinja_env.globals.update(csrf_token=lambda: "token", asset=lambda path: f"/static/{path}")
    icons.register(app)
    formats.register(app)
    return app


def parse(markup: str) -> Any:
    """The document's elements; raises for anything that HTML5 calls a parse error."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(markup)


def render(app: Flask, file: str, source: str) -> str:
    form = OrderForm(MultiDict())
    form.validate()
    cell = {
        "no": EVIL,
        "url": EVIL,
        "label": EVIL,
        "hard": True,
        "order": True,
        "party": True,
        "vol": True,
        "current": True,
    }
    page = (
        "<!doctype html><html lang='zh-CN'><head><title>x</title></head><body>"
        f"{{% import 'components/{file}' as m %}}{source}{{{{ icons.sprite() }}}}</body></html>"
    )
    with app.test_request_context("/"):
        template = app.jinja_env.from_string(page)
        return template.render(t=EVIL, f=form, cell=cell, noon=NOON, day=date(2026, 11, 22))


def public_macros(app: Flask, file: str) -> set[str]:
    with app.app_context():
        module = app.jinja_env.get_template(f"components/{file}").module
    own = {name for name, value in vars(module).items() if type(value).__name__ == "Macro"}
    source = (ROOT / "templates" / "components" / file).read_text(encoding="utf-8")
    return {name for name in own if not name.startswith("_") and f"macro {name}(" in source}


@pytest.mark.parametrize("file", FILES)
def test_every_macro_has_a_sample(app: Flask, file: str) -> None:
    assert public_macros(app, file) == set(SAMPLES[file])


@pytest.mark.parametrize(("file", "macro"), CASES)
def test_macro_is_valid_and_escapes(app: Flask, file: str, macro: str) -> None:
    document = parse(render(app, file, SAMPLES[file][macro]))
    for element in document.iter():
        assert element.tag != "b"
        assert not [name for name in element.attrib if str(name).startswith("on") or name == "style"]
    ids = [element.get("id") for element in document.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), "an id stands twice"
    used = [element.attrib["href"] for element in document.iter() if str(element.tag).endswith("use")]
    assert set(used) <= {f"#{name}" for name in ids}, "an icon is drawn whose symbol is not on the page"


def test_summary_leads_to_every_control(app: Flask) -> None:
    fields = "{% for f in (f.name, f.need, f.kind, f.day, f.agree, f.secret) %}{{ m.field(f) }}{% endfor %}"
    groups = "{{ m.choices(f.who) }}{{ m.pills(f.notes) }}{{ m.days(f.date) }}{{ m.rating(f.score) }}"
    inner = "{{ m.field(f.address.door) }}"
    document = parse(render(app, "form.html", "{{ m.error_summary(f) }}" + fields + groups + inner))
    ids = {element.get("id") for element in document.iter()}
    links = [link.attrib["href"] for link in document.iter("a")]
    assert len(links) == 11
    assert {link.removeprefix("#") for link in links} <= ids
    for element in document.iter():
        described = element.get("aria-describedby", "").split()
        assert set(described) <= ids


@pytest.mark.parametrize("layout", ["resident", "volunteer", "desk", "plain"])
def test_layout_is_valid(app: Flask, layout: str) -> None:
    source = (
        f"{{% extends 'layouts/{layout}.html' %}}{{% block title %}}首页{{% endblock %}}"
        "{% block content %}<p>正文</p>{% endblock %}"
    )
    with app.test_request_context("/?q=%3Cb%3E"):
        text = app.jinja_env.from_string(source).render(
            page_size="large",
            site_name="榕树花园",
            tab_items=lambda kind: [("首页", "i-home", "/", True, 2)],
            nav_items=[("派单", "/desk", True)],
            who={"name": "覃立冬", "post": "书记", "party": True},
            search_url="/people",
        )
    html = parse(text)
    assert html.attrib["data-size"] == ("normal" if layout == "desk" else "large")
    assert html.find("head/title").text == "首页 · 榕树花园"
    assert [element for element in html.iter("main") if element.get("id") == "main"]
    assert "<b>" not in text


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 413, 422, 429, 500])
def test_error_page_says_what_to_do(app: Flask, code: int) -> None:
    with app.test_request_context("/orders/1"):
        page = app.jinja_env.get_template(f"errors/{code}.html")
        text = page.render(detail=EVIL, error_code="R-1", changed=[("状态", EVIL, EVIL)])
        plain = page.render()
    html = parse(text)
    assert len(list(html.iter("h1"))) == 1
    assert len([link for link in html.iter("a") if "btn" in link.get("class", "")]) >= 1
    assert "<b" not in text.replace("<body", "").replace("<br", "").replace("<button", "")
    assert "！" not in plain and "用户" not in plain


@pytest.mark.parametrize(
    ("method", "referrer", "shown"),
    [
        ("GET", "", "/orders/1/accept"),
        ("POST", "http://localhost/orders/1", "http://localhost/orders/1"),
        ("POST", "http://elsewhere.example/", None),
        ("POST", "", None),
    ],
)
def test_a_refused_step_leads_back_to_the_page_it_came_from(
    app: Flask, method: str, referrer: str, shown: str | None
) -> None:
    with app.test_request_context("/orders/1/accept", method=method, headers={"Referer": referrer}):
        html = parse(app.jinja_env.get_template("errors/409.html").render(home_url="/home"))
    buttons = [link.get("href") for link in html.iter("a") if link.get("class") == "btn"]
    assert buttons == [*([shown] if shown else []), "/home"]


def test_controls_look_like_what_they_are(app: Flask) -> None:
    document = parse(render(app, "form.html", "{% for x in (f.name, f.need, f.kind) %}{{ m.field(x) }}{% endfor %}"))
    assert [next(document.iter(tag)).get("class") for tag in ("textarea", "select")] == ["textarea", "select"]
    assert "input" in [control.get("class") for control in document.iter("input")]
    groups = parse(render(app, "form.html", "{{ m.pills(f.notes) }}{{ m.choices(f.who) }}"))
    assert [control.get("type") for control in groups.iter("input")] == ["checkbox"] * 2 + ["radio"] * 2


def test_sprite_holds_only_what_was_used(app: Flask) -> None:
    text = render(app, "basics.html", "{{ icon('i-check') }}{{ icon('i-check', 's') }}")
    assert text.count("<symbol") == 1 and 'class="icon icon--s"' in text
    assert "<symbol" not in render(app, "basics.html", "")
    with pytest.raises(KeyError):
        render(app, "basics.html", "{{ icon('i-none') }}")


def test_remaining_words_agree_with_sla(app: Flask) -> None:
    left = formats.remaining(NOON, NOON + timedelta(hours=3))
    assert left.kind == "late"
    assert "超时 3小时" in render(app, "basics.html", f"{{{{ m.sla(('{left.kind}', '{left.text}')) }}}}")
