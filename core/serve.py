"""Run the product: ``python -m core.serve`` starts the web server and the job runner and stops both together.

Beyond the settings of ``core.config`` it reads ``PORT`` (5000), ``LINJU_BIND`` (127.0.0.1), ``LINJU_WORKERS`` (2
processes) and ``LINJU_THREADS`` (2 threads in each). Exit status: 0 when asked to stop, 1 when a part of it failed,
2 when the settings do not do.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from core.config import ROOT, Settings, SettingsError, add_demo_secrets

READY_SECONDS = 60
STOP_SECONDS = 10
DEMO_PASSWORD = "linju-demo-2026"
DEMO_ACCOUNTS = (
    ("19900000001", "居民，独居，3栋1单元"),
    ("19900000002", "居民，另一栋楼"),
    ("19900000011 … 19900000016", "志愿者，技能和空闲时间各不相同"),
    ("19900000021", "榕树花园支部书记"),
    ("19900000022", "彩色水泥厂生活小区支部书记（同一社区）"),
    ("19900000023", "天鹅花园支部书记（另一街道）"),
    ("19900000031", "榕树花园网格员"),
    ("19900000041", "社区工作人员，管前两个小区"),
    ("19900000051", "街道工作人员"),
    ("19900000091", "系统管理员，看不到居民资料"),
)


@dataclass(frozen=True)
class Plan:
    """Where and how wide to serve."""

    bind: str
    port: int
    workers: int
    threads: int

    @property
    def authority(self) -> str:
        """Host and port at which this machine reaches the server."""
        return f"{'127.0.0.1' if self.bind == '0.0.0.0' else self.bind}:{self.port}"

    @staticmethod
    def from_env(environ: Mapping[str, str]) -> Plan:
        """Read the plan. Raises ``SettingsError`` for a value that is no whole number in range."""
        return Plan(
            bind=environ.get("LINJU_BIND") or "127.0.0.1",
            port=_whole(environ, "PORT", 5000, 65535),
            workers=_whole(environ, "LINJU_WORKERS", 2, 64),
            threads=_whole(environ, "LINJU_THREADS", 2, 256),
        )


class StartError(Exception):
    """The product cannot start; the text says why and what to do."""


def main() -> int:
    """Serve until told to stop; the exit status."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays in force
            signal.signal(number, lambda *_: stop.set())
    environ = dict(os.environ)
    try:
        if environ.get("LINJU_ENV") == "demo":
            add_demo_secrets(environ)
        settings, plan = Settings.from_env(environ), Plan.from_env(environ)
        settings.var_dir.mkdir(parents=True, exist_ok=True)
        _check_port(plan)
        _prepare(environ, stop)
        return 0 if stop.is_set() else _supervise(settings, plan, environ, stop)
    except (SettingsError, StartError) as error:
        print(error, file=sys.stderr, flush=True)
        return 2 if isinstance(error, SettingsError) else 1


def _check_port(plan: Plan) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((plan.bind, plan.port))
        except OSError as error:
            hint = "请停掉占用它的程序，或用环境变量 PORT 换一个端口"
            raise StartError(f"打不开 {plan.bind}:{plan.port}（{error.strerror}）。{hint}") from error


def _prepare(environ: dict[str, str], stop: threading.Event) -> None:
    """Bring the database up to date and, in a demo, load the demo estate."""
    child = _start([sys.executable, "-m", "core.prepare"], environ)
    while child.poll() is None:
        if stop.wait(0.02):
            _end([child])
            return
    if child.returncode:
        raise StartError("准备数据库失败，没有启动，原因见上")


def _supervise(settings: Settings, plan: Plan, environ: dict[str, str], stop: threading.Event) -> int:
    """Run both processes until told to stop (0) or until one of them ends by itself (``StartError``)."""
    children = {"网页服务": _start(_granian(plan), environ)}
    deadline, ready = time.monotonic() + READY_SECONDS, False
    try:
        while not stop.wait(0.2 if ready else 0.05):
            for name, child in children.items():
                if child.poll() is not None:
                    raise StartError(f"{name}停了（退出码 {child.returncode}），其余也已停下，原因见上")
            if not ready and (ready := _is_ready(plan)):
                # Only now, so that its start does not slow down that of the pages.
                children["任务进程"] = _start([sys.executable, "-m", "flask", "--app", "app", "jobs", "serve"], environ)
                print(_greeting(settings, plan), flush=True)
            if not ready and time.monotonic() > deadline:
                raise StartError(f"等了 {READY_SECONDS} 秒，http://{plan.authority}/readyz 仍未就绪，原因见上")
    finally:
        _end(list(children.values()))
    return 0


def _granian(plan: Plan) -> list[str]:
    options = {"host": plan.bind, "port": plan.port, "workers": plan.workers, "blocking-threads": plan.threads}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    # No log of addresses: that of a calendar feed is a secret of its owner.
    fixed = ["--interface", "wsgi", "--factory", "--no-ws", "--log-level", "warning", "--no-access-log"]
    fixed += ["--workers-kill-timeout", "5"]
    return [sys.executable, "-m", "granian", *fixed, *words, "app:create_app"]


def _start(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then stops the others in order.
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask every child to stop, wait, and kill what is left with its workers."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _is_ready(plan: Plan) -> bool:
    with closing(HTTPConnection(plan.authority, timeout=5)) as connection, suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def _greeting(settings: Settings, plan: Plan) -> str:
    lines = [f"邻聚已就绪：http://{plan.authority}"]
    if settings.is_demo:
        lines += ["", f"演示账号（密码都是 {DEMO_PASSWORD}）", *(f"  {phone:<26}{who}" for phone, who in DEMO_ACCOUNTS)]
    return "\n".join([*lines, "", "按 Ctrl-C 停止"])


def _whole(environ: Mapping[str, str], name: str, default: int, high: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= high:
        raise SettingsError(f"{name} 要填 1 到 {high} 的整数，现在是“{text}”")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
