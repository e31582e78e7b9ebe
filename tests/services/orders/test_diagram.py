"""The picture of the states in the docs is the state table."""

from core.config import ROOT
from core.workflow import diagram
from services.orders.models import State
from services.orders.workflow import ORDERS

NAMES = {
    State.PLACED: "待派单",
    State.DISPATCHED: "待接单",
    State.ACCEPTED: "已接单",
    State.IN_SERVICE: "服务中",
    State.COMPLETED: "待评价",
    State.CLOSED: "已办结",
    State.CANCELLED: "已撤单",
    State.SENT_BACK: "已退单",
}


def test_the_docs_show_the_state_table() -> None:
    page = (ROOT / "docs" / "订单状态.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram(ORDERS, NAMES)}\n```" in page
