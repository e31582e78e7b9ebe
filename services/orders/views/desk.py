"""The desk: the queue by urgency with one order open beside it, fresh without reloading, and the list as a file."""

from __future__ import annotations

from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, session, stream_with_context, url_for
from werkzeug.wrappers import Response

from core import access, clock
from core.access import NotFound, Viewer
from core.web.addresses import own_path
from services.orders import desks, lists, people, queries, queue, workflow
from services.orders.aggregate import Order
from services.orders.forms import NoteForm, TransferForm
from services.orders.lines import lines
from services.orders.queue import Filters
from services.orders.views.blueprint import Answer, pages
from services.orders.views.order import history, order_context, order_page
from services.orders.workflow import Refused

UNDO = "undo"


@pages.page("/desk", access="orders:read")
def desk() -> str:
    """The queue, most urgent first; the order named in the address, or else the first, lies open beside it."""
    viewer, filters = access.viewer(), Filters.read(request.args)
    shown = _list(viewer, filters)
    named = request.args.get("order", "")[:16]
    opened = named or (shown["lines"][0].id if shown["lines"] else "")
    return render_template(
        "services/orders/desk.html",
        **shown,
        named=named,
        opened=opened,
        undo=session.pop(UNDO, None),
        **(_open(viewer, opened) if opened else {}),
    )


def _list(viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """The queue and what stands above it."""
    cursor = request.args.get("cursor")
    found = queue.get_queue(viewer, filters, cursor)
    return {
        "lines": lines(found.page.items, found.head.estates > 1), "next_cursor": found.page.next_cursor,
        "head": found.head, "filters": filters, "tabs": queue.TABS, "sorts": queue.SORTS, "cursor": cursor,
        "now": clock.now(), "may_plan": filters.tab == "placed" and viewer.may("orders:dispatch"),
    }  # fmt: skip


def _open(viewer: Viewer, order_id: str) -> dict[str, object]:
    order, phone = people.get_order_and_phone(viewer, order_id)
    return order_context(order, viewer, "desk", history(viewer, order), {}, phone)


@pages.page("/desk/list", access="orders:read")
def fresh() -> FlaskResponse:
    """The queue alone, for the page to take in. 304 when nothing has changed since the copy that the page shows."""
    viewer, filters, opened = access.viewer(), Filters.read(request.args), request.args.get("order", "")[:16]
    mark, version = queue.get_mark(viewer, opened)
    answer = FlaskResponse()
    answer.set_etag(f"{mark}.{version}")
    answer.headers["Cache-Control"] = "private, no-cache"
    if request.if_none_match.contains(f"{mark}.{version}"):
        answer.status_code = 304
        return answer
    answer.set_data(
        render_template("services/orders/_fresh.html", **_list(viewer, filters), opened=opened, version=version)
    )
    return answer


@pages.page("/desk/export", access="orders:read", methods=("POST",), writes=True)
def export() -> FlaskResponse:
    """The filtered list as CSV; that it was taken out is written down."""
    viewer, filters = access.viewer(), Filters.read(request.form)
    lists.record_export(viewer, filters)
    name = f"orders-{clock.today():%Y%m%d}.csv"
    rows = stream_with_context(lists.export(viewer, filters))
    return FlaskResponse(
        rows, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip


@pages.page("/orders/<order_id>/notes", access="orders:read", methods=("POST",))
def note(order_id: str) -> Answer:
    """Keep an internal note on an order."""
    viewer, form = access.viewer(), NoteForm(prefix="note-")
    if not form.validate():
        return order_page(queries.get_order(viewer, order_id), 422, {"note": form})
    workflow.note(viewer, order_id, form.text.data or "")
    flash("备注记下了，居民看不到", "success")
    return redirect(own_path(request.form.get("back"), url_for("orders.show", order_id=order_id)), 303)


@pages.page("/orders/<order_id>/transfer", access="orders:read", methods=("GET", "POST"))
def transfer(order_id: str) -> Answer:
    """Hand an order to another desk, or fetch it back."""
    viewer, form = access.viewer(), TransferForm()
    order = queries.get_order(viewer, order_id)
    if "transfer" not in workflow.allowed(order, viewer):
        if not order.may("transfer", viewer):
            raise NotFound if not order.reads(viewer) else access.Forbidden
        flash("这一单现在不能转：已有人接单，或已经办结", "info")
        return redirect(url_for("orders.show", order_id=order_id), 303)
    found = desks.list_desks(viewer, order)
    form.desk.offer((desk.id, desk.name) for desk in found)
    if form.is_submitted() and form.validate():
        try:
            workflow.transfer(viewer, order_id, form.desk.data or "", form.reason.data or "")
        except Refused as refused:
            form.desk.errors = [str(refused)]
        else:
            return _handed_on(viewer, order_id)
    page = render_template("services/orders/transfer.html", order=order, form=form, desks=found)
    return (page, 422) if form.is_submitted() else page


def _handed_on(viewer: Viewer, order_id: str) -> Response:
    """On to the queue: whoever hands an order on may not see it any more."""
    flash("已转出，对方和居民都收到了通知", "success")
    return redirect(url_for("orders.desk"), 303)


def remember_undo(order: Order) -> None:
    """Let the next desk page offer to take this dispatch back."""
    names = "、".join(offer.volunteer_name for offer in order.live_offers()[:3])
    session[UNDO] = {"order": order.id, "version": order.version, "text": f"{order.item['name']}已派给{names}"}
