"""The sums kept up to date."""

from __future__ import annotations

from core import jobs
from services.reports import proof, workflow


@jobs.job("roll_figures", "把新的变动计入统计", "*/10 * * * *")
def roll_figures() -> str:
    """Count what has changed since each estate's mark; an estate is a transaction, so that it may stop anywhere."""
    orders = hours = 0
    for estate_id, path, _name in workflow.list_estates():
        orders += workflow.roll_orders(estate_id, path)
        hours += workflow.roll_hours(estate_id, path)
    return f"计入{orders}单、{hours}条时长"


NAMED = 5


@jobs.job("prove_figures", "核对统计汇总与逐条记录", "40 3 * * *")
def prove_figures() -> str:
    """Prove the kept sums against the rows. Raises ``ValueError`` that names what differs."""
    found = list(proof.differences())
    if found:
        raise ValueError("；".join(map(str, found[:NAMED])) + (f"；等{len(found)}处" if len(found) > NAMED else ""))
    return "汇总与逐条全部相符"
