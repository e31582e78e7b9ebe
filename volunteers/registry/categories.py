"""The kinds of service that a volunteer is ready for (服务类别, MCA order 67), by codes that never change once used."""

from __future__ import annotations

CATEGORIES: dict[str, str] = {
    "elders": "助老",
    "disabled": "助残",
    "children": "关爱儿童青少年",
    "neighbours": "邻里便民",
    "health": "健康与心理",
    "law": "法律与调解",
    "environment": "环境保护",
    "safety": "平安巡防",
    "emergency": "应急救援",
    "culture": "文体活动",
    "publicity": "政策宣传",
    "events": "大型活动",
}
NOT_FOR_MINORS = frozenset({"emergency"})
"""Minors take no part in emergency rescue (志愿服务条例)."""


def category_names(codes: object) -> list[str]:
    """Names in the order of the catalogue."""
    held = set(codes) if isinstance(codes, list | tuple | set | frozenset) else set()
    return [name for code, name in CATEGORIES.items() if code in held]
