"""Fixtures of the whole suite. A test that uses ``database_url`` (or ``app``, ``client``, ``db_session``) runs twice:
on SQLite and on a real PostgreSQL, each time on a database of its own that was copied from a migrated template.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy.session import Session
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy.orm import scoped_session

from community.accounts import workflow as accounts
from core import clock
from core.config import ROOT, Settings, driver_url
from core.database import db
from tests import factories, postgres

BACKENDS = ("sqlite", "postgresql")
SECRET = "only-for-tests-0123456789abcdefghij"
# A Wednesday, ten in the morning in Shanghai.
MOMENT = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)

_server = pytest.StashKey[str]()
# Machines are shared: how long an example takes says nothing of it.
hypothesis_settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("shared")


def postgres_server(config: pytest.Config) -> str:
    """The address of the run's PostgreSQL server: ``TEST_DATABASE_URL``, else one started when first needed.

    Under pytest-xdist only the controller starts one; the workers are told where it is.
    """
    if _server not in config.stash:
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        if worker is not None:
            config.stash[_server] = worker["postgres"]
        elif given := os.environ.get("TEST_DATABASE_URL"):
            config.stash[_server] = given.replace("postgresql+psycopg://", "postgresql://")
        else:
            stack = ExitStack()
            config.add_cleanup(stack.close)
            config.stash[_server] = stack.enter_context(postgres.running())
    return config.stash[_server]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker of pytest-xdist where the server is."""
    node.workerinput["postgres"] = postgres_server(node.config)


def settings_for(database_url: str, var_dir: Path, **changes: Any) -> Settings:
    """Settings of a test application on the database at ``database_url``; ``changes`` override single fields."""
    values: dict[str, Any] = {
        "env": "test",
        "database_url": driver_url(database_url),
        "secret_key": SECRET,
        "seal_key": SECRET.encode()[:32],
        "var_dir": var_dir,
        "testing": True,
    }
    return Settings(**values | changes)


class CompiledTemplates(BytecodeCache):
    """Compiled templates of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


def make_app(settings: Settings) -> Flask:
    """An application with ``settings``."""
    # Imported late: guards and unit tests start at once and need no application.
    from app import create_app

    app = create_app(settings)
    # Hundreds of applications in one run: each template is compiled once for all of them.
    app.jinja_env.bytecode_cache = COMPILED
    return app


def close(app: Flask) -> None:
    """Close the database connections that ``app`` holds."""
    engines = app.extensions["linju.engines"]
    engines.main.dispose()
    engines.quick.dispose()


def migrate(database_url: str, var_dir: Path) -> None:
    """Bring the database at ``database_url`` to the newest migration."""
    app = make_app(settings_for(database_url, var_dir))
    try:
        with app.app_context():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
    finally:
        close(app)


class Templates:
    """Databases to copy, made once in each process when first needed: migrated ones, empty or with the town in them."""

    def __init__(self, config: pytest.Config, folders: pytest.TempPathFactory) -> None:
        self._config, self._folders = config, folders
        self._urls: dict[tuple[str, bool], str] = {}
        self._worlds: dict[str, factories.World] = {}

    def url(self, backend: str, settled: bool) -> str:
        """The address of a backend's template, ``settled``: with the town."""
        if (backend, settled) not in self._urls:
            folder = self._folders.mktemp(f"template-{backend}")
            url = self.copy(backend, folder) if settled else self._fresh(backend, folder)
            if settled:
                self._worlds[backend] = settle(url, folder)
            else:
                migrate(url, folder)
            self._urls[backend, settled] = url
        return self._urls[backend, settled]

    def _fresh(self, backend: str, folder: Path) -> str:
        if backend == "sqlite":
            return f"sqlite:///{folder}/linju.db"
        return postgres.fresh_database(postgres_server(self._config))

    def copy(self, backend: str, folder: Path, settled: bool = False) -> str:
        """The address of a copy, in ``folder`` when it is a file."""
        source = self.url(backend, settled)
        if backend == "postgresql":
            return postgres.fresh_database(postgres_server(self._config), postgres.database_name(source))
        shutil.copyfile(source.removeprefix("sqlite:///"), folder / "linju.db")
        return f"sqlite:///{folder / 'linju.db'}"

    def world(self, backend: str) -> factories.World:
        """The town of a backend's settled template, for one test to change as it likes."""
        return copy.deepcopy(self._worlds[backend])

    def drop(self) -> None:
        """Drop those that are not files."""
        for (backend, _), url in self._urls.items():
            if backend == "postgresql":
                postgres.drop_database(postgres_server(self._config), url)


def settle(database_url: str, var_dir: Path) -> factories.World:
    """Make the town in the database at ``database_url``."""
    app = make_app(settings_for(database_url, var_dir))
    try:
        with app.app_context():
            return factories.town()
    finally:
        close(app)


@pytest.fixture(scope="session")
def templates(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """The databases that tests get copies of."""
    found = Templates(pytestconfig, tmp_path_factory)
    yield found
    found.drop()


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> Iterator[str]:
    """The address of a migrated database for this test alone: empty, or with the town when the test asks for it."""
    url = templates.copy(request.param, tmp_path, "world" in request.fixturenames)
    yield url
    if request.param == "postgresql":
        postgres.drop_database(postgres_server(request.config), url)


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a database of its own."""
    app = make_app(settings_for(database_url, tmp_path))
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that keeps cookies."""
    return app.test_client()


@pytest.fixture
def db_session(app: Flask) -> Iterator[scoped_session[Session]]:
    """The session inside an application context. Call ``begin_write()`` before the first write."""
    with app.app_context():
        yield db.session
        db.session.rollback()


@pytest.fixture
def world(app: Flask, database_url: str, templates: Templates) -> factories.World:
    """The made-up town in the application's database."""
    return templates.world(database_url.partition(":")[0])


@pytest.fixture
def at() -> Iterator[Callable[[datetime], None]]:
    """A clock that stands still at ``MOMENT`` and is moved by calling it with an aware time."""
    clock.set_now(MOMENT)
    yield clock.set_now
    clock.set_now(None)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on the settings of whoever runs them."""
    for name in [name for name in os.environ if name.startswith("LINJU_") and name != "LINJU_SHOTS"]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def cheap_hashing() -> Iterator[None]:
    """Argon2id with the least of work: towns of people with passwords are made anew for many tests."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: hasher)
        yield
