"""The register of volunteers: at the desk, and each volunteer's own page."""

from volunteers.registry.views import desk, own
from volunteers.registry.views.blueprint import pages

__all__ = ["desk", "own", "pages"]
