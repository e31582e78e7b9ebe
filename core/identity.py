"""Chinese identity: resident ID numbers, mobile numbers, names and how they are shown.

Sources: GB 11643 (resident ID number), GB/T 2261.1 (sex codes), GB/T 4762 (political
status). The messages of the errors are meant for the page.
"""

import os
import re
import unicodedata
from datetime import date
from enum import IntEnum
from functools import lru_cache

from stdnum.cn import ric

from core import clock

# Names need no phrases; without that dictionary each process is 45 MB smaller and starts a third of a second sooner.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")

from pypinyin import lazy_pinyin

__all__ = [
    "EARLIEST_BIRTH",
    "ELDER_AGE",
    "PARTY_CODES",
    "POLITICAL_STATUSES",
    "IdNumberError",
    "IdentityError",
    "PhoneError",
    "Sex",
    "age_on",
    "honorific",
    "id_birth_date",
    "id_sex",
    "is_name",
    "is_nothing",
    "mask_id",
    "mask_name",
    "mask_phone",
    "narrow",
    "normalise_id_number",
    "normalise_phone",
    "parse_id_number",
    "parse_phone",
    "pinyin_initials",
    "pinyin_key",
    "political_status_of",
    "sex_of",
    "split_phones",
    "surname",
]

ELDER_AGE = 60
"""Years from which a resident is called 阿姨 or 伯伯 (老年人权益保障法, art. 2)."""

PHONE_DIGITS = 11
ID_DIGITS = 18
EARLIEST_BIRTH = date(1890, 1, 1)

_COMPOUND = """
欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠
公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁
拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 左丘 东门 西门 第五
"""
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())

_READINGS = """
单 shan|仇 qiu|解 xie|曾 zeng|区 ou|查 zha|任 ren|朴 piao|盖 ge|华 hua|乐 yue|翟 zhai|种 chong|缪 miao|宓 fu|折 she
黑 he|秘 bi|召 shao|员 yun|冼 xian|洗 xian|么 yao|繁 po|逄 pang|訾 zi|郇 xun|祭 zhai|覃 qin|尹 yin|石 shi|柏 bai
万俟 mo qi|尉迟 yu chi|澹台 tan tai|长孙 zhang sun|令狐 ling hu|亓官 qi guan|乐正 yue zheng|鲜于 xian yu|闾丘 lv qiu
"""
SURNAME_READINGS = dict(entry.split(" ", 1) for entry in _READINGS.replace("\n", "|").split("|") if entry)
"""Readings of characters that sound otherwise as a surname than in ordinary words."""

_NAME = re.compile(r"[\u3007\u3400-\u9fff\U00020000-\U000323af·]{1,30}|[A-Za-z][A-Za-z .'·-]{1,49}")
_SPLIT_PHONES = re.compile(r"[/\\|、,;:：\n\r]|[\u4e00-\u9fff]+|\([^)]*\)")
_PHONE_GAPS = re.compile(r"[\s\-‐‑‒–—_.]+")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_NOTHING = re.compile(r"[\s/\\\-—–_.。*×xX]*|无|没有|不详|未知|未提供|暂无")


PARTY_CODES = ("01", "02")
"""Party members, full and probationary, in GB/T 4762."""

_STATUSES = """
01 中共党员 党员 共产党员 正式党员 中国共产党党员
02 中共预备党员 预备党员 预备 中国共产党预备党员
03 共青团员 团员 中国共产主义青年团团员
04 民革党员 民革
05 民盟盟员 民盟
06 民建会员 民建
07 民进会员 民进
08 农工党党员 农工党
09 致公党党员 致公党
10 九三学社社员 九三学社 九三
11 台盟盟员 台盟
12 无党派人士 无党派 无党派民主人士
13 群众 普通群众 普通公民 居民 少先队员
"""
_STATUS_WORDS = [line.split() for line in _STATUSES.strip().splitlines()]
POLITICAL_STATUSES = {words[0]: words[1] for words in _STATUS_WORDS}
"""Codes of GB/T 4762 and what the page calls them."""
_STATUS_OF = {word: words[0] for words in _STATUS_WORDS for word in words[1:]}


class IdentityError(ValueError):
    """A phone or ID number cannot be right; ``str(error)`` says in Chinese how to mend it."""


class PhoneError(IdentityError):
    """Not a mobile number."""


class IdNumberError(IdentityError):
    """Not a resident ID number. `bad_date` tells a right checksum over a day that does not exist."""

    def __init__(self, message: str, *, bad_date: bool = False) -> None:
        super().__init__(message)
        self.bad_date = bad_date


class Sex(IntEnum):
    """Codes of GB/T 2261.1."""

    UNKNOWN = 0
    MALE = 1
    FEMALE = 2
    UNSTATED = 9


def narrow(text: str) -> str:
    """Full-width digits, letters and signs made half-width, odd spaces made plain, ends trimmed."""
    return unicodedata.normalize("NFKC", text).replace("\u200b", "").replace("\ufeff", "").strip()


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is nothing to say: empty, a dash, 无, 不详."""
    return _NOTHING.fullmatch(text) is not None


# Phones


def parse_phone(text: str) -> str:
    """The 11 digits of one mobile number, written with spaces, dashes, +86 or full-width digits.

    Raises PhoneError.
    """
    digits = _PHONE_GAPS.sub("", narrow(text)).removeprefix("+86")
    if digits.startswith("86") and len(digits) == PHONE_DIGITS + 2:
        digits = digits[2:]
    if not digits.isascii() or not digits.isdigit():
        raise PhoneError("手机号只能填数字" if digits else "请填手机号")
    if len(digits) != PHONE_DIGITS:
        raise PhoneError(f"手机号要{PHONE_DIGITS}位，您填了{len(digits)}位")
    if not _MOBILE.fullmatch(digits):
        raise PhoneError("手机号要以13到19开头")
    return digits


def normalise_phone(text: str) -> str | None:
    """Like `parse_phone`, None when it is not a mobile number."""
    try:
        return parse_phone(text)
    except PhoneError:
        return None


def split_phones(text: str) -> list[str]:
    """All mobile numbers in a cell, in order, each once; an empty cell gives none.

    Raises PhoneError as soon as one part is not a mobile number: a cell is right as a whole or not at all.
    """
    found: dict[str, None] = {}
    for part in _SPLIT_PHONES.split(narrow(text)):
        if not is_nothing(part):
            found |= dict.fromkeys(_phones_in_part(part))
    return list(found)


def _phones_in_part(part: str) -> list[str]:
    """Phones that nothing but a space or a dash divides: 11 digits may themselves be written 3-4-4."""
    digits = _PHONE_GAPS.sub("", part).replace("+86", "")
    if len(digits) > PHONE_DIGITS and len(digits) % PHONE_DIGITS == 0:
        return [parse_phone(digits[i : i + PHONE_DIGITS]) for i in range(0, len(digits), PHONE_DIGITS)]
    return [parse_phone(part)]


# ID numbers


def parse_id_number(text: str, *, today: date | None = None) -> str:
    """The 18 characters of a resident ID number, spaces, full-width digits and a lower-case x mended.

    The region is not looked up: regions come and go, and an old number stays valid. Raises IdNumberError.
    """
    number = re.sub(r"[\s'‘’`-]", "", narrow(text)).upper()
    if not number:
        raise IdNumberError("请填身份证号")
    if len(number) != ID_DIGITS:
        raise IdNumberError(f"身份证号要{ID_DIGITS}位，您填了{len(number)}位")
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise IdNumberError("身份证号前17位是数字，最后一位是数字或X")
    if number[-1] != ric.calc_check_digit(number):
        raise IdNumberError("身份证号校验不通过，请核对每一位")
    try:
        born = ric.get_birth_date(number)
    except ValueError:
        raise IdNumberError(f"身份证号里的出生日期{number[6:14]}不存在", bad_date=True) from None
    if not EARLIEST_BIRTH <= born <= (today or clock.today()):
        raise IdNumberError(f"身份证号里的出生日期{number[6:14]}不对", bad_date=True)
    return number


def normalise_id_number(text: str) -> str | None:
    """Like `parse_id_number`, None when it is not an ID number."""
    try:
        return parse_id_number(text)
    except IdNumberError:
        return None


def id_birth_date(number: str) -> date:
    """The day of birth in a checked ID number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def id_sex(number: str) -> Sex:
    """The sex in a checked ID number: the 17th digit is odd for men."""
    return Sex.MALE if int(number[16]) % 2 else Sex.FEMALE


def sex_of(text: str) -> Sex:
    """The code for a word or a code of GB/T 2261.1; UNKNOWN when it says nothing."""
    words = {"男": Sex.MALE, "男性": Sex.MALE, "1": Sex.MALE, "女": Sex.FEMALE, "女性": Sex.FEMALE, "2": Sex.FEMALE}
    return words.get(narrow(text), Sex.UNSTATED if narrow(text) == "9" else Sex.UNKNOWN)


def political_status_of(text: str) -> tuple[str | None, str]:
    """The code of GB/T 4762 and the text; no code for a text that is not known."""
    plain = re.sub(r"\s", "", narrow(text))
    return (None, "") if is_nothing(plain) else (_STATUS_OF.get(plain), plain)


def age_on(born: date, day: date) -> int:
    """Full years of age on a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# Names


def is_name(text: str) -> bool:
    """Whether a text can be one person's name: Chinese characters with a dot between, or Latin letters."""
    return _NAME.fullmatch(text) is not None


def surname(name: str) -> str:
    """The surname, of one or two characters."""
    return name[:2] if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else name[:1]


def honorific(name: str, sex: Sex | int = Sex.UNKNOWN, age: int | None = None) -> str:
    """What one says at the door: 沈阿姨, 王伯伯, 李女士, 陈先生; 周同学 for minors, 吴同志 for an unknown sex."""
    if age is not None and age < 18:
        return surname(name) + "同学"
    elder = age is not None and age >= ELDER_AGE
    titles = {Sex.MALE: "伯伯" if elder else "先生", Sex.FEMALE: "阿姨" if elder else "女士"}
    return surname(name) + titles.get(Sex(sex), "同志")


def mask_phone(phone: str) -> str:
    """138****1234; anything shorter than a mobile number keeps its last two digits."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= PHONE_DIGITS else "*" * max(len(phone) - 2, 0) + phone[-2:]


def mask_id(number: str) -> str:
    """First four and last four characters, a star for each of the others."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}" if len(number) > 8 else "*" * len(number)


def mask_name(name: str) -> str:
    """The surname and a star for each other character: 张*, 沈**, 欧阳**."""
    kept = surname(name)
    return kept + "*" * (len(name) - len(kept))


@lru_cache(maxsize=20_000)
def _syllables(name: str) -> tuple[str, ...]:
    kept = surname(name)
    reading = SURNAME_READINGS.get(kept)
    head = reading.split() if reading else lazy_pinyin(kept)
    return tuple(part.lower() for part in [*head, *lazy_pinyin(name[len(kept) :])])


def pinyin_key(name: str) -> str:
    """The reading to sort and search by, the surname read as a surname: 单雅春 gives "shan ya chun"."""
    return " ".join(_syllables(name))


def pinyin_initials(name: str) -> str:
    """The first letter of each syllable: 单雅春 gives "syc"."""
    return "".join(part[0] for part in _syllables(name) if part[:1].isalnum())
