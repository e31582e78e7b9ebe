"""Where a household lives inside an estate, out of the many ways in which people write it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from core.identity import narrow

__all__ = ["Address", "AddressError", "join_address", "label_block", "names_building", "parse_address", "parse_block"]

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_CHINESE_NUMBER = re.compile(r"[一二三四五六七八九十两]{1,3}(?=号楼|号栋|栋|幢|座|单元)")
_DASHES = re.compile(r"[‐‑‒–—―−﹣－~]+")

_PREFIX = r"(?:.*?[\u4e00-\u9fff])??"
_ZONE = r"(?P<zone>[A-Z\d一二三四五六七八九十东南西北中]{1,3}(?:区|期|组团))?"
_BLOCK = r"(?P<block>[A-Z]?\d{1,3}|[A-Z]\d?)"
_WORD = r"(?P<word>号楼|号栋|#楼|#栋|栋楼|栋|幢|座|#|楼(?=\d{1,2}单元))"
_UNIT = r"(?:(?P<unit>\d{1,2})(?:单元|门|梯|-)-?)?"
_DOOR = r"(?P<door>[A-Z]?\d{1,4}[A-Z]?|(?:商铺|门面|铺面|车库|杂屋|架空层|地下室)\d{0,4})(?:号房|室|号|房|户)?"
_FLOOR = r"(?:\d{1,2}[楼层]-?(?=[A-Z]?\d{3}))?"
_HAMLET_WORD = r"(?:屋场|大屋|院子|小组|村|组|队|湾|冲|坪|塘|巷|弄|里|排)"

_WORDED = re.compile(rf"{_PREFIX}{_ZONE}{_BLOCK}{_WORD}-?{_UNIT}{_FLOOR}{_DOOR}")
_TRIPLE = re.compile(rf"{_PREFIX}{_ZONE}{_BLOCK}-(?P<unit>\d{{1,2}})-{_DOOR}")
_PAIR = re.compile(rf"{_PREFIX}{_ZONE}{_BLOCK}-(?P<door>\d{{3,4}}[A-Z]?)室?")
_HAMLET = re.compile(rf"(?P<block>[\u4e00-\u9fff\d]{{1,15}}?{_HAMLET_WORD})-?(?P<door>\d{{1,4}}(?:-\d{{1,2}})?)[号户]?")
_BLOCK_ALONE = re.compile(rf"{_PREFIX}{_ZONE}{_BLOCK}(?P<word>号楼|号栋|#楼|#栋|栋楼|栋|幢|座|#|楼)?")
_HAMLET_ALONE = re.compile(rf"[\u4e00-\u9fff\d]{{1,15}}{_HAMLET_WORD}")

DEFAULT_WORD = "栋"
_UNSAID = ("", "#")


class AddressError(ValueError):
    """The text does not say which door is meant; ``str(error)`` says in Chinese how to write it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A door. `block` is the number or letter of a building or the name of a hamlet.

    `word` is what the estate calls a building (栋, 号楼), empty when the text did not say it. `zone` tells apart
    buildings of one number in several phases (二期3栋).
    """

    block: str
    door: str
    unit: int | None = None
    word: str = ""
    zone: str = ""

    @property
    def key(self) -> tuple[str, str, int | None, str]:
        """What two writings of one door have in common."""
        return (self.zone, self.block, self.unit, self.door)

    @property
    def block_key(self) -> tuple[str, str]:
        """What two writings of one building have in common."""
        return (self.zone, self.block)

    @property
    def building_number(self) -> int | None:
        """3 for 3栋; None for lettered buildings and hamlets."""
        return int(self.block) if self.block.isdigit() else None

    @property
    def is_hamlet(self) -> bool:
        """Whether the block is a rural hamlet (屋场) and not a building."""
        return _HAMLET_ALONE.fullmatch(self.block) is not None

    def text(self, word: str = DEFAULT_WORD) -> str:
        """The address to read and to read again: 3栋2单元501; `word` where none was written."""
        unit = f"{self.unit}单元" if self.unit is not None else ""
        number = "号" if self.is_hamlet else ""
        return f"{label_block(self, self.word or word)}{unit}{self.door}{number}"


def label_block(address: Address, word: str) -> str:
    """The building called by a word: 3栋, 3号楼; a hamlet keeps its name."""
    return address.zone + address.block + ("" if address.is_hamlet else word)


def _arabic(found: re.Match[str]) -> str:
    tens, ten, units = found.group().rpartition("十")
    if not ten:
        return "".join(str(_DIGITS[char]) for char in units)
    return str(10 * (_DIGITS[tens] if tens else 1) + (_DIGITS[units] if units else 0))


def _tidy(text: str) -> str:
    plain = re.sub(r"\s+", "", _DASHES.sub("-", narrow(text))).upper()
    plain = re.sub(r"\([^)]*\)$", "", plain).replace("_", "-").replace("/", "-")
    try:
        return _CHINESE_NUMBER.sub(_arabic, plain)
    except KeyError:  # "十十栋" and the like
        return plain


@lru_cache(maxsize=50_000)
def parse_address(text: str) -> Address:
    """Read one address: 1#1-101, 1栋1单元102室, 1-1-301, 3号楼2单元501, 3-501, 樟树屋场5号.

    Raises AddressError.
    """
    plain = _tidy(text)
    for pattern in (_WORDED, _TRIPLE, _PAIR, _HAMLET):
        if found := pattern.fullmatch(plain):
            parts = found.groupdict()
            return Address(
                block=_block(parts["block"]),
                door=parts["door"],
                unit=int(parts["unit"]) if parts.get("unit") else None,
                word=_word(parts.get("word") or ""),
                zone=parts.get("zone") or "",
            )
    if not plain:
        raise AddressError("没有门牌，请写成3栋1单元501")
    raise _unreadable(text)


def _unreadable(text: str) -> AddressError:
    return AddressError(f"门牌“{narrow(text)}”读不懂，请写成3栋1单元501")


def names_building(text: str) -> bool:
    """Whether an address says its building and unit by itself, so that nothing around it can mean another."""
    plain = _tidy(text)
    return any(pattern.fullmatch(plain) for pattern in (_WORDED, _TRIPLE, _HAMLET))


def _block(text: str) -> str:
    return str(int(text)) if text.isdigit() else text


def _word(text: str) -> str:
    return "" if text in _UNSAID else text


@lru_cache(maxsize=5_000)
def parse_block(text: str) -> Address | None:
    """A building or hamlet alone, as in a building column or a sheet's name, with an empty `door`; or None."""
    plain = _tidy(text)
    if found := _BLOCK_ALONE.fullmatch(plain):
        return Address(_block(found["block"]), "", word=_word(found["word"] or ""), zone=found["zone"] or "")
    return Address(plain, "") if _HAMLET_ALONE.fullmatch(plain) else None


@lru_cache(maxsize=50_000)
def join_address(building: str, unit: str, door: str, word: str = "") -> Address:
    """Read an address that stands in up to three cells; `word` is what a bare building number is called.

    A door cell may hold the whole address, or the unit before the door; what the other cells say must agree with it.
    Raises AddressError.
    """
    if not door:
        raise AddressError("没有房号，请补上房号")
    plain = _tidy(door)
    block = parse_block(building) if building else None
    if block is None and building:
        raise AddressError(f"楼栋“{building}”读不懂，请写成3栋")
    if block is None or names_building(door):
        whole = parse_address(door)
        if (block is not None and whole.block_key != block.block_key) or (unit and whole.unit != _unit(unit)):
            raise AddressError(f"楼栋、单元与房号“{narrow(door)}”对不上，请核对")
        return whole
    head = label_block(block, block.word or word or "#")
    if unit:
        parts = re.fullmatch(r"(?:(\d{1,2})(?:单元|-))?(.+)", plain)
        if parts is None or (parts[1] and int(parts[1]) != _unit(unit)):
            raise AddressError(f"单元“{unit}”与房号“{narrow(door)}”对不上，请核对")
        head, plain = f"{head}{_unit(unit)}单元", parts[2]
    try:
        return parse_address(head + plain)
    except AddressError:
        raise _unreadable(door) from None


def _unit(text: str) -> int:
    plain = _tidy(text)
    found = re.fullmatch(r"第?(\d{1,2})(?:单元|门|梯)?", plain)
    if found is None:
        raise AddressError(f"单元“{text}”读不懂，请写成1单元")
    return int(found[1])
