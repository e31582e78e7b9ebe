"""Rolls into the database: counts, reading again, newer rolls, sealed fields, and the command."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from community.grid.estates import ensure_estate, find_estate
from community.grid.importing import read_file
from community.grid.models import PHONE_COLUMN, Building, Estate, Household, Person, PersonPhone
from community.grid.roll_files import too_many_rows
from community.organisations.models import Appointment, Organisation
from core import audit
from core.access import Role, system_viewer
from core.audit import Event
from core.config import ROOT
from core.database import begin_write, db
from core.sealing import sealer
from services.catalogue.models import ServiceItem
from tests.community.grid.conftest import ROWS, import_rows, roll_bytes
from volunteers.registry.models import Volunteer, VolunteerSkill, VolunteerWindow

ROLLS = ROOT / "data" / "rolls"
EXPECTED = json.loads((ROLLS / "expected.json").read_text("utf-8"))
TAKEN = [row for row in ROWS if "<" not in row[4]]


@pytest.fixture
def estate(db_session: Any) -> Estate:
    begin_write()
    found = ensure_estate("榕园", None, system_viewer())
    db.session.commit()
    return found


def person(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def test_a_new_estate_has_its_branch_under_the_unassigned_and_a_services_list(estate: Estate) -> None:
    branch = db.session.get_one(Organisation, estate.branch_id)
    root = db.session.get_one(Organisation, branch.parent_id)
    assert (branch.name, root.name, estate.path) == ("榕园党支部", "未归属", f"{root.id}/{branch.id}/")
    assert db.session.scalar(select(func.count()).select_from(ServiceItem)) >= 14
    assert ensure_estate("榕园", None, system_viewer()).id == estate.id


@pytest.mark.parametrize("name", ["", "园" * 61])
def test_an_estate_needs_a_name_that_fits(db_session: Any, name: str) -> None:
    with pytest.raises(ValueError, match="1到60"):
        ensure_estate(name, None, system_viewer())


def test_a_roll_makes_buildings_groups_households_and_people(estate: Estate) -> None:
    result = import_rows(estate)
    assert (result.created, result.updated, result.unchanged) == (4, 0, 0)
    building = db.session.scalars(select(Building).where(Building.name == "3栋")).one()
    group = db.session.get_one(Organisation, building.party_group_id)
    assert (group.name, group.path.startswith(estate.path)) == ("3栋党小组", True)
    home = db.session.scalars(select(Household).where(Household.door == "501")).one()
    assert (home.label, home.floor, home.occupancy) == ("3栋2单元501", 5, "自住")
    assert db.session.scalars(select(Household.is_vacant).where(Household.door == "101")).one()
    shen = person("沈玉兰")
    assert (shen.care, shen.initials, shen.birth_date.isoformat()) == (["独居"], "syl", "1948-08-10")


def test_numbers_are_sealed_and_found_again(estate: Estate) -> None:
    import_rows(estate)
    wei = person("韦秋实")
    phones = db.session.scalars(select(PersonPhone).where(PersonPhone.person_id == wei.id)).all()
    assert [sealer().open(p.sealed, PHONE_COLUMN) for p in sorted(phones, key=lambda p: p.position)] == [
        "13900002222",
        "13900003333",
    ]
    assert "13900002222" not in str([vars(p) for p in phones])
    assert phones[0].number_key == sealer().index("13900002222", PHONE_COLUMN)


def test_reading_again_changes_nothing(estate: Estate) -> None:
    import_rows(estate)
    before = db.session.execute(select(Person.id, Person.version, Person.updated_at).order_by(Person.id)).all()
    again = import_rows(estate)
    assert (again.created, again.updated, again.unchanged, again.leavers) == (0, 0, 4, [])
    assert (again.households_created, again.households_updated) == (0, 0)
    assert db.session.execute(select(Person.id, Person.version, Person.updated_at).order_by(Person.id)).all() == before


def test_a_newer_roll_updates_and_names_who_left(estate: Estate) -> None:
    import_rows(estate)
    shen, li = person("沈玉兰"), person("黎望舒")
    moved = ("3栋", "1单元", "101", "户主", "沈玉兰", "", "110101194808100422", "13900009999", "", "自住", "")
    result = import_rows(estate, [moved, *TAKEN[1:2], *TAKEN[4:]])
    assert (result.created, result.updated, result.unchanged) == (0, 1, 2)
    assert result.leavers == [li.id]
    db.session.expire_all()
    assert db.session.get_one(Household, shen.household_id).label == "3栋1单元101"
    assert shen.care == ["独居"], "an empty cell erases nothing"
    assert li.moved_out_on is None, "nobody is moved out by a roll"
    assert "住处" in result.changes[0].what
    assert result.changes[0].name == "沈**"


def test_one_number_of_two_people_is_kept_for_both(estate: Estate) -> None:
    twin = ("4栋", "1单元", "303", "户主", "季春和", "", "110101194808100422", "", "", "", "")
    assert import_rows(estate, [TAKEN[0], twin]).created == 2
    assert person("沈玉兰").id_contested
    assert person("季春和").id_contested
    again = import_rows(estate, [TAKEN[0], twin])
    assert (again.created, again.unchanged) == (0, 2)


def test_a_mended_workbook_of_refused_rows_moves_nobody_out(estate: Estate) -> None:
    bad = ("3栋", "2单元", "503", "户主", "钟望北", "", "110101194808100421", "", "", "", "")
    file = read_file(roll_bytes([*TAKEN, bad]), "roll.xlsx")
    begin_write()
    file.save(estate, system_viewer())
    db.session.commit()
    assert [row.reason for row in file.refused] == ["id_checksum"]
    mended = read_file(file.refused_workbook(), "refused.xlsx")
    assert mended.plan(estate).leavers == []


def test_what_was_done_is_one_event_and_the_chain_holds(estate: Estate) -> None:
    import_rows(estate)
    events = db.session.scalars(select(Event).where(Event.verb == "import_roll")).all()
    assert [event.details["created"] for event in events] == [4]
    assert list(audit.verify()) == []


@pytest.mark.parametrize("name", [name for name in EXPECTED if "team" not in EXPECTED[name]])
def test_the_rolls_come_in_with_the_counts_expected(app: Flask, name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    started = time.monotonic()
    done = app.test_cli_runner().invoke(
        args=["import-roll", str(ROLLS / name), "--estate", expected["estate"], "--json", "--refused",
              str(tmp_path / "refused.xlsx")]
    )  # fmt: skip
    assert time.monotonic() - started < 10
    assert done.exit_code == (1 if expected["refused"] else 0), done.stderr
    answer = json.loads(done.stdout)
    for key in ("estate", "buildings", "units", "households", "people", "party_members", "floor_area"):
        assert key not in expected or answer[key] == expected[key], key
    told = [{k: row[k] for k in expected["refused"][n]} for n, row in enumerate(answer["refused"])]
    assert told == expected["refused"]
    assert (tmp_path / "refused.xlsx").exists() == bool(expected["refused"])
    assert (answer["created"], answer["updated"], answer["unchanged"]) == (answer["people"], 0, 0)
    with app.app_context():
        estate = find_estate(expected["estate"])
        again = read_file((ROLLS / name).read_bytes(), name).plan(estate)
        assert (again.created, again.updated, again.unchanged) == (0, 0, answer["people"])
        assert again.leavers == []


def test_the_team_roll_makes_volunteers_with_skills_and_hours(app: Flask) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["import-roll", str(ROLLS / "榕树花园.xlsx"), "--estate", "榕树花园", "--json"])
    arguments = ["import-roll", str(ROLLS / "志愿者名册.xlsx"), "--estate", "榕树花园", "--json"]
    answers = [json.loads(run.invoke(args=arguments).stdout) for _ in range(2)]
    assert (answers[0]["team"], answers[0]["volunteers"]) == ("党团妇", 96)
    counts = [(answer["created"], answer["updated"], answer["unchanged"]) for answer in answers]
    assert counts == [(96, 0, 0), (0, 0, 96)]
    with app.app_context():
        for model in (VolunteerSkill, VolunteerWindow):
            assert db.session.scalar(select(func.count()).select_from(model)) > 96
        posts = select(func.count()).select_from(Appointment).where(Appointment.role == Role.VOLUNTEER)
        assert db.session.scalar(posts) == 96
        numbers = db.session.scalars(select(Volunteer.number)).all()
        assert all(len(number) == 9 and number[0] == "V" for number in numbers)


def test_a_dry_run_writes_nothing(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "roll.xlsx").write_bytes(roll_bytes(TAKEN))
    done = app.test_cli_runner().invoke(
        args=["import-roll", str(tmp_path / "roll.xlsx"), "--estate", "榕园", "--dry-run", "--json"]
    )
    assert (done.exit_code, json.loads(done.stdout)["created"]) == (0, 4)
    with app.app_context():
        assert find_estate("榕园") is None


@pytest.mark.parametrize(("name", "data"), [("a.xlsx", b"nothing of the kind"), ("a.txt", b""), ("a.pdf", b"%PDF")])
def test_an_unreadable_file_ends_with_2_and_changes_nothing(app: Flask, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    run = app.test_cli_runner()
    assert run.invoke(args=["import-roll", str(tmp_path / name), "--estate", "榕园"]).exit_code == 2
    assert run.invoke(args=["import-roll", str(tmp_path / "missing.xlsx"), "--estate", "榕园"]).exit_code == 2
    with app.app_context():
        assert find_estate("榕园") is None


def test_many_rows_are_noticed_before_the_file_is_read() -> None:
    data = roll_bytes([TAKEN[0]] * 60)
    assert too_many_rows(data, 50)
    assert not too_many_rows(data, 100)
    assert not too_many_rows(b"PK\x03\x04 broken", 1)
