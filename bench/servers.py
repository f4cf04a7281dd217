"""Servers that a measurement starts for itself, and the CPU time of all their processes."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench import Missing

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


def cpu_seconds(root: int) -> float:
    """CPU time so far of a process and all below it, ended ones included."""
    family = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in family)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(command: list[str], port: int, log: Path, **environ: str) -> Iterator[int]:
    """A web server, by its process id, once it answers at /healthz; ended afterwards."""
    whole = {**os.environ, **environ}
    whole.pop("PYTHONDONTWRITEBYTECODE", None)
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=whole, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Return when it answers. Raises Missing when it ends, or takes too long."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise Missing(f"a server did not start: {log.read_text(errors='replace')[-1000:]}")


@dataclass
class Postgres:
    """A PostgreSQL server that nobody else works on. `address` lacks a database's name."""

    folder: Path
    port: int
    control: list[str]

    @property
    def address(self) -> str:
        return f"postgresql://foretally@127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The parent of all of its processes."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def database(self, name: str) -> str:
        """The address of a new, empty database."""
        with psycopg.connect(f"{self.address}/postgres", autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
        return f"{self.address}/{name}"

    def run(self, *how: str) -> None:
        """Let pg_ctl do something, such as `-m immediate restart`."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        command = [*self.control, "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options]
        subprocess.run([*command, "-w", "-s", *how], cwd=self.folder, check=True)


@contextmanager
def postgresql() -> Iterator[Postgres]:
    """A PostgreSQL server of our own. It refuses to run as root, so root lends it the account `postgres`."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="foretally-pg-"))
    as_whom = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_whom:
        shutil.chown(folder, "postgres")
    made = Postgres(folder, free_port(), [*as_whom, str(programs / "pg_ctl")])
    init = [
        *as_whom,
        str(programs / "initdb"),
        "-D",
        str(folder / "data"),
        "-A",
        "trust",
        "-U",
        "foretally",
        "--no-sync",
    ]
    try:
        subprocess.run([*init, "--no-sync"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        made.run("start")
        yield made
    finally:
        with suppress(subprocess.CalledProcessError):
            made.run("-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where PostgreSQL's server programs are: the newest of Debian's, or beside `postgres` on the path."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not on_path and not found:
        raise Missing("PostgreSQL's initdb is not on this machine")
    return Path(on_path).parent if on_path else found[-1].parent
