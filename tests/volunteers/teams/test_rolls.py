"""A team's roll: it comes in whole, twice it changes nothing, and whoever stands in it twice is found and named."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from community.grid.importing import read_file
from community.grid.models import Estate, RollImport
from community.grid.roll_files import Result
from core.access import system_viewer
from core.database import begin_write, db
from core.sheets import SheetError, open_sheets
from tests.factories import World, browser
from tests.volunteers.applications.test_applications import CHILD_ID, YOUTH_ID, valid
from tests.volunteers.pages import post
from tests.volunteers.teams.making import found
from volunteers.applications.models import VolunteerApplication
from volunteers.registry.models import Volunteer
from volunteers.teams.models import Team, TeamMembership

ROLL = Path(__file__).parents[3] / "data" / "rolls" / "志愿者名册.xlsx"


def bring(world: World, data: bytes, name: str = "队伍.csv", target: str = "", estate: str = "banyan") -> Result:
    file = read_file(data, name)
    file = file.aimed(target) if target else file
    begin_write()
    result = file.save(db.session.get_one(Estate, world.estates[estate].id), system_viewer())
    db.session.commit()
    return result


def lines(*rows: str) -> bytes:
    return "\n".join(["姓名,手机,身份证号,特长,时间,队伍", *rows]).encode()


def members() -> dict[str, int]:
    """How many are in each team."""
    counted = select(Team.name, func.count()).join(TeamMembership, TeamMembership.team_id == Team.id)
    return dict(db.session.execute(counted.where(TeamMembership.state == "member").group_by(Team.name)).all())


def test_a_team_of_96_comes_in_and_twice_changes_nothing(app: Flask, world: World) -> None:
    with app.app_context():
        first = bring(world, ROLL.read_bytes(), ROLL.name)
        assert first.counts() == {"created": 96, "updated": 0, "unchanged": 0}
        teams = members()
        assert sum(teams.values()) == 96 and "巾帼志愿队" in teams
        assert db.session.scalar(select(func.count()).select_from(VolunteerApplication)) == 96
        again = bring(world, ROLL.read_bytes(), ROLL.name)
        assert again.counts() == {"created": 0, "updated": 0, "unchanged": 96}
        assert members() == teams
        assert db.session.scalar(select(func.count()).select_from(TeamMembership)) == 96


def test_the_roll_into_one_team_with_preview(app: Flask, world: World) -> None:
    with app.app_context():
        team = found(world, "百人队", "banyan")
    client, path = browser(app, world["secretary"]), f"/teams/{team}/import"

    def send(data: bytes, name: str) -> str:
        form = {"estate": world.estates["banyan"].id, "file": (io.BytesIO(data), name)}
        answer = post(client, path, form)
        assert answer.status_code == 303, answer.text
        return answer.location

    assert post(client, path, {"estate": world.estates["banyan"].id}).status_code == 422
    preview = send(ROLL.read_bytes(), ROLL.name)
    shown = client.get(preview).text
    assert "志愿者名册，加入百人队" in shown and "96" in shown
    assert post(client, f"{preview}/confirm", page=preview).status_code == 302
    with app.app_context():
        assert members() == {"百人队": 96}
        assert db.session.scalars(select(RollImport.target)).all() == [team]
    assert "和系统里的完全一样" in client.get(send(ROLL.read_bytes(), ROLL.name)).text
    assert "百人队" in client.get("/teams").text and "96人" in client.get("/teams").text
    wrong = post(client, path, {"estate": world.estates["banyan"].id, "file": (
        io.BytesIO("姓名,与户主关系,楼栋\n张三,户主,1栋\n".encode()), "居民.csv")})  # fmt: skip
    assert wrong.status_code == 422 and "志愿者名册" in wrong.text


def test_people_twice_are_found_and_named(app: Flask, world: World) -> None:
    number = valid("430202198001011234")
    data = lines(
        f"袁德志,13800000001,{number},理发,周末,甲队",
        f"袁德志,13800000001,{number},理发,周末,甲队",
        f"袁德,13800000009,{number},理发,周末,甲队",
        "何小芳,13800000002,,理发,周末,甲队",
        "何小芳,13800000002,,理发,周末,",
        "何小芳,13800000002,,理发,周末,乙队",
        "何小兰,13800000002,,理发,周末,乙队",
    )
    with app.app_context():
        file = read_file(data, "队伍.csv")
        told = [(row.row, row.reason, row.message) for row in file.refused]
        assert told == [
            (3, "duplicate_id", "袁德志的身份证号与第2行重复，请核对后删去一行"),
            (4, "duplicate_id", "袁德和袁德志的身份证号与第2行重复，请核对后删去一行"),
            (6, "duplicate_person", "何小芳与第5行姓名和手机号都一样，是同一个人，请删去一行"),
        ]
        (sheet,) = open_sheets(file.refused_workbook(), "x.xlsx")
        assert len(sheet.rows) == 5 and "是同一个人" in "".join(sheet.rows[4])
        file.plan(None)
        assert [note.text for note in file.doubts] == ["何小芳在表里有2支队伍，每支都加入"]
        assert bring(world, data).counts()["created"] == 3
        assert members() == {"甲队": 2, "乙队": 2}
        assert bring(world, data).counts() == {"created": 0, "updated": 0, "unchanged": 3}


def test_two_rows_that_mean_one_person_of_the_register(app: Flask, world: World) -> None:
    number = valid("430202198001011234")
    with app.app_context():
        bring(world, lines(f"袁德志,13800000001,{number},理发,周末,甲队"))
        data = lines(f"袁德志,,{number},理发,周末,甲队", "袁德志,13800000001,,理发,周末,甲队")
        file = read_file(data, "队伍.csv")
        file.plan(db.session.get_one(Estate, world.estates["banyan"].id))
        assert [note.text for note in file.doubts] == ["袁德志和第2行在系统里是同一个人，只读了第2行"]


def test_a_newer_roll_moves_whom_an_older_one_had_put_elsewhere(app: Flask, world: World) -> None:
    with app.app_context():
        bring(world, lines("何小芳,13800000002,,理发,周末,甲队"))
        result = bring(world, lines("何小芳,13800000002,,理发,周末,乙队"))
        assert result.counts()["updated"] == 1 and result.changes[0].what == "队伍、加入乙队"
        assert members() == {"乙队": 1}
        gone = db.session.scalars(select(TeamMembership).where(TeamMembership.state == "left")).one()
        assert gone.reason == "名册换了队伍"


def test_minors_wait_for_their_guardians(app: Flask, world: World, at: object) -> None:
    data = lines(f"小明,13800000003,{valid(YOUTH_ID)},文艺,周末,甲队", f"小红,,{valid(CHILD_ID)},文艺,周末,甲队")
    with app.app_context():
        bring(world, data)
        assert members() == {} and db.session.scalars(select(Volunteer).where(Volunteer.team == "甲队")).all() == []
        states = db.session.execute(select(VolunteerApplication.state, VolunteerApplication.via)).all()
        assert [tuple(row) for row in states] == [("submitted", "roll")] * 2
        assert bring(world, data).counts() == {"created": 0, "updated": 0, "unchanged": 2}
    shown = browser(app, world["secretary"]).get("/volunteers/applications").text
    assert "小明" in shown and "名册导入" in shown


def test_a_roll_does_not_touch_a_sealed_record(app: Flask, world: World) -> None:
    from volunteers.registry import workflow as registry

    with app.app_context():
        bring(world, lines("何小芳,13800000002,,理发,周末,甲队"))
        begin_write()
        one = db.session.scalars(select(Volunteer).where(Volunteer.team == "甲队")).one()
        registry.leave(world["secretary"].viewer(), one, "搬走")
        db.session.commit()
        data = lines("何小芳,13800000002,,理发、法律,周末,乙队")
        assert bring(world, data).counts() == {"created": 0, "updated": 0, "unchanged": 1}
        assert db.session.get_one(Volunteer, one.person_id, populate_existing=True).standing == "left"
        assert members() == {}


def test_somebody_registered_elsewhere_is_told(app: Flask, world: World) -> None:
    row = f"袁德志,13800000001,{valid('430202198001011234')},理发,周末,甲队"
    with app.app_context():
        bring(world, lines(row), estate="swan")
        file = read_file(lines(row), "队伍.csv")
        file.plan(db.session.get_one(Estate, world.estates["banyan"].id))
        assert "已在另一小区登记" in file.doubts[0].text


def test_only_teams_that_are_open_take_rolls(app: Flask, world: World) -> None:
    with app.app_context(), pytest.raises(SheetError):
        read_file(ROLL.read_bytes(), ROLL.name).aimed("nothing")
