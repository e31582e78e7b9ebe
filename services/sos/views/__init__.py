"""The pages of emergency calls: asking for help, the one page of a call with its verbs, the desk's list."""

from services.sos.views import ask, call, desk, verbs  # noqa: F401
from services.sos.views.blueprint import pages

__all__ = ["pages"]
