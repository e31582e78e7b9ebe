"""What an estate decides about its offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from community.policies.declared import Rule, Topic, declare
from community.policies.queries import by_estate
from core import clock

OFFERS = declare(
    Topic(
        "offers",
        "派单与接单",
        "志愿者一天最多收到几单、什么时候不打扰、没人答复怎么办",
        (
            Rule("offers_a_day", "每位志愿者一天最多收到", 4, low=1, high=50, unit="单",
                 hint="到了这个数就不再推荐，急单和书记点名派的除外"),
            Rule("quiet_from", "晚上几点起不打扰", 21 * 60, "time", hint="不急的派单留到早上再通知"),
            Rule("quiet_until", "早上几点起可以打扰", 8 * 60, "time"),
            Rule("on_expiry", "到时间没人接怎么办", "queue", "choice",
                 choices=(("queue", "回到派单台，由支部再派"), ("next", "自动派给下一位最合适的人"))),
            Rule("automatic_rounds", "最多自动派几轮", 3, low=1, high=10, unit="轮", hint="都没人接，就回到派单台"),
            Rule("claims_held", "抢单最多同时拿着", 2, low=1, high=20, unit="单",
                 hint="做完一单再抢下一单，别人也有机会"),
        ),
    )
)  # fmt: skip


def is_quiet(estate_id: str, moment: datetime) -> bool:
    """Whether only urgent matters may disturb in an estate at a moment."""
    begin, end = quiet_hours([estate_id])[estate_id]
    local = clock.local(moment)
    minute = local.hour * 60 + local.minute
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def quiet_hours(estate_ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """When only urgent matters may disturb, by estate: from and until, in minutes after midnight."""
    decided = by_estate(OFFERS, estate_ids)
    return {estate: (found.values["quiet_from"], found.values["quiet_until"]) for estate, found in decided.items()}
