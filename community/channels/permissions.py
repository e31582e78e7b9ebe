"""Rights over the robots of group chats. One's own preferences need none."""

from core.access import ABOVE, BRANCH, declare

declare("channels", {"robots": ("添加、试发和停用群机器人", {*BRANCH, *ABOVE})})
