"""Using saved time for an order, from its page."""

from __future__ import annotations

from flask import flash, redirect, url_for

from core import access
from core.access import SIGNED_IN
from services.orders import saved_time
from services.orders.views.blueprint import Answer, pages
from volunteers.timebank.workflow import Refused


@pages.page("/orders/<order_id>/saved-time", access=SIGNED_IN, methods=("POST",), writes=True)
def use_saved_time(order_id: str) -> Answer:
    """Use the resident's saved time, so that the order is dispatched first."""
    try:
        minutes = saved_time.use(access.viewer(), order_id)
    except Refused as refused:
        flash(str(refused), "warning")
    else:
        flash(f"已用{minutes}分钟储蓄时间，支部会优先安排。服务不收费", "success")
    return redirect(url_for("orders.show", order_id=order_id), 303)
