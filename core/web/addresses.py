"""Ways back that never lead off the site."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, request

from core.config import Settings


def own_path(address: str | None, default: str = "/") -> str:
    """``address`` when it is a path of this site, else ``default``.

    Refused are other hosts, ``//host``, and backslashes and control characters, which browsers mend into such.
    """
    if not address or not address.startswith("/") or address.startswith("//") or "\\" in address:
        return default
    return default if any(c < "!" or c == "\x7f" for c in address) else address


def came_from(default: str = "/") -> str:
    """The path of the page of this site that the request came from, with its query, else ``default``."""
    page = urlsplit(request.referrer or "")
    if page.netloc != request.host:
        return default
    return own_path(page.path + (f"?{page.query}" if page.query else ""), default)


def site_address(path: str) -> str:
    """A path of this site as a whole address, for codes and papers: below the public one of the settings, if set."""
    settings: Settings = current_app.extensions["linju.settings"]
    return (settings.public_url or request.host_url.rstrip("/")) + path
