"""Who is told of a call, wave by wave, each once, and who never is."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from community.grid.models import Household, Person
from community.policies import workflow as policies
from core.database import begin_write, db
from core.sealing import sealer
from services.sos import circle, workflow
from services.sos.rules import EMERGENCIES
from services.sos.workflow import Wish
from tests.factories import person
from tests.services.sos.scene import ADULT, STRANGER_PHONE, Scene

GRID, STEWARD = "网格员 郑网格", "楼栋长 何楼长"


def decide(scene: Scene, **values: int) -> None:
    """The secretary changes rules."""
    with scene.app.app_context():
        begin_write()
        viewer = scene.world["secretary"].viewer()
        policies.change(viewer, scene.world.estates["banyan"].id, EMERGENCIES, values, 0)
        db.session.commit()


def test_first_the_family_the_grid_worker_the_steward_and_volunteers_on_call(scene: Scene) -> None:
    scene.contact("女儿", scene.world["far_resident"])
    scene.contact("外甥")
    scene.proxy("neighbour", "侄子")
    scene.on_call("volunteer1", "volunteer2")
    call_id = scene.raised()
    assert scene.told(call_id) == sorted(
        ["女儿 周远", "外甥 沈外人", "侄子 李小满", GRID, STEWARD, "志愿者 陈一", "志愿者 陈二"]
    )
    for name in ("grid_worker", "steward", "volunteer1", "volunteer2"):
        assert scene.messages(name, "emergency.needed") == ["紧急求助：1栋1单元101，沈同志"], name
    for name in ("far_resident", "neighbour"):
        assert scene.messages(name, "emergency.family") == ["紧急求助：1栋1单元101，沈同志"], name
    for name in ("resident", "secretary", "staff", "volunteer3", "outsider", "far_volunteer", "cement_secretary"):
        assert scene.messages(name) == [], name


def test_the_stewards_of_the_building_and_no_others(scene: Scene) -> None:
    scene.give_group()
    assert scene.told(scene.raised()) == sorted([GRID, STEWARD, "楼栋长 何栋长", "单元长 伍单元"])
    assert scene.messages("other_steward") == []


def test_whoever_lives_there_is_told_and_children_are_not(scene: Scene) -> None:
    banyan, home = scene.world.estates["banyan"], scene.world["resident"].household_id
    with scene.app.app_context():
        begin_write()
        scene.world.people["husband"] = person("沈老伴", banyan, home, born=date(1949, 1, 1))
        scene.world.people["grandchild"] = person("沈小孙", banyan, home, born=date(2012, 1, 1))
        db.session.commit()
    assert "家人 沈老伴" in scene.told(scene.raised())
    assert scene.messages("grandchild") == [] and len(scene.messages("husband")) == 1


def test_somebody_who_is_told_for_two_reasons_is_told_once(scene: Scene) -> None:
    scene.contact("儿子", scene.world["grid_worker"])
    scene.contact("邻居", scene.world["volunteer1"])
    scene.on_call("volunteer1")
    call_id = scene.raised()
    assert scene.told(call_id) == sorted([GRID, STEWARD, "邻居 陈一"])
    assert len(scene.messages("grid_worker")) == len(scene.messages("volunteer1")) == 1


def test_a_contact_given_an_account_later_is_told_here(scene: Scene) -> None:
    scene.contact("女儿", scene.world["far_resident"], linked=False)
    scene.raised()
    assert len(scene.messages("far_resident", "emergency.family")) == 1


@pytest.mark.parametrize(("born", "called"), [(date(2008, 11, 18), True), (date(2008, 11, 19), False), (None, False)])
def test_minors_are_never_called_and_whose_age_is_unknown_neither(
    scene: Scene, born: date | None, called: bool
) -> None:
    scene.on_call("volunteer1", born=born)
    call_id = scene.raised()
    for wave in range(1, 6):
        scene.tick(wave * 180)
    assert any("陈一" in text for text in scene.told(call_id)) == called


def test_the_nearest_volunteers_are_called_first(scene: Scene) -> None:
    decide(scene, volunteers_first=2)
    scene.on_call("volunteer1", "volunteer2", "volunteer3", "volunteer4")
    banyan = scene.world.estates["banyan"]
    with scene.app.app_context():
        begin_write()
        for name, unit in (("volunteer1", 1), ("volunteer2", 1), ("volunteer3", 0), ("volunteer4", 1)):
            home = update(Household).where(Household.id == scene.world[name].household_id)
            db.session.execute(home.values(unit_id=banyan.unit_ids[unit]))
        db.session.commit()
    call_id = scene.raised()
    near = [text for text in scene.told(call_id) if text.startswith("志愿者")]
    assert len(near) == 2 and "志愿者 陈三" in near
    scene.tick(180)
    assert len([text for text in scene.told(call_id, 1) if text.startswith("志愿者")]) == 4


def test_volunteers_on_duty_are_told_beside_those_on_call(scene: Scene) -> None:
    rota = {scene.world.estates["banyan"].id: [scene.id("volunteer4")]}
    circle.ON_DUTY.append(lambda estate, _at: rota.get(estate, []))
    scene.on_call("volunteer1")
    assert scene.told(scene.raised()) == sorted([GRID, STEWARD, "志愿者 陈一", "值班志愿者 陈四"])


def test_a_contact_unknown_here_is_handed_to_the_text_messages(scene: Scene) -> None:
    heard: list[tuple[str, str]] = []

    def broken(_phone: str, _text: str) -> None:
        raise OSError("no network")

    circle.TELL_OUTSIDER.extend([broken, lambda phone, text: heard.append((phone, text))])
    scene.contact("外甥")
    scene.raised()
    assert len(heard) == 1
    with scene.app.app_context():
        assert sealer().open(heard[0][0], "household_contact.phone") == STRANGER_PHONE
    assert len(heard[0][1]) <= 70 and "沈同志在榕树园按了紧急求助" in heard[0][1] and "101" not in heard[0][1]


def test_when_nobody_is_near_those_further_up_are_told_at_once(scene: Scene) -> None:
    call_id = scene.raised("far_resident")
    assert scene.told(call_id) == ["支部书记 钱书记"]
    assert scene.call(call_id, "outsider").level == 1


def test_a_home_without_anybody_on_the_roll_can_be_helped_too(scene: Scene) -> None:
    with scene.app.app_context():
        begin_write()
        db.session.execute(update(Person).where(Person.id == scene.id("neighbour")).values(household_id=None))
        db.session.commit()
    home = scene.world["neighbour"].household_id
    call = scene.do(lambda viewer: workflow.raise_call(viewer, Wish(household_id=home))[0], "grid_worker")
    assert (call.person_id, call.salutation, call.raised_as) == (None, "住户", "staff")
    assert scene.told(call.id) == [STEWARD]
    assert ADULT.year == 1980
