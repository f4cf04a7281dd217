"""One command for everything: web server, workers and heartbeat as children that are watched and ended together."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from shopify_app import migrate
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ForetallyError, SettingError
from shopify_app.records import keys
from shopify_app.records.objects import open_objects
from shopify_app.records.seal import CannotOpen

LEAST_FREE_BYTES = 200 * 2**20
GRACE_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
FRUGAL = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""For every child: one thread per training, and freed memory back to the system (a tenth less of it, measured)."""
RAN_WELL = 10.0
"""Seconds after which an ended process did not fail at its start."""


@dataclass
class Child:
    """One process of the app: what to run, where it logs, and how it fares."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default=0.0)

    def start(self, log: IO[bytes]) -> None:
        """Start it in a session of its own: Ctrl-C reaches us alone, and we end it gently."""
        self.process = subprocess.Popen(
            self.command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.started = time.monotonic()

    def watch(self, log: IO[bytes]) -> None:
        """Start it again when it has ended, later each time, soon again after it ran well."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.pause = FIRST_PAUSE if now - self.started > RAN_WELL else min(self.pause * 2, LONGEST_PAUSE)
            print(f"foretally: {self.name} ended ({self.process.returncode}), again in {self.pause:.0f} s", flush=True)
            self.process, self.due = None, now + self.pause
        if self.process is None and now >= self.due:
            self.start(log)


def run(settings: Settings, host: str, port: int) -> None:
    """Start everything and stay until SIGINT or SIGTERM. Raises SettingError when it cannot start."""
    check_port(host, port)
    settings.var.mkdir(parents=True, exist_ok=True)
    _check_disk(settings.var)
    _check_objects(settings)
    with _only_one(settings.var):
        migrate.to_head(settings.database_url)
        check_keys(settings)
        shutil.rmtree(settings.var / "scratch", ignore_errors=True)
        _supervise(settings, children(host, port))


def children(host: str, port: int) -> list[Child]:
    """The processes of one machine: web, desk (with the heartbeat), training.

    Both workers run their tasks in the main process: this family watches it as a pool would, at half the memory.
    """
    celery = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-l", "WARNING"]
    worker = [*celery, "--pool", "solo", "--without-mingle", "--without-gossip"]
    return [
        Child("web", web_command(host, port)),
        Child("desk", [*worker, "-Q", "desk", "-n", "desk@%h", "--heartbeat"]),
        Child("training", [*worker, "-Q", "training", "-n", "training@%h"]),
    ]


def web_command(host: str, port: int) -> list[str]:
    """The web server alone."""
    return [sys.executable, "-m", "shopify_app", "serve", "--host", host, "--port", str(port)]


def _supervise(settings: Settings, family: list[Child]) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    for name, value in FRUGAL.items():
        os.environ.setdefault(name, value)
    with _logs(settings.var, family) as logs:
        while not stopping:
            for child in family:
                child.watch(logs[child.name])
            time.sleep(0.2)
        _end(family)


def _end(family: list[Child]) -> None:
    """Ask each main process to end; its own children are its business. Whoever takes too long is killed."""
    alive = [child.process for child in family if child.process is not None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in alive:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _logs(var: Path, family: list[Child]) -> Iterator[Mapping[str, IO[bytes]]]:
    (var / "log").mkdir(parents=True, exist_ok=True)
    logs = {child.name: open(var / "log" / f"{child.name}.log", "ab") for child in family}  # noqa: SIM115
    try:
        yield logs
    finally:
        for log in logs.values():
            log.close()


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Two supervisors on one folder would start everything twice. The lock goes with the process, however it ends."""
    with open(var / "up.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingError(
                f"FORETALLY_VAR: another foretally already runs in {var}; stop it, or use another folder. "
                "Example: FORETALLY_VAR=var2"
            ) from None
        yield


def check_port(host: str, port: int) -> None:
    """Raises SettingError when nothing can listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise SettingError(f"--port {port} is none: ports end at 65535. Example: --port 8800") from None
        except OSError as error:
            raise SettingError(f"--port {port} on {host}: {error.strerror}. Example: --port {port + 10}") from None


def _check_objects(settings: Settings) -> None:
    try:
        open_objects(settings).check()
    except ForetallyError as error:
        raise SettingError(f"OBJECT_STORE_URL: {error}. Example: OBJECT_STORE_URL=s3://bucket/prefix") from None


def check_keys(settings: Settings) -> None:
    """Raises SettingError when the database's key is another: deliveries would be sealed under ours, and parked."""
    try:
        with Database.of(settings).reading() as db:
            keys.check(db)
    except CannotOpen:
        raise SettingError(
            f"ENCRYPTION_KEYS does not open what the database holds: put its key back, there or into "
            f"{settings.var / 'encryption.key'}. Example: ENCRYPTION_KEYS=new,old"
        ) from None


def _check_disk(var: Path) -> None:
    free = shutil.disk_usage(var).free
    if free < LEAST_FREE_BYTES:
        raise SettingError(
            f"FORETALLY_VAR: only {free // 2**20} MB are free in {var}, {LEAST_FREE_BYTES // 2**20} are needed. "
            "Example: FORETALLY_VAR=/data/foretally"
        )
