"""The words of a roll: what its columns are called and what people write into them."""

import re

from core.identity import is_nothing, narrow

__all__ = [
    "CARE_HEADER",
    "DUPLICATE_HEADER",
    "HOUSEHOLDER_WORDS",
    "REQUIRED",
    "VACANT",
    "VOCABULARY",
    "is_yes",
    "occupancy_of",
]

CARE_HEADER = re.compile(
    r"(?:是否(?:为|是)?)?(低保户?|低保边缘|特困|残疾人?|独居(?:老人)?|空巢(?:老人)?|留守(?:儿童|老人|妇女)|失能(?:老人)?|孤寡(?:老人)?|孤儿"
    r"|重残|计生特殊|困境儿童)"
)
"""A column of its own for one category of difficulty, filled with 是 or a tick."""

DUPLICATE_HEADER = "重复的身份证号"
"""A column of the workbook of refused rows: a row that still has this ID number has not been mended."""

_HEADERS = r"""
building: (所在)?楼栋(号|名称|编号)? 楼号 楼房号 栋号? 栋数 幢号? 楼幢号? 座号? 楼宇 楼座 几栋 楼 屋场(名称)? 楼栋/屋场
unit: 单元(号|名称?)? 所在单元 门洞号? 梯号?
door: 房(间|屋)?号码? 室号? 户号 门号 门牌号码? 房屋编号 房间 住房号
address: 门牌 (现|家庭|居住|小区|详细|房屋)?(住址|地址) 居住地 住所 (房屋)?坐落 家庭住所 楼栋号?门牌号? 楼栋(单元)?房号
address: 栋号?房号 楼?栋-?单元-?(房号|室)
name: (居民|住户|人员|本人|业主|产权人|租户|房主|家庭成员|成员)?(姓名|名字) 业主(名称)? 住户 产权人 房主 户主/成员
name: (家庭)?成员
householder: 户主(姓名|名字)?
relation: (与|和)?(户主|业主)?之?关系 称谓 家庭关系 成员关系 与户主称谓 人员关系
sex: 性别
id_number: (公民|居民|业主|户主|本人)?身份证(号码?|件号码?)? 公民身份号码 证件号码? 身份号码
birth_date: 出生(日期|年月日?|时间)? 生日
phone: (业主|住户|户主|本人|居民|租户|备用|其他)?(联系|手机|移动|固定)?(电话|手机|方式)(号码?)?\d? 座机
phone: (业主|住户|户主|本人|居民|租户)?联系(电话|方式|号码)
political_status: 政治(面貌|身份)
party_member: (是否)?(为|是)?(中共)?党员(身份|否)?
occupancy: (居住|入住|住房|房屋|使用|房屋居住|房屋使用|居住使用)(情况|状态|状况|性质|类型|类别|现状) 房屋用途 自住/出租
care: (困难|特殊|重点|关爱|帮扶|特殊困难|人员|人群|特殊人群|重点人群)(类别|情况|类型|人群|对象|群体|标签) 困难
care: 困难对象类别
floor_area: (建筑|房屋|住房|套内|产权|房产|登记|房屋建筑)?面积(m2|平方米|平米)? 建面
residents_count: (入住|居住|常住|家庭|实住|实际居住)?(人数|人口|人口数)
note: 备注(说明|信息)? 说明 其他(情况|说明)?
"""


def _vocabulary() -> dict[str, re.Pattern[str]]:
    patterns: dict[str, list[str]] = {}
    for line in _HEADERS.strip().splitlines():
        name, _, words = line.partition(": ")
        patterns.setdefault(name, []).extend(words.split())
    return {name: re.compile("|".join(words)) for name, words in patterns.items()}


VOCABULARY = _vocabulary() | {"known_duplicate": re.compile(DUPLICATE_HEADER), "care_flag": CARE_HEADER}
"""For each field the pattern of a whole header, brackets and units taken off."""

REQUIRED = (
    frozenset({"building", "door", "address"}),
    frozenset({"name", "householder", "door", "address", "occupancy"}),
)
"""A header must name one field of each group."""

VACANT = "空置"
_OCCUPANCY = {
    VACANT: "空置 空 空房 空户 闲置 无人 无人居住 无人住 未入住 未住 毛坯 未装修",
    "自住": "自住 自有 自用 本人居住 业主自住 常住 自住房",
    "租住": "租住 租户 承租 租房 租客 租赁居住",
    "出租": "出租 已出租 租赁 出租房 出租屋",
}
_OCCUPANCY_OF = {word: term for term, words in _OCCUPANCY.items() for word in words.split()}

HOUSEHOLDER_WORDS = frozenset({"户主", "本人", "房主", "业主", "户主本人", "业主本人"})
_TICKS = "是 有 对 √ ✓ ✔ ☑ 1 Y YES TRUE 党员 正式 正式党员 中共党员 预备 预备党员 中共预备党员"
_YES = frozenset(_TICKS.split(" "))


def occupancy_of(text: str) -> str:
    """自住, 租住, 出租 or 空置; any other text as it was written."""
    plain = narrow(text)
    return "" if is_nothing(plain) else _OCCUPANCY_OF.get(plain, plain)


def is_yes(text: str) -> bool:
    """Whether a cell is ticked: 是, √, 1."""
    return narrow(text).upper() in _YES
