"""The services list an estate starts with. The branch edits it; nothing here is fixed.

Deadlines follow the limits in use for 接诉即办 (2 hours, 24 hours, 7 days, 15 days; rules.md 3).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from core import clock
from core.database import db
from core.ids import new_id
from services.catalogue.models import ServiceItem

HOUR, DAY = 60, 1440
_FIELDS = (
    "code", "name", "category", "icon", "skills", "usual_minutes", "deadline_minutes", "clock", "hint", "who_may_order",
)  # fmt: skip
_ALL, _HOURS, _DAYS = "around_the_clock", "working_hours", "working_days"
_ROWS: tuple[tuple[Any, ...], ...] = (
    (
        "elder_shopping",
        "助老购物",
        "生活照料",
        "i-c-shop",
        ["shopping"],
        40,
        DAY,
        _ALL,
        "写清买什么、买多少、大概价钱",
        "everyone",
    ),
    (
        "blood_pressure",
        "上门量血压",
        "健康关爱",
        "i-c-bp",
        ["blood_pressure"],
        30,
        DAY,
        _ALL,
        "说说哪里不舒服，药还够吃几天",
        "everyone",
    ),
    (
        "small_repair",
        "家电维修",
        "维修",
        "i-c-fix",
        ["appliance_repair"],
        60,
        3 * DAY,
        _ALL,
        "写清什么东西坏了、怎么坏的",
        "everyone",
    ),
    (
        "plumbing",
        "水电维修",
        "维修",
        "i-c-fix",
        ["plumbing_electrical"],
        60,
        DAY,
        _ALL,
        "写清哪里漏水或没电",
        "everyone",
    ),
    (
        "clinic_company",
        "陪诊代办",
        "健康关爱",
        "i-c-clinic",
        ["clinic_company"],
        180,
        3 * DAY,
        _ALL,
        "写清哪天、去哪家医院、看什么科",
        "everyone",
    ),
    ("cleaning", "清扫保洁", "生活照料", "i-c-clean", ["cleaning"], 90, 7 * DAY, _ALL, "写清打扫哪里", "everyone"),
    (
        "listening",
        "心理陪伴",
        "健康关爱",
        "i-c-talk",
        ["listening"],
        60,
        3 * DAY,
        _ALL,
        "想聊什么都可以，不写也行",
        "everyone",
    ),
    ("haircut", "上门理发", "生活照料", "i-c-clean", ["haircut"], 40, 7 * DAY, _ALL, "写清几个人理发", "elders"),
    ("tutoring", "辅导作业", "教育", "i-c-more", ["tutoring"], 90, 7 * DAY, _ALL, "写清年级和科目", "everyone"),
    ("errands", "跑腿代办", "生活照料", "i-c-parcel", [], 40, DAY, _ALL, "写清去哪里、办什么", "everyone"),
    (
        "tech_help",
        "手机电脑帮手",
        "教育",
        "i-phone",
        ["tech_help"],
        40,
        3 * DAY,
        _ALL,
        "写清手机或电脑遇到什么问题",
        "everyone",
    ),
    ("legal", "法律咨询", "咨询", "i-c-more", ["legal"], 60, 5 * DAY, _DAYS, "写清想问什么事", "everyone"),
    (
        "mediation",
        "矛盾调解",
        "咨询",
        "i-c-talk",
        ["mediation"],
        90,
        3 * DAY,
        _DAYS,
        "写清和谁、因为什么事",
        "everyone",
    ),
    ("emergency", "紧急帮助", "应急", "i-sos", [], 60, 2 * HOUR, _ALL, "危及生命请先打120、110、119", "everyone"),
    ("policy_question", "政策代问", "咨询", "i-info", [], 30, 14 * HOUR, _HOURS, "写清想问哪项政策", "everyone"),
    ("other", "其他帮忙", "其他", "i-c-more", [], 60, 3 * DAY, _ALL, "写清要帮什么忙", "everyone"),
)


def give_starters(estate_id: str) -> int:
    """Write the starting list for an estate that has none; returns how many items. Caller commits."""
    at = clock.now()
    rows = [
        dict(zip(_FIELDS, row, strict=True))
        | {
            "id": new_id(), "estate_id": estate_id, "position": number * 10, "description": "", "volunteers_needed": 1,
            "offer_minutes": 30 if row[0] == "emergency" else 240, "is_active": True, "version": 1, "updated_at": at,
        }
        for number, row in enumerate(_ROWS, 1)
    ]  # fmt: skip
    db.session.execute(insert(ServiceItem), rows)
    return len(rows)
