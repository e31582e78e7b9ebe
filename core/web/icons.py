"""Icons as a sprite of used symbols: a page carries the drawings it shows and no others.

``icon("i-check")`` draws one icon and records its use for the present request; the base layout
calls ``icons.sprite()`` last, which gives the recorded symbols from ``static/icons.svg``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from flask import Flask, g
from markupsafe import Markup

_SYMBOL = re.compile(r'<symbol id="(?P<id>i-[a-z0-9-]+)".*?</symbol>', re.DOTALL)


@cache
def _symbols(path: Path) -> dict[str, str]:
    """Icon id to its ``<symbol>`` element, as drawn in the icon file; read once a process."""
    return {match["id"]: match[0] for match in _SYMBOL.finditer(path.read_text(encoding="utf-8"))}


@cache
def _use(name: str, variant: str) -> Markup:
    css = f"icon icon--{variant}" if variant else "icon"
    return Markup('<svg class="{}" aria-hidden="true" focusable="false"><use href="#{}"/></svg>').format(css, name)


class Icons:
    """The icons of one application; what a request has used is kept on ``flask.g``."""

    def __init__(self, path: Path) -> None:
        self._symbols = _symbols(path)

    def use(self, name: str, variant: str = "") -> Markup:
        """Draw the icon ``name`` and remember its symbol. ``variant`` is ``s`` (text size) or ``l`` (large).

        Raises KeyError for an icon that the file does not hold: a template's mistake, found by its first test.
        """
        if name not in self._symbols:
            raise KeyError(f"no icon {name!r} in icons.svg")
        self._used()[name] = None
        return _use(name, variant)

    def sprite(self) -> Markup:
        """The hidden sprite with the symbols used so far in this request, or nothing when there are none."""
        used = self._used()
        if not used:
            return Markup("")
        drawings = "".join(self._symbols[name] for name in sorted(used))
        return Markup(f'<svg class="sprite" aria-hidden="true" focusable="false">{drawings}</svg>')

    @staticmethod
    def _used() -> dict[str, None]:
        used: dict[str, None] | None = g.get("icons_used")
        if used is None:
            used = g.icons_used = {}
        return used


def register(app: Flask) -> None:
    """Give every template ``icon(name, variant="")`` and ``icons.sprite()``."""
    if app.static_folder is None:
        raise RuntimeError("the application has no static folder to read icons.svg from")
    icons = Icons(Path(app.static_folder) / "icons.svg")
    app.jinja_env.globals["icons"] = icons
    app.jinja_env.globals["icon"] = icons.use
