"""The pages of figures: the dashboard, the rows behind a figure, papers, reports that make themselves, open figures."""

from services.reports.views import board, issues, open, papers  # noqa: F401
from services.reports.views.blueprint import pages

__all__ = ["pages"]
