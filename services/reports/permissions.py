"""Rights over reports."""

from core.access import ABOVE, BRANCH, declare

declare("reports", {"read": ("查看服务统计", {*BRANCH, *ABOVE})})
