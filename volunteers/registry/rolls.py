"""Reading a team's roll of volunteers (志愿者名册) out of a workbook, without touching the database."""

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from core.headers import Table, find_table, is_remark_row
from core.identity import (
    PARTY_CODES,
    IdNumberError,
    PhoneError,
    Sex,
    id_sex,
    is_name,
    is_nothing,
    parse_id_number,
    political_status_of,
    sex_of,
    split_phones,
)
from core.sheets import SheetError, lost_precision, open_sheets
from volunteers.registry.availability import Window, parse_hours
from volunteers.registry.skills import parse_skills

__all__ = ["RefusedVolunteer", "VolunteerRoll", "VolunteerRow", "read_volunteer_roll"]

_HEADERS = """
name: (志愿者|队员|成员|本人)?(姓名|名字) 志愿者
sex: 性别
phone: (联系|手机|移动)?(电话|手机|方式)(号码?)?\\d? 联系电话号码
id_number: (公民|居民)?身份证(号码?|件号码?)? 公民身份号码 证件号码? 身份号码
political_status: 政治(面貌|身份)
team: (所属|所在|服务|志愿)?(队伍|小队|小分队|团队|分队|服务队|组别|小组)(名称)?
skills: (服务)?(特长|技能|专长|意愿|项目|类别|内容|服务特长|服务意愿)
hours: (可|能)?(服务|提供服务|参与)?(时间|时段)(段)? 空闲时间 有空时间 服务时间
address: (现|家庭|居住)?(住址|地址) 门牌号? 居住地 房号
note: 备注 说明
"""
_TITLE = re.compile(r"[“\"]?(.+?)[”\"]?(?:志愿\S*)?(?:名册|花名册|名单|登记表|台账|信息表)\S*")


def _vocabulary() -> dict[str, re.Pattern[str]]:
    lines = (line.partition(": ") for line in _HEADERS.strip().splitlines())
    return {name: re.compile("|".join(words.split())) for name, _, words in lines}


VOCABULARY = _vocabulary()
REQUIRED = (frozenset({"name"}), frozenset({"phone", "id_number", "skills", "hours"}))


@dataclass(slots=True)
class VolunteerRow:
    """One volunteer. `unclear_skills` and `unclear_hours` are texts that were not understood, to be mended by hand.

    `more_teams` are those under which the roll names the same person again.
    """

    sheet: str
    row: int
    name: str
    sex: Sex = Sex.UNKNOWN
    phones: list[str] = field(default_factory=list)
    id_number: str | None = None
    political_code: str | None = None
    political_status: str = ""
    team: str = ""
    more_teams: list[str] = field(default_factory=list)
    skills: list[str] = field(default_factory=list)
    unclear_skills: str = ""
    windows: list[Window] = field(default_factory=list)
    unclear_hours: str = ""
    address: str = ""
    note: str = ""

    @property
    def is_party_member(self) -> bool:
        """A full or a probationary member."""
        return self.political_code in PARTY_CODES


@dataclass(frozen=True, slots=True)
class RefusedVolunteer:
    """A row that was not taken; `reason` is as for residents' rolls, `message` says in Chinese how to mend it."""

    sheet: str
    row: int
    reason: str
    value: str
    message: str
    headers: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass
class VolunteerRoll:
    """What a file holds. `team_hint` is the team's name as the title or the file name has it."""

    rows: list[VolunteerRow] = field(default_factory=list)
    refused: list[RefusedVolunteer] = field(default_factory=list)
    team_hint: str = ""


def read_volunteer_roll(data: bytes, filename: str) -> VolunteerRoll:
    """Read all sheets that have a header. Raises SheetError when the file cannot be read at all."""
    tables = [table for sheet in open_sheets(data, filename) if (table := find_table(sheet, VOCABULARY, REQUIRED))]
    if not tables:
        raise SheetError("没有找到表头，表头里要有姓名，还要有手机号或特长")
    roll = VolunteerRoll(team_hint=_team_hint(tables, filename))
    seen: dict[str | tuple[str, str], VolunteerRow] = {}
    for table in tables:
        for number, cells in table.body():
            if not is_remark_row(cells) and any(not is_nothing(table.value(cells, field)) for field in VOCABULARY):
                _read(roll, table, number, cells, seen)
    return roll


def _read(
    roll: VolunteerRoll, table: Table, number: int, cells: list[str], seen: dict[str | tuple[str, str], VolunteerRow]
) -> None:
    row = VolunteerRow(table.sheet.name, number, re.sub(r"\s+", "", table.value(cells, "name")))
    fault = _read_identity(row, table, cells)
    row.team = table.value(cells, "team")
    before = _same(row, seen) if fault is None else None
    if (
        before is not None
        and row.team
        and before.name == row.name
        and row.team not in (before.team, *before.more_teams)
    ):
        before.more_teams.append(row.team)
        return
    if before is not None:
        fault = _twice(row, before)
    if fault is not None:
        roll.refused.append(RefusedVolunteer(row.sheet, number, *fault, table.headers, tuple(cells)))
        return
    row.political_code, row.political_status = political_status_of(table.value(cells, "political_status"))
    row.address = table.value(cells, "address")
    row.note = "；".join(table.values(cells, "note"))
    row.skills, row.unclear_skills = parse_skills("、".join(table.values(cells, "skills")))
    row.windows, row.unclear_hours = parse_hours("；".join(table.values(cells, "hours")))
    roll.rows.append(row)
    seen |= dict.fromkeys(_marks(row), row)


def _marks(row: VolunteerRow) -> list[str | tuple[str, str]]:
    """What tells one person of a roll from another: the ID number, and the name with each phone."""
    return [*([row.id_number] if row.id_number else []), *((row.name, phone) for phone in row.phones)]


def _same(row: VolunteerRow, seen: dict[str | tuple[str, str], VolunteerRow]) -> VolunteerRow | None:
    """The row that named this person before. A name and a phone are one person unless two ID numbers say otherwise."""
    for mark in _marks(row):
        found = seen.get(mark)
        if found is not None and (mark == row.id_number or not (row.id_number and found.id_number)):
            return found
    return None


def _twice(row: VolunteerRow, before: VolunteerRow) -> tuple[str, str, str]:
    """Reason, value and message for somebody whom the roll names a second time."""
    if row.id_number and row.id_number == before.id_number:
        whose = row.name if row.name == before.name else f"{row.name}和{before.name}"
        return "duplicate_id", row.id_number, f"{whose}的身份证号与第{before.row}行重复，请核对后删去一行"
    return "duplicate_person", row.name, f"{row.name}与第{before.row}行姓名和手机号都一样，是同一个人，请删去一行"


def _read_identity(row: VolunteerRow, table: Table, cells: list[str]) -> tuple[str, str, str] | None:
    """Name, ID number and phones; what is wrong with them as reason, value and message."""
    if not is_name(row.name):
        return "name", row.name, f"姓名“{row.name}”不对，请核对" if row.name else "没有姓名，请补上姓名"
    id_text = table.value(cells, "id_number")
    if lost_precision(id_text):
        return "id_lost_precision", id_text, "身份证号被表格变成了数字，后几位已丢失，请按文本重填18位"
    try:
        row.id_number = None if is_nothing(id_text) else parse_id_number(id_text)
    except IdNumberError as error:
        return "birth_date" if error.bad_date else "id_checksum", id_text, str(error)
    row.sex = id_sex(row.id_number) if row.id_number else sex_of(table.value(cells, "sex"))
    for text in table.values(cells, "phone"):
        try:
            row.phones += [phone for phone in split_phones(text) if phone not in row.phones]
        except PhoneError as error:
            return "phone", text, str(error)
    return None


def _team_hint(tables: list[Table], filename: str) -> str:
    for table in tables:
        if found := _TITLE.fullmatch(re.sub(r"\s", "", table.title)):
            return found[1].strip("“”\"'")
    return PurePath(filename).stem
