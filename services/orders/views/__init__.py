"""The pages of orders: a resident's, a volunteer's, the desk's, and the one page of an order with its verbs."""

from services.orders.views import desk, home, order, saved_time, tasks, verbs  # noqa: F401
from services.orders.views.blueprint import pages

__all__ = ["pages"]
