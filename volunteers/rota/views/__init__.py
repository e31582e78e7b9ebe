"""The pages of rotas: the week's board, posts, shifts with their verbs, and a volunteer's own."""

from volunteers.rota.views import board, own, places, posts, shifts  # noqa: F401
from volunteers.rota.views.blueprint import pages

__all__ = ["pages"]
