"""What a branch looks at before it approves: each check with its verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from volunteers.applications.queries import Double, Filed, find_double, find_volunteer
from volunteers.consents.texts import NEEDED, VERSION
from volunteers.registry.categories import CATEGORIES, NOT_FOR_MINORS
from volunteers.registry.models import STANDING_NAMES, Standing
from volunteers.registry.workflow import GUARDIAN_AGE, LEAST_AGE

Verdict = Literal["good", "look", "stop"]


@dataclass(frozen=True)
class Check:
    """One check: ``stop`` forbids to approve, ``look`` is for the branch to weigh."""

    verdict: Verdict
    text: str


def checks_of(filed: Filed) -> list[Check]:
    """All checks of an application, in the order in which a page shows them."""
    number = _number(filed)
    return [*_age(filed), *number, *_register(filed), *_consents(filed)]


def stops(checks: list[Check]) -> list[str]:
    """Why an application cannot be approved, if it cannot."""
    return [check.text for check in checks if check.verdict == "stop"]


def _age(filed: Filed) -> list[Check]:
    age, application = filed.age, filed.application
    if age is None:
        return [Check("look", "没有出生日期，请问清年龄，未满18岁要有监护人同意")]
    if age >= GUARDIAN_AGE:
        return [Check("good", f"{age}岁，已成年")]
    found = []
    if not application.guardian_name:
        found.append(Check("stop", f"{age}岁，还没有写监护人"))
    elif age < LEAST_AGE and application.companion_id is None:
        found.append(Check("stop", f"{age}岁，未满14岁，监护人要先成为志愿者并陪同"))
    elif not application.guardian_how:
        found.append(Check("look", f"{age}岁，请向监护人{application.guardian_name}核实是否同意"))
    else:
        found.append(Check("good", f"{age}岁，监护人{application.guardian_name}已同意"))
    barred = NOT_FOR_MINORS & set(application.categories)
    found += [Check("look", f"未满18岁不参加{CATEGORIES[code]}，批准时去掉") for code in sorted(barred)]
    return found


def _number(filed: Filed) -> list[Check]:
    person = filed.known.person
    key = filed.application.id_key or person.id_key
    if key is None:
        return [Check("look", "没有身份证号，查不了重复登记")]
    found = [Check("look", "名册里有别人用了同一个身份证号，请核对证件")] if person.id_contested else []
    return [*found, double_check(find_double(person.id, filed.known.estate.id, key))]


def double_check(double: Double | None) -> Check:
    """The verdict on registrations under the same ID number."""
    if double is None:
        return Check("good", "身份证号没有重复登记")
    if double.elsewhere:
        return Check("stop", "已在另一小区登记，请本人先在那边办退出")
    return Check("stop", f"同一个身份证号已经登记，编号{double.number}")


def _register(filed: Filed) -> list[Check]:
    found = []
    if filed.known.person.moved_out_on is not None:
        found.append(Check("stop", "这个人已经登记为搬走"))
    volunteer = find_volunteer(filed.known.person.id)
    if volunteer is not None and volunteer.standing in (Standing.LEFT, Standing.ERASED):
        found.append(Check("look", f"以前是志愿者，编号{volunteer.number}，批准后沿用原来的编号"))
    elif volunteer is not None:
        found.append(Check("stop", f"已经是志愿者，编号{volunteer.number}，{STANDING_NAMES[volunteer.standing]}"))
    return found


def _consents(filed: Filed) -> list[Check]:
    application = filed.application
    missing = [kind for kind in NEEDED if kind not in application.consents]
    if missing:
        return [Check("stop", "同意书还没有签，请退回让本人补签，或让本人来支部签")]
    if application.consents_version != VERSION:
        return [Check("look", f"同意的是{application.consents_version}版，现在是{VERSION}版，批准后会请本人再看一遍")]
    return [Check("good", f"已同意{application.consents_version}版告知")]
