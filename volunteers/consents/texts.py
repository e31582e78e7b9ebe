"""What is told and what is agreed to, in versions: a changed text gets a new version and is asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

VERSION = "2026-1"
SINCE = date(2026, 11, 1)


@dataclass(frozen=True)
class Text:
    """One consent: a title to tick, and what it says. Nobody serves without a ``needed`` one."""

    kind: str
    title: str
    paragraphs: tuple[str, ...]
    needed: bool = False


TEXTS = {
    text.kind: text
    for text in (
        Text(
            "general", "我看过告知，同意登记为志愿者",
            (
                "谁在用：您所在小区的党支部，联系方式在首页。",
                "用来做什么：登记志愿者、派单、记录服务时长、开具证明。依据是《志愿服务条例》和《志愿服务记录与证明出具办法》。",
                "用哪些资料：姓名、性别、出生日期、居住区域、联系方式、服务技能、服务类别和有空的时间。档案里已有的不再让您填。",
                "保存多久：在册期间一直保存。退出后封存10年，由支部指定专人保管，到期销毁，只留编号和时长。",
                "您的权利：随时可以查看、更正、撤回同意、退出。撤回不影响以前的服务记录。",
            ),
            True,
        ),
        Text(
            "sensitive", "单独同意：使用我的身份证号等敏感信息",
            (
                "身份证号用来核对是不是本人、有没有重复登记。加密保存，页面上只显示头尾各四位，谁看过全号都有记录。",
                "未满18岁的，连同监护人的姓名、关系和电话一起使用，只用来联系监护人。",
            ),
            True,
        ),
        Text(
            "sharing", "单独同意：把登记和时长报送全国志愿服务信息系统",
            ("报送姓名、身份证号和服务时长，用来领取全国统一编号。不同意不影响在本小区服务。",),
        ),
        Text(
            "publishing", "单独同意：在队伍页和光荣榜上公开我的姓名和时长",
            ("只公开姓名和时长，不公开住址和电话。不同意就只显示姓。光荣榜只按服务排名，不看用手机多少。",),
        ),
        Text(
            "hours_notice", "单独同意：每月时长公示时写上我的姓氏",
            ("同意后，公示页上把您写成“张*”这样；不同意就写“某志愿者”。公示页谁都能打开，时长和次数照常公示。",),
        ),
    )
}  # fmt: skip
HONOUR_ROLL, HOURS_NOTICE = "publishing", "hours_notice"
NAMING = (HOURS_NOTICE, HONOUR_ROLL)
"""Consents to be named in public: never given for anybody under 18."""
NEEDED = tuple(kind for kind, text in TEXTS.items() if text.needed)
OFFERED = tuple(kind for kind, text in TEXTS.items() if not text.needed)
HOWS = {"present": "当面", "paper": "签字纸质", "phone": "电话确认", "online": "本人在线"}
"""How a consent was given, as the record says."""
