"""The made-up district: two streets, two communities, three estates and the rolls of those who live there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from sqlalchemy import select, update

from community.grid.addresses import Address
from community.grid.estates import add_organisation, ensure_estate
from community.grid.importing import import_roll, read_file
from community.grid.models import Building, Estate, GridCell
from community.grid.roll_files import RollFile
from community.grid.rolls import Roll, RollRow
from community.organisations.models import Organisation
from community.organisations.models import OrganisationKind as Kind
from core.access import Viewer
from core.config import ROOT
from core.database import db
from core.identity import Sex
from core.ids import new_id

COUNTY = "430202"
GRID_OBJECT = "010001"
ESTATE, NEIGHBOUR, DISTANT = "榕树花园", "彩色水泥厂生活小区", "天鹅花园"
SURNAMES = "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "秀英桂兰玉梅红霞建国志强文军海燕晓明丽华平芳永辉春生立新小满云帆思雨子涵雅琴德胜水生金莲"


@dataclass(frozen=True)
class Places:
    """What the demo stands on."""

    district: Organisation
    subdistrict: Organisation
    community: Organisation
    estate: Estate
    neighbour: Estate
    distant: Estate


@dataclass(frozen=True)
class Rolls:
    """The rolls that come with the product, read."""

    estate: RollFile
    neighbour: RollFile
    volunteers: RollFile


def read_rolls() -> Rolls:
    """Read the files; raises ``SheetError`` or ``OSError`` when they are not as they should be."""
    names = ("榕树花园.xlsx", "彩色水泥厂.xlsx", "志愿者名册.xlsx")
    return Rolls(*[read_file((ROOT / "data" / "rolls" / name).read_bytes(), name) for name in names])


def settle(actor: Viewer, rolls: Rolls, rng: Random) -> Places:
    """Make the organisations and estates, and bring the rolls in. Caller commits."""
    district = _body(Kind.DISTRICT, "荷塘区（虚构）", None, COUNTY + "000000")
    subdistrict = _body(Kind.SUBDISTRICT, "茨菇塘街道（虚构）", district, COUNTY + "001000")
    other = _body(Kind.SUBDISTRICT, "月塘街道（虚构）", district, COUNTY + "002000")
    community = _body(Kind.COMMUNITY, "五星社区（虚构）", subdistrict, COUNTY + "001001")
    far = _body(Kind.COMMUNITY, "月塘社区（虚构）", other, COUNTY + "002001")
    db.session.flush()
    places = Places(
        district, subdistrict, community, ensure_estate(ESTATE, community, actor),
        ensure_estate(NEIGHBOUR, community, actor), ensure_estate(DISTANT, far, actor),
    )  # fmt: skip
    for number, estate in enumerate((places.estate, places.neighbour, places.distant), 1):
        estate.duty_phone = f"0731-0000 000{number}"
    rolls.estate.save(places.estate, actor)
    rolls.neighbour.save(places.neighbour, actor)
    rolls.volunteers.save(places.estate, actor)
    import_roll(places.distant, small_roll(rng, buildings=3), actor)
    db.session.flush()
    draw_grid(places.estate, community.code, 2)
    draw_grid(places.neighbour, community.code, 1)
    draw_grid(places.distant, far.code, 1)
    return places


def _body(kind: Kind, name: str, parent: Organisation | None, code: str) -> Organisation:
    made = add_organisation(kind, name, parent)
    made.code = code
    db.session.flush()
    return made


def draw_grid(estate: Estate, community_code: str, parts: int) -> None:
    """Divide an estate's buildings into grid cells (300 to 500 households each), numbered on within the community."""
    stem = GRID_OBJECT + community_code
    taken = len(db.session.scalars(select(GridCell.id).where(GridCell.code.startswith(stem))).all())
    wanted = select(Building).where(Building.estate_id == estate.id).order_by(Building.number, Building.name)
    buildings = db.session.scalars(wanted).all()
    size = -(-len(buildings) // parts)
    for n in range(parts):
        some = buildings[n * size : (n + 1) * size]
        if not some:
            continue
        code = f"{stem}{taken + n + 1:02d}"
        area = some[0].name if len(some) == 1 else f"{some[0].name}至{some[-1].name}"
        cell = GridCell(id=new_id(), estate_id=estate.id, code=code, name=f"{estate.name}第{n + 1}网格", area=area)
        db.session.add(cell)
        db.session.flush()
        ids = [building.id for building in some]
        db.session.execute(update(Building).where(Building.id.in_(ids)).values(grid_cell_id=cell.id))


def made_up_name(rng: Random) -> str:
    """A name that nobody in particular has."""
    return rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.choice((1, 2, 2))))


def small_roll(rng: Random, buildings: int, floors: int = 6) -> Roll:
    """A roll of made-up households: two stairwells to a building, two doors to a floor."""
    rows: list[RollRow] = []
    for building in range(1, buildings + 1):
        for unit in (1, 2):
            for door in (f"{floor}0{side}" for floor in range(1, floors + 1) for side in (1, 2)):
                rows += _household(rng, Address(str(building), door, unit, "栋"), len(rows))
    return Roll(rows=rows, estate_hint=None)


def _household(rng: Random, address: Address, row: int) -> list[RollRow]:
    people = []
    head_born = rng.randrange(1940, 1996)
    for n, relation in enumerate(("户主", "配偶", "子", "女")[: rng.choice((1, 2, 2, 3, 3, 4))]):
        year = head_born + (rng.randrange(-4, 5) if n < 2 else rng.randrange(23, 30))
        people.append(
            RollRow(
                sheet="名册",
                row=row + n + 1,
                address=address,
                building=f"{address.block}栋",
                name=made_up_name(rng),
                relation=relation,
                is_householder=n == 0,
                sex=Sex(rng.choice((1, 2))),
                birth_date=date(min(year, 2024), rng.randrange(1, 13), rng.randrange(1, 29)),
                occupancy="自住",
            )
        )
    return people
