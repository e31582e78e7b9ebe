"""The calls of the public API about emergencies."""

from __future__ import annotations

from tests.factories import Caller, caller
from tests.services.sos.scene import Scene


def program(scene: Scene, name: str) -> Caller:
    return caller(scene.app, scene.world[name])


def test_from_the_press_to_the_end(scene: Scene) -> None:
    scene.on_call("volunteer1")
    resident, worker, helper, secretary = (
        program(scene, name) for name in ("resident", "grid_worker", "volunteer1", "secretary")
    )
    first = resident.post("/emergency-calls", {"note": "摔倒了", "latitude": 27.8, "longitude": 113.1}, "key-1")
    assert first.status_code == 201
    call = first.json
    assert call["state"] == "raised" and call["called"] == "沈同志" and call["latitude"] is None
    assert set(call["allowed_actions"]) == {"call_off", "false_alarm", "remark"}
    assert resident.post("/emergency-calls", {}, "key-2").status_code == 200
    replay = resident.post("/emergency-calls", {"note": "摔倒了", "latitude": 27.8, "longitude": 113.1}, "key-1")
    assert (replay.status_code, replay.json["id"]) == (201, call["id"])
    path = f"/emergency-calls/{call['id']}"
    assert helper.get(path).json["latitude"] == 27.8
    assert worker.post(f"{path}/answer", {"shares": True}).json["state"] == "answered"
    assert helper.post(f"{path}/on_way").status_code == 200
    names = [(one["name"], one["state"], one["is_lead"]) for one in resident.get(path).json["responders"]]
    assert names == [("网格员郑网格", "seen", True), ("志愿者陈某", "on_way", False)]
    assert helper.post(f"{path}/stand_down", {"reason": "车坏了"}).status_code == 200
    assert worker.post(f"{path}/remark", {"reason": "已打120"}).status_code == 200
    assert worker.post(f"{path}/arrive").json["state"] == "on_site"
    assert worker.post(f"{path}/close", {"reason": "送医"}).json["outcome"] == "送医"
    assert secretary.post(f"{path}/after_care", {"reason": "好了"}).status_code == 200


def test_refusals_say_what_to_do(scene: Scene) -> None:
    resident, secretary = program(scene, "resident"), program(scene, "secretary")
    refused = secretary.post("/emergency-calls")
    assert refused.status_code == 422 and "120" in refused.json["detail"]
    home = scene.world["resident"].household_id
    assert program(scene, "neighbour").post("/emergency-calls", {"household": home}).status_code == 404
    assert program(scene, "staff").post("/emergency-calls", {"household": home}).status_code == 403
    path = f"/emergency-calls/{resident.post('/emergency-calls').json['id']}"
    assert program(scene, "outsider").get(path).status_code == 404
    assert program(scene, "outsider").post(f"{path}/answer").status_code == 404
    assert resident.post(f"{path}/answer").status_code == 403
    assert secretary.post(f"{path}/close", {"reason": "x"}).json["type"] == "invalid-transition"
    assert resident.post(f"{path}/call_off").json["state"] == "cancelled"
    late = secretary.post(f"{path}/answer")
    assert late.status_code == 409 and late.json["state"] == "cancelled" and late.json["allowed"] == ["after_care"]
    fine = f"/emergency-calls/{resident.post('/emergency-calls').json['id']}/false_alarm"
    assert resident.post(fine, {"reason": "按错了"}).json["state"] == "false_alarm"
