"""What volunteers offer: the catalogue of skills, and reading it out of free text."""

import re

from core.identity import is_nothing, narrow

__all__ = ["SKILLS", "parse_skills", "skill_name"]

_CATALOGUE = """
shopping: 助老购物 代购 代买 买菜 代买菜 购物 帮买 代买药 助老代购 代购代买
blood_pressure: 量血压 测血压 血压测量 测血糖 健康监测 血压 义诊
appliance_repair: 家电维修 修家电 电器维修 修电器 家电 小家电维修 电器
plumbing_electrical: 水电维修 水电 修水电 水管维修 电工 水电工 管道疏通 通下水道 换灯泡
small_repairs: 小修小补 木工 修锁 换锁 修家具 维修 家具维修
clinic_company: 陪诊 陪同就医 陪护就医 陪看病 就医陪同 挂号取药 陪医
cleaning: 清扫 保洁 打扫卫生 卫生清洁 清洁 打扫 家政 环境卫生 楼道清扫
listening: 心理疏导 心理陪伴 心理咨询 陪聊 聊天 倾听 谈心 心理辅导 情绪疏导 陪伴
haircut: 理发 剪发 剪头发 义剪 美发
tutoring: 辅导作业 作业辅导 课业辅导 家教 功课辅导 学业辅导 辅导功课 课后辅导
errands: 跑腿代办 跑腿 代办 代缴费 帮办 代办事 送药 取快递
tech_help: 智能手机 手机使用 教用手机 电脑 电脑维修 智能手机教学 手机教学 智能设备 教手机
legal: 法律咨询 法律援助 法律 普法 法律服务 律师
mediation: 调解 矛盾调解 纠纷调解 邻里调解 矛盾纠纷调解 人民调解
first_aid: 急救 应急救护 急救员 救护 心肺复苏 应急救援 应急
meal_delivery: 送餐 助餐 做饭 配餐
child_care: 照看孩子 托管 看护儿童 接送孩子 儿童照看
elder_care: 照护老人 护理 助浴 养老护理 老人看护 探访
driving: 开车 接送 驾驶 司机 车辆接送
culture: 文艺 唱歌 跳舞 书法 摄影 文艺演出 乐器 广场舞 绘画
publicity: 宣传 政策宣讲 宣讲 理论宣讲 政策宣传
patrol: 巡逻 治安巡逻 值守 巡查 平安巡防 治安
sign_language: 手语 手语翻译
translation: 翻译 外语 英语
sewing: 缝补 裁缝 缝纫 改衣服
gardening: 园艺 绿化 修剪花木 种花
"""

_LINES = [line.partition(": ") for line in _CATALOGUE.strip().splitlines()]
SKILLS: dict[str, str] = {code: words.split()[0] for code, _, words in _LINES}
"""Codes, which never change once used, and their names."""
_CODE_OF = {word: code for code, _, words in _LINES for word in words.split()}
_SPLIT = re.compile(r"[、,;/|+&.。\s]+")
_FILLER = re.compile(r"^(会|能|擅长|可以|懂|帮忙|上门|义务|免费|提供)+|(服务|技能|方面|工作|等)+$")


def skill_name(code: str) -> str:
    """The name of a skill. Raises KeyError for a code that is not in the catalogue."""
    return SKILLS[code]


def parse_skills(text: str) -> tuple[list[str], str]:
    """The codes that a free text offers, in order, and what was not understood, joined by 、."""
    codes: dict[str, None] = {}
    unclear = []
    for part in _SPLIT.split(narrow(text)):
        if not part or is_nothing(part):
            continue
        found = _codes_of(part)
        codes |= dict.fromkeys(found)
        if not found:
            unclear.append(part)
    return list(codes), "、".join(unclear)


def _codes_of(part: str) -> list[str]:
    """The code of a word; two words joined by 和 or 及 are two."""
    for word in (part, _FILLER.sub("", part)):
        if word in _CODE_OF:
            return [_CODE_OF[word]]
    pieces = [_FILLER.sub("", piece) for piece in re.split("[和及与]", part)]
    return [_CODE_OF[piece] for piece in pieces] if all(piece in _CODE_OF for piece in pieces) else []
