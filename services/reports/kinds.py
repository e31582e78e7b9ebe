"""The kinds of messages about reports, in the group in which people choose them."""

from __future__ import annotations

from core.outbox.kinds import Group, Kind, declare

declare(
    Group("reports", "统计和报表", "订的月报、季报做好了，自己要的导出做好了", "staff"),
    [
        Kind("report.issued", "月报季报"),
        Kind("report.exported", "导出做好了"),
        Kind("report.export_failed", "导出没做成"),
    ],
)
