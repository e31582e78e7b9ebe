"""Starting the product: its own settings, the secrets of a demo, a busy port, and that it stops as a whole."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from core import serve
from core.config import ROOT, SettingsError

STOP_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_plan_has_defaults() -> None:
    assert serve.Plan.from_env({}) == serve.Plan("127.0.0.1", 5000, 2, 2)


def test_plan_is_read_from_the_environment() -> None:
    environ = {"PORT": "80", "LINJU_BIND": "0.0.0.0", "LINJU_WORKERS": "4", "LINJU_THREADS": "8"}
    plan = serve.Plan.from_env(environ)
    assert plan == serve.Plan("0.0.0.0", 80, 4, 8)
    assert plan.authority == "127.0.0.1:80"


@pytest.mark.parametrize(
    ("name", "text"), [("PORT", "http"), ("PORT", "0"), ("PORT", "65536"), ("LINJU_WORKERS", "-1")]
)
def test_unusable_numbers_are_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        serve.Plan.from_env({name: text})


def test_demo_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = {"LINJU_VAR_DIR": str(tmp_path / "var")}
    second = dict(first)
    serve.add_demo_secrets(first)
    serve.add_demo_secrets(second)
    assert first == second
    assert len(first["LINJU_SECRET_KEY"]) >= 32
    assert stat.S_IMODE((tmp_path / "var" / "demo.env").stat().st_mode) == 0o600


def test_secrets_that_are_set_win_over_those_of_the_demo(tmp_path: Path) -> None:
    environ = {"LINJU_VAR_DIR": str(tmp_path), "LINJU_SECRET_KEY": "my own"}
    serve.add_demo_secrets(environ)
    assert environ["LINJU_SECRET_KEY"] == "my own"


@contextmanager
def started(var_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """``python -m core.serve`` as a process of its own, which does not outlive the test."""
    environ = os.environ | {"LINJU_ENV": "demo", "LINJU_VAR_DIR": str(var_dir), "PORT": str(port)}
    command = [sys.executable, "-m", "core.serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def output_until(process: subprocess.Popen[str], word: str) -> str:
    """What the process has printed up to the line that holds ``word``, or up to its end."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            break
    return "".join(lines)


def test_a_busy_port_is_said_plainly(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with started(tmp_path, port) as process:
            output, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in output
    assert "PORT" in output
    assert "Traceback" not in output


def test_it_serves_the_demo_and_stops_cleanly(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, port) as process:
        output = output_until(process, "Ctrl-C")
        assert f"http://127.0.0.1:{port}" in output
        assert serve.DEMO_PASSWORD in output
        with closing(HTTPConnection("127.0.0.1", port, timeout=STOP_SECONDS)) as connection:
            connection.request("GET", "/readyz")
            assert connection.getresponse().status == 200
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0
    assert "Traceback" not in rest
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
