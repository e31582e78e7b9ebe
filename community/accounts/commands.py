"""``flask create-admin``: the first account, from the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from community.accounts import workflow
from community.grid.models import Person
from community.organisations.models import Organisation, OrganisationKind
from core import clock
from core.access import Role
from core.database import begin_write, db
from core.identity import IdentityError, is_name, narrow, parse_phone, pinyin_initials, pinyin_key
from core.ids import new_id


@click.command("create-admin")
@click.option("--phone", prompt="手机号", help="管理员登录用的手机号")
@click.option("--name", prompt="姓名", help="管理员的姓名")
@click.option("--password-stdin", is_flag=True, help="从标准输入读密码，不询问")
@click.option("--organisation", default="本区", show_default=True, help="还没有组织时，最上一级叫什么")
@with_appcontext
def create_admin(phone: str, name: str, password_stdin: bool, organisation: str) -> None:
    """Make a system administrator at the root of the organisation tree."""
    try:
        number = parse_phone(phone)
    except IdentityError as error:
        raise click.ClickException(str(error)) from error
    if not is_name(narrow(name)):
        raise click.ClickException("姓名要写中文或英文名字，不带数字和符号")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask()
    try:
        workflow.check_password(password)
        make_admin(number, narrow(name), password, organisation)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"管理员{narrow(name)}可以登录了")


def _ask() -> str:
    password: str = click.prompt("密码", hide_input=True, confirmation_prompt="再输一次密码")
    return password


def make_admin(phone: str, name: str, password: str, root_name: str) -> None:
    """A person without an estate, an account, and the post of administrator at the root organisation.

    Raises ``ValueError`` when the phone has an account already.
    """
    begin_write()
    at = clock.now()
    root = db.session.scalar(select(Organisation).where(Organisation.parent_id.is_(None)).order_by(Organisation.path))
    if root is None:
        id_ = new_id()
        root = Organisation(id=id_, kind=OrganisationKind.DISTRICT, name=root_name, path=f"{id_}/", code="")
        db.session.add(root)
    person = Person(
        id=new_id(), name=name, pinyin=pinyin_key(name), initials=pinyin_initials(name), sex=0, care=[],
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    workflow.create(person, phone, password, "system")
    db.session.flush()
    workflow.appoint("system", "系统", person.id, Role.ADMIN, root, clock.today())
    db.session.commit()
