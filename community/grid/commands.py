"""``flask import-roll``: a roll from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson
from flask.cli import with_appcontext

from community.grid.estates import ensure_estate, find_estate
from community.grid.importing import read_file
from community.grid.roll_files import Result, RollFile
from core.access import system_viewer
from core.database import begin_write, db
from core.sheets import SheetError

SHOWN = 50
"""Refused rows that are told one by one in plain text."""


@click.command("import-roll")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--estate", "name", required=True, help="小区名称；没有这个小区就新建")
@click.option("--dry-run", is_flag=True, help="只看会怎样，不写入")
@click.option("--refused", "refused_path", type=click.Path(path_type=Path, dir_okay=False), help="未导入的行存到这里")
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def import_roll(file: Path, name: str, dry_run: bool, refused_path: Path | None, as_json: bool) -> None:
    """Read a roll of residents or volunteers into an estate.

    Exit status 0; 1 when rows were refused; 2 when the file could not be read at all, and then nothing has changed.
    """
    try:
        roll = read_file(file.read_bytes(), file.name)
    except OSError as error:
        _stop(f"打不开 {file}：{error.strerror}")
    except SheetError as error:
        _stop(error.message_zh)
    try:
        result = _run(roll, name.strip(), dry_run)
    except ValueError as error:
        _stop(str(error))
    if refused_path is not None and roll.refused:
        try:
            refused_path.write_bytes(roll.refused_workbook())
        except OSError as error:
            click.echo(f"未导入的行没有存成：{error.strerror}", err=True)
    if as_json:
        click.echo(orjson.dumps(_answer(roll, result, name.strip())).decode())
    else:
        _tell(roll, result, dry_run, refused_path)
    sys.exit(1 if roll.refused else 0)


def _stop(message: str) -> Any:
    click.echo(message, err=True)
    sys.exit(2)


def _run(roll: RollFile, name: str, dry_run: bool) -> Result:
    if dry_run:
        return roll.plan(find_estate(name))
    actor = system_viewer("命令行")
    begin_write()
    try:
        result = roll.save(ensure_estate(name, None, actor), actor)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return result


def _answer(roll: RollFile, result: Result, name: str) -> dict[str, Any]:
    refused = [{"sheet": r.sheet, "row": r.row, "reason": r.reason, "value": r.value} for r in roll.refused]
    return {"estate": name, **roll.counts(), **result.counts(), "refused": refused}


def _tell(roll: RollFile, result: Result, dry_run: bool, refused_path: Path | None) -> None:
    would = "将" if dry_run else "已"
    counts = result.counts()
    click.echo(
        f"{roll.title}：{would}新增{counts['created']}人，更新{counts['updated']}人，没有变化{counts['unchanged']}人"
    )
    if result.leavers:
        click.echo(f"名册里不再有{len(result.leavers)}人，请到网页上确认是否搬走")
    for note in roll.doubts[:SHOWN]:
        click.echo(f"  请核对 {note.sheet} 第{note.row}行：{note.text}")
    for row in roll.refused[:SHOWN]:
        click.echo(f"  未导入 {row.sheet} 第{row.row}行：{row.message}")
    if len(roll.refused) > SHOWN:
        click.echo(f"  还有{len(roll.refused) - SHOWN}行未导入")
    if roll.refused and refused_path is None:
        click.echo("加上 --refused 文件.xlsx，可把未导入的行另存出来，改好再导入")
