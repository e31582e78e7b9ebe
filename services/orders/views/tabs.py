"""The bar at the foot of a phone page: where it leads and what waits there."""

from __future__ import annotations

from flask import g, request, url_for

from core import access
from core.access import Viewer
from services.orders import own
from services.orders.own import Badges

Tab = tuple[str, str, str, bool, int]


def waiting(viewer: Viewer) -> Badges:
    """The viewer's counts, read once a request."""
    found: Badges | None = g.get("badges")
    if found is None:
        found = g.badges = own.badges(viewer)
    return found


def tab_items(kind: str) -> list[Tab]:
    """Tabs as (label, icon, address, is current, count) for a ``resident``'s or a ``volunteer``'s page."""
    viewer = access.find_viewer()
    if viewer is None:
        return []
    counts = waiting(viewer)
    tasks = ("任务", "i-orders", "orders.tasks", counts.offers)
    me = ("我的", "i-user", "accounts.me", 0)
    if kind == "volunteer":
        home = [("点单", "i-hand", "orders.home", 0)] if viewer.household_id else []
        entries = [
            tasks,
            ("时长", "i-clock", "hours.mine", 0),
            *home,
            ("消息", "i-inbox", "inbox.index", counts.unread),
            me,
        ]
    else:
        entries = [
            ("首页", "i-home", "orders.home", 0), ("点单", "i-hand", "orders.services", 0),
            ("我的单", "i-list", "orders.mine", counts.orders), *([tasks] if viewer.is_volunteer else []), me,
        ]  # fmt: skip
    return [(label, icon, url_for(at), request.endpoint == at, count) for label, icon, at, count in entries]
