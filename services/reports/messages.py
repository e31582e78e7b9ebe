"""What is said about reports and files: one function a message, no figures and no names in the short texts."""

from __future__ import annotations

from core.outbox import Draft
from core.web.formats import thousands
from services.reports import kinds as _kinds  # noqa: F401


def issued(person_id: str, issue_id: str, title: str, months: str) -> Draft:
    """To who subscribed: a report was made."""
    return Draft(person_id, "report.issued", f"{title}做好了",
                 f"{months}的数字已经定下来，之后有更正会另外标出。点开可以看和下载", f"/reports/issues/{issue_id}",
                 sms="您订的统计报告做好了，请到邻聚查看", matter=issue_id)  # fmt: skip


def export_done(person_id: str, export_id: str, title: str, rows: int) -> Draft:
    """To who asked: the file lies ready."""
    return Draft(person_id, "report.exported", f"导出做好了：{title}",
                 f"共{thousands(rows)}条，7天内可以下载，只有您自己能下", "/reports/exports",
                 sms="您要的导出做好了，7天内请到邻聚下载", matter=export_id)  # fmt: skip


def export_failed(person_id: str, export_id: str, title: str) -> Draft:
    """To who asked: it did not come about."""
    return Draft(person_id, "report.export_failed", f"导出没做成：{title}", "请再导出一次，还不行请联系系统管理员",
                 "/reports/exports",
                 sms="您要的导出没做成，请到邻聚再导出一次", matter=export_id)  # fmt: skip
