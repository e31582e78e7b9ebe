"""The pages of messages: what a person chooses, and the robots of group chats."""

from community.channels.views.mine import pages
from community.channels.views.robots import pages as robot_pages

__all__ = ["pages", "robot_pages"]
