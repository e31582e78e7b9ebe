"""A volunteer's own: what is free, by day, and their shifts."""

from __future__ import annotations

from flask import render_template, request

from core import access, clock
from volunteers.rota import free, queries
from volunteers.rota.models import STATE_NAMES
from volunteers.rota.queries import SERVE
from volunteers.rota.views.blueprint import pages


@pages.page("/rota/free", access=SERVE)
def free_list() -> str:
    """Free places by day: those that fit me, or all with why not."""
    everything = request.args.get("all") == "1"
    return render_template(
        "volunteers/rota/free.html", days=free.list_free(access.viewer(), everything), everything=everything,
        names=STATE_NAMES,
    )  # fmt: skip


@pages.page("/rota/mine", access=SERVE)
def mine() -> str:
    """My shifts: to answer, ahead, and past."""
    ahead, past = queries.list_mine(access.viewer())
    return render_template("volunteers/rota/mine.html", ahead=ahead, past=past, names=STATE_NAMES, now=clock.now())
