"""The pages of standing orders: one's own, the form, the one page of a series with its verbs, and the desk's list."""

from services.standing.views import agreement, desk, series, verbs  # noqa: F401
from services.standing.views.blueprint import pages

__all__ = ["pages"]
