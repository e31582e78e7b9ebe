"""Estates, buildings and households on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from community.grid import queries
from community.grid.elevation import cell, counts, elevation
from community.grid.queries import Block, Home, PostHeld
from core import access
from core.access import ROLE_NAMES, Role, Viewer
from core.web.blueprints import Pages

pages = Pages("grid", __name__)
LARGE_ESTATE = 1500
"""Households from which the overview draws no windows: the figures under the buildings stay."""

_CHAIN = (Role.SECRETARY, Role.DEPUTY_SECRETARY, Role.GRID_WORKER, Role.BUILDING_STEWARD, Role.UNIT_STEWARD)
_EXPECTED = (Role.SECRETARY, Role.GRID_WORKER, Role.BUILDING_STEWARD)


def may_order_for(viewer: Viewer, path: str) -> bool:
    """Whether the viewer may order for the households of this node; nobody may where no service declares it."""
    return access.known("orders:place_for") and viewer.may_at("orders:place_for", path)


@pages.page("/estates", access="people:read")
def estates() -> str | Response:
    """Estates within reach; the only one opens by itself."""
    page = queries.list_estates(access.viewer(), cursor=request.args.get("cursor"))
    if len(page.items) == 1 and not page.next_cursor and not request.args.get("cursor"):
        return redirect(url_for("grid.estate", estate_id=page.items[0].id))
    return render_template("community/grid/estates.html", page=page)


@pages.page("/estates/<estate_id>", access="people:read")
def estate(estate_id: str) -> str:
    """An estate at a glance: every building with its figures."""
    viewer = access.viewer()
    blocks, homes = queries.list_buildings(viewer, estate_id), queries.list_homes(viewer, estate_id)
    found = blocks[0].estate if blocks else queries.place_of(queries.get_estate(viewer, estate_id))
    marks, posts = queries.marks_of(estate_id), queries.list_posts(found.path)
    by_building: dict[str, list[Home]] = {block.id: [] for block in blocks}
    for home in homes:
        by_building[home.building_id].append(home)
    may_care = viewer.may_at("people:care", found.path)
    lots = []
    for block in blocks:
        mine = by_building[block.id]
        figures = counts(mine, marks, may_care)
        shown = {name: figures[name] for name in ("order", "hard", "party") if name in figures}
        floors = elevation(mine, marks, lambda home: "")[1] if len(homes) <= LARGE_ESTATE else []
        steward = next((p.person_name for p in posts if p.role is Role.BUILDING_STEWARD and p.path == block.path), "")
        lots.append((block, floors, shown, steward, len(mine)))
    return render_template(
        "community/grid/estate.html", estate=found, lots=lots, total=len(homes), counts=counts(homes, marks, may_care),
        posts=chain(posts, {found.path}), open_stewards=[block.name for block, _, _, steward, _ in lots if not steward],
    )  # fmt: skip


def chain(posts: Sequence[PostHeld], paths: set[str]) -> list[tuple[str, str, str]]:
    """Who leads here, from the branch down; a post that nobody holds is named, too, where one is expected."""
    held = [(ROLE_NAMES[p.role], p.person_name, "") for p in posts if p.role in _CHAIN and p.path in paths]
    names = {name for name, _, _ in held}
    wanted = _EXPECTED if len(paths) > 1 else _EXPECTED[:2]
    missing = [(ROLE_NAMES[role], "", "") for role in wanted if ROLE_NAMES[role] not in names]
    order = [ROLE_NAMES[role] for role in _CHAIN]
    return sorted(held + missing, key=lambda row: order.index(row[0]))


@pages.page("/buildings/<building_id>", access="people:read")
def building(building_id: str) -> str:
    """One building, one picture; a chosen household beside it."""
    viewer = access.viewer()
    block, neighbours = queries.get_building(viewer, building_id)
    homes = queries.list_homes_of(viewer, block)
    marks, posts = queries.marks_of(block.estate_id, block.id), queries.list_posts(block.estate_path)
    chosen = next((home for home in homes if home.id == request.args.get("household")), None)
    for someone in chosen.people if chosen else ():
        someone.phone = queries.masked_phone(someone.phone)

    def url(home: Home) -> str:
        return url_for("grid.building", building_id=block.id, household=home.id, _anchor="household")

    current = chosen.id if chosen else ""
    units, floors = elevation(homes, marks, url, current) if block.kind == "building" else ([], [])
    cells = [] if block.kind == "building" else [cell(home, marks, url(home), current) for home in homes]
    return render_template(
        "community/grid/building.html",
        block=block, neighbours=[_short(n, block) for n in neighbours], units=units, floors=floors, cells=cells,
        homes=homes, counts=counts(homes, marks, viewer.may_at("people:care", block.path)), chosen=chosen,
        has_order=chosen is not None and chosen.id in marks.get("order", ()),
        posts=chain(posts, {block.estate_path, block.path}), may_order=may_order_for(viewer, block.path),
    )  # fmt: skip


def _short(other: Block, here: Block) -> tuple[str, str, str, bool]:
    """3 and 号楼 for the row of buildings."""
    digits = len(other.name) - len(other.name.lstrip("0123456789"))
    head = other.name[:digits] or other.name
    url = url_for("grid.building", building_id=other.id)
    return head, other.name[len(head) :], url, other.id == here.id


@pages.page("/households/<household_id>", access="people:read")
def household(household_id: str) -> str:
    """A household: who lives there, what was done."""
    viewer = access.viewer()
    page = queries.get_household(viewer, household_id)
    subjects = [("household", household_id), *[("person", someone.id) for someone in page.people]]
    names = {someone.id: someone.name for someone in page.people}
    return render_template(
        "community/grid/household.html",
        page=page, events=queries.list_events(subjects), names=names, words=EVENT_WORDS,
        may_edit=viewer.may_at("people:edit", page.block.path), may_order=may_order_for(viewer, page.block.path),
        may_call=access.known("emergency:raise_for") and viewer.may_at("emergency:raise_for", page.block.path),
    )  # fmt: skip


EVENT_WORDS: dict[str, str] = {
    "add_person": "登记", "edit_person": "修改资料", "move_person": "换了住处", "move_out": "搬走",
    "move_back": "搬回来", "reveal": "查看完整号码", "name_helper": "添加代点单家人", "drop_helper": "移除代点单家人",
    "add_contact": "添加紧急联系人", "edit_contact": "修改紧急联系人", "order_contacts": "调整紧急联系人顺序",
    "drop_contact": "移除紧急联系人",
}  # fmt: skip


def told(event: Any) -> str:
    """An event's changes in words: 与户主关系 子 → 女；手机号已更新."""
    changes = event.details.get("changes", {})
    parts = [f"{what} {old or '空'} → {new or '空'}" for what, (old, new) in changes.items()]
    parts += [f"{what}已更新" for what in event.details.get("changed", [])]
    if event.verb == "reveal":
        parts += [{"phone": "手机号", "id_number": "身份证号"}.get(event.details.get("field", ""), ""), event.reason]
    return "；".join(filter(None, parts))


pages.add_app_template_filter(told, "told")
