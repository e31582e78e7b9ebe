"""A resident's pages: home, services, placing an order, one's own orders, and whom to call in need."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for

from core import access, clock
from core.access import PUBLIC, SIGNED_IN, NotFound, Viewer
from services.catalogue import queries as catalogue
from services.orders import own, people, workflow
from services.orders.forms import PlaceForm
from services.orders.people import Target
from services.orders.views.blueprint import Answer, pages
from services.orders.views.tabs import waiting
from services.orders.workflow import Refused, Wish

HOME_SERVICES = 6
EMERGENCY = "emergency"
_DESKS = (("orders.desk", "orders:read"), ("accounts.accounts", "accounts:issue"))
_FIELDS = {"service_item": "item", "preferred_start": "slot", "preferred_end": "slot", "household": "person"}


@pages.page("/", access=PUBLIC)
def home() -> Answer:
    """Everybody's first page: the desk for staff, tasks for volunteers from elsewhere, else the resident's home."""
    viewer = access.find_viewer()
    if viewer is None:
        return redirect(url_for("accounts.sign_in"))
    if viewer.is_staff and not request.args.get("own"):
        found = next((endpoint for endpoint, needed in _DESKS if viewer.may(needed)), "accounts.me")
        return redirect(url_for(found))
    if viewer.is_volunteer and not viewer.household_id:
        return redirect(url_for("orders.tasks"))
    return _resident_home(viewer)


def _resident_home(viewer: Viewer) -> str:
    now = clock.local(clock.now())
    greeting = "上午好" if 5 <= now.hour < 12 else "下午好" if 12 <= now.hour < 18 else "晚上好"
    pending = own.list_pending(viewer)
    return render_template(
        "services/orders/home.html",
        home=own.get_home(viewer),
        greeting=greeting,
        today=now.date(),
        items=[item for item in catalogue.list_open(viewer.estate_id) if item.code != EMERGENCY][:HOME_SERVICES],
        pending=[row for row in pending if row.state != "completed"],
        to_rate=[row for row in pending if row.state == "completed"],
        unread=waiting(viewer).unread,
    )


@pages.page("/services", access=SIGNED_IN)
def services() -> str:
    """All services of the estate by category."""
    viewer, asked = access.viewer(), _asked()
    estate_id = viewer.estate_id if viewer.estate_id and not asked else _estate_of(_targets(viewer, asked), asked)
    groups: dict[str, list[object]] = {}
    for item in catalogue.list_open(estate_id):
        groups.setdefault(item.category, []).append(item)
    return render_template("services/orders/services.html", groups=groups, asked=asked)


def _targets(viewer: Viewer, asked: dict[str, str]) -> list[Target]:
    """Whom the viewer may order for. Raises ``NotFound`` when those asked for are not among them."""
    targets = people.list_targets(viewer, asked.get("household", ""), asked.get("person", ""))
    if asked and not any(target.kind != "self" or target.person_id in asked.values() for target in targets):
        raise NotFound
    return targets


def _estate_of(targets: list[Target], asked: dict[str, str]) -> str | None:
    """The estate whose services are meant: that of whoever is picked first."""
    first = _first(targets, asked)
    return next((target.estate_id for target in targets if target.person_id == first), None)


def _asked() -> dict[str, str]:
    """For whom the order is to be, as the address says."""
    return {key: value for key in ("household", "person") if (value := request.args.get(key, "")[:16])}


@pages.page("/orders/new", access=SIGNED_IN, methods=("GET", "POST"))
def new() -> Answer:
    """Place an order for oneself, one's home, a family that named one, or, as staff, for a household in reach."""
    viewer, form, asked = access.viewer(), PlaceForm(), _asked()
    code = (form.item.data if form.is_submitted() else request.args.get("item")) or ""
    targets = _targets(viewer, asked)
    estate_id = _estate_of(targets, asked) or viewer.estate_id
    targets = [target for target in targets if target.estate_id == estate_id]
    items = [item for item in catalogue.list_open(estate_id) if item.code == code]
    if not items:
        return redirect(url_for("orders.services", household=asked.get("household"), person=asked.get("person")))
    _offer(form, targets)
    form.offer_days()
    if not form.is_submitted():
        form.begin(code, _first(targets, asked))
    elif form.validate():
        try:
            order_id = workflow.place_once(viewer, _wish(form, targets), form.token.data or "")
        except Refused as refused:
            _attach(form, refused)
        else:
            return redirect(url_for("orders.show", order_id=order_id), 303)
    page = render_template(
        "services/orders/new.html", form=form, item=items[0], targets=targets, asked=asked,
        staff=any(target.kind == "staff" for target in targets), today=clock.today(),
    )  # fmt: skip
    return (page, 422) if form.is_submitted() else page


def _offer(form: PlaceForm, targets: list[Target]) -> None:
    titles = {"self": "给自己", "home": "给家人{}", "family": "代{}点单", "staff": "代{}点单"}
    form.person.offer((target.person_id, titles[target.kind].format(target.name)) for target in targets)


def _first(targets: list[Target], asked: dict[str, str]) -> str:
    """Who is picked on a fresh form: the one asked for, else whoever the household asked for begins with."""
    if asked.get("person") in {target.person_id for target in targets}:
        return asked["person"]
    kinds = ("staff", "family", "self", "home") if asked else ("self", "home", "family", "staff")
    ordered = sorted(targets, key=lambda target: kinds.index(target.kind))
    return ordered[0].person_id if ordered else ""


def _wish(form: PlaceForm, targets: list[Target]) -> Wish:
    start, end = form.period
    by_staff = any(target.kind == "staff" and target.person_id == form.person.data for target in targets)
    return Wish(
        form.item.data or "", form.note.data or "", form.person.data, None, start, end,
        form.volunteers_needed.data if by_staff else None, bool(form.urgent.data), tuple(form.attention.data or ()),
        helper_sex=int(form.helper_sex.data or 0),
    )  # fmt: skip


def _attach(form: PlaceForm, refused: Refused) -> None:
    name = _FIELDS.get(refused.field, refused.field)
    if name in ("person", "slot", "note", "helper_sex"):
        form[name].errors = [*form[name].errors, str(refused)]
    else:
        form.form_errors.append(str(refused))


@pages.page("/orders/mine", access=SIGNED_IN)
def mine() -> str:
    """My orders and those of my home, newest first."""
    group = request.args.get("group", "")
    group = group if group in own.OWN_GROUPS else ""
    page = own.list_own(access.viewer(), group, request.args.get("cursor"))
    return render_template("services/orders/mine.html", page=page, group=group)
