"""The pages of hours: one's own, a volunteer's at the desk, and what the branch does with hours."""

from volunteers.hours.views import desk, own  # noqa: F401
from volunteers.hours.views.blueprint import pages

__all__ = ["pages"]
