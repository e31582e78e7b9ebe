"""Pages of certificates."""

from volunteers.certificates.views import batches, own
from volunteers.certificates.views.blueprint import pages

__all__ = ["batches", "own", "pages"]
