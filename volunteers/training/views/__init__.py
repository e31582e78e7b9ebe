"""The pages of training: at the desk, and a volunteer's own."""

from volunteers.training.views import desk, own, sessions  # noqa: F401
from volunteers.training.views.blueprint import pages

__all__ = ["pages"]
