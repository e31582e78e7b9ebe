"""The pages of messages: what a person chooses, and the robots of group chats."""

from community.channels.views import mine, robots  # noqa: F401
from community.channels.views.blueprint import pages

__all__ = ["pages"]
