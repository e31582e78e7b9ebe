"""The desk: the queue by urgency with one order open beside it, and the list as a file."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import render_template, request, stream_with_context

from core import access, clock
from core.access import NotFound, Viewer
from services.orders import queries, queue
from services.orders.queue import Filters
from services.orders.views.blueprint import pages
from services.orders.views.order import history, order_context


@pages.page("/desk", access="orders:read")
def desk() -> str:
    """The queue, most urgent first; the order named in the address, or else the first, lies open beside it."""
    viewer, filters = access.viewer(), Filters.read(request.args)
    found = queue.get_queue(viewer, filters, request.args.get("cursor"))
    named = request.args.get("order", "")[:16]
    opened = named or (found.page.items[0].id if found.page.items else "")
    return render_template(
        "services/orders/desk.html",
        page=found.page,
        filters=filters,
        tabs=queue.TABS,
        head=found.head,
        named=named,
        opened=opened,
        cursor=request.args.get("cursor"),
        now=clock.now(),
        **(_open(viewer, opened) if opened else {}),
    )


def _open(viewer: Viewer, order_id: str) -> dict[str, object]:
    order = queries.get_order(viewer, order_id)
    if not viewer.may_at("orders:read", order.estate_path):
        raise NotFound
    return order_context(order, viewer, "desk", history(viewer, order), {})


@pages.page("/desk/export", access="orders:read", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The filtered list as CSV; that it was taken out is written down."""
    viewer, filters = access.viewer(), Filters.read(request.form)
    queue.record_export(viewer, filters)
    name = f"orders-{clock.today():%Y%m%d}.csv"
    lines = stream_with_context(queue.export(viewer, filters))
    return FlaskResponse(
        lines, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip
