"""``flask backup FILE`` and ``flask restore FILE``: the whole database in one file.

SQLite is copied through its own online backup, so the application may go on; PostgreSQL through pg_dump and pg_restore.
Sealed fields stay sealed: keep ``LINJU_SEAL_KEY`` apart from the copy, and safe.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import make_url

from core.config import Settings
from core.database import engines

SQLITE_MAGIC = b"SQLite format 3\0"
POSTGRES_MAGIC = b"PGDMP"


class BackupError(Exception):
    """A copy could not be made or put back; the text says in Chinese what to do."""


def backup(settings: Settings, target: Path) -> None:
    """Copy the database into ``target``, a new file. Raises ``BackupError``."""
    if target.exists():
        raise BackupError(f"{target} 已经存在，请换一个文件名")
    if not target.absolute().parent.is_dir():
        raise BackupError(f"文件夹 {target.absolute().parent} 不存在，请先建好")
    partial = target.with_name(target.name + ".partial")
    partial.touch(mode=0o600)
    try:
        if settings.database_url.startswith("sqlite"):
            _copy(_sqlite_path(settings), partial)
        else:
            _run("pg_dump", ["--format=custom", "--no-owner", f"--file={partial}"], settings)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def restore(settings: Settings, source: Path) -> None:
    """Put a copy in the place of the database. Nothing else may be using it. Raises ``BackupError``."""
    try:
        with source.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BackupError(f"打不开 {source}：{error.strerror}") from error
    sqlite = settings.database_url.startswith("sqlite")
    if not head.startswith(SQLITE_MAGIC if sqlite else POSTGRES_MAGIC):
        raise BackupError(f"{source} 不是 {'SQLite' if sqlite else 'PostgreSQL'} 的备份文件，请换一个文件")
    if not sqlite:
        options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
        _run("pg_restore", [*options, f"--dbname={_libpq_url(settings)}", str(source)], settings)
        return
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
        try:
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as error:
            raise BackupError(f"{source} 已损坏，请换一份备份") from error
    if verdict != "ok":
        raise BackupError(f"{source} 已损坏，请换一份备份")
    _copy(source, _sqlite_path(settings))


def _sqlite_path(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(source, timeout=30)) as old, closing(sqlite3.connect(target, timeout=30)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise BackupError("数据库正被占用或文件损坏，请停下服务再试") from error


def _libpq_url(settings: Settings) -> str:
    url = make_url(settings.database_url).set(drivername="postgresql", password=None)
    return url.render_as_string(hide_password=False)


def _run(program: str, options: list[str], settings: Settings) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, where no process list shows it."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"没有找到 {program}，请先安装 PostgreSQL 客户端：apt-get install postgresql-client")
    password = make_url(settings.database_url).password
    environ = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    where = [] if program == "pg_restore" else [f"--dbname={_libpq_url(settings)}"]
    done = subprocess.run([found, *where, *options], env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["没有说明"])[-1]
        raise BackupError(f"{program} 没有做成：{last}")


def _settings() -> Settings:
    found: Settings = current_app.extensions["linju.settings"]
    return found


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup_command(file: Path) -> None:
    """Copy the whole database into one new file."""
    try:
        backup(_settings(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"已备份到 {file}，{file.stat().st_size:,} 字节")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="不再询问，直接换掉现在的数据库")
@with_appcontext
def restore_command(file: Path, yes: bool) -> None:
    """Put a copy in the place of the present database."""
    if not yes and sys.stdin.isatty():
        click.confirm("现在的数据会全部换成备份里的，继续吗", abort=True)
    for engine in (engines().main, engines().quick):
        engine.dispose()
    try:
        restore(_settings(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo("已恢复，请重新启动服务")
