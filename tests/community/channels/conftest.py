"""The office with its gateways, for the pages and the ways of messages."""

from tests.core.outbox.conftest import office

__all__ = ["office"]
