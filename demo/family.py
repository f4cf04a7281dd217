"""Start the local Shopify and the app as a person would, watch them, and end them together."""

import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import requests

from shopify_app import config
from shopify_app.config import Settings

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


class Broken(Exception):
    """Something the demo needs did not happen; the text says what and where to look."""


@dataclass(frozen=True)
class Setup:
    """Where a run lives and what it sells."""

    var: Path
    handle: str = "foretally-demo"
    app_port: int = 8800
    shopify_port: int = 8801
    devstore_options: Sequence[str] = ()

    @property
    def app_url(self) -> str:
        """The app's own origin; another site than the shop's, as in life."""
        return f"http://127.0.0.1:{self.app_port}"

    @property
    def shopify_url(self) -> str:
        """The local Shopify's origin."""
        return f"http://localhost:{self.shopify_port}"

    @property
    def domain(self) -> str:
        """The shop's myshopify.com domain."""
        return f"{self.handle}.myshopify.com"

    @property
    def admin_page(self) -> str:
        """Where a merchant opens the app."""
        return f"{self.shopify_url}/store/{self.handle}/apps/foretally"

    @property
    def storefront(self) -> str:
        """Where a shopper looks around."""
        return f"{self.shopify_url}/s/{self.handle}/"


class Family:
    """The two processes of a run. Use as a context manager: whatever happens, every process ends."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.http = requests.Session()
        self.peak_rss_mb = 0.0
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._environment = environment(setup)

    def __enter__(self) -> Self:
        for port in (self.setup.app_port, self.setup.shopify_port):
            _check_port(port)
        try:
            self._start("devstore", self._devstore_command())
            self._start("foretally", [sys.executable, "-m", "shopify_app", "up", "--port", str(self.setup.app_port)])
            self._await("devstore", f"{self.setup.shopify_url}/_dev/{self.setup.handle}/state")
            self._await("foretally", f"{self.setup.app_url}/healthz")
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._sample_memory, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process, gently first."""
        self._over.set()
        for process in reversed(self._processes.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self._processes.values()):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                _kill_tree(process.pid)

    def check(self) -> None:
        """Raise Broken when a process has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise Broken(f"{name} ended by itself; its log is in {self.setup.var / 'log'}")

    def shopify(self, path: str, body: dict[str, Any] | None = None, timeout: float = 600.0) -> Any:
        """Use the local Shopify's control door."""
        url = f"{self.setup.shopify_url}/_dev/{self.setup.handle}/{path}"
        reply = self.http.get(url, timeout=timeout) if body is None else self.http.post(url, json=body, timeout=timeout)
        if reply.status_code != 200:
            raise Broken(f"the local Shopify answered {reply.status_code} to {path}: {reply.text[:300]}")
        return reply.json()

    def open_app(self, path: str = "/") -> requests.Response:
        """Open a page of the app as the merchant's browser does inside Shopify's admin."""
        token = self.shopify("id-token")["id_token"]
        query = {"shop": self.setup.domain, "embedded": "1", "id_token": token}
        return self.http.get(self.setup.app_url + path, params=query, timeout=60)

    def command(self, *arguments: str) -> str:
        """Run one of the app's own commands, as a person at the terminal would."""
        return self.python("shopify_app", "--json", *arguments)

    def python(self, *arguments: str) -> str:
        """Run a module as a program with the app's settings; what it printed. Raises Broken when it failed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            raise Broken(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def processes(self) -> list[int]:
        """The process ids of what was started here."""
        return [process.pid for process in self._processes.values()]

    def settings(self) -> Settings:
        """The app's settings in this run."""
        return config.load(self._environment)

    def wait(self, what: str, done: Callable[[], Any], seconds: float, every: float = 0.1) -> Any:
        """Wait until `done` gives something true, and return it. Raises Broken when time is up or a process ended."""
        deadline = time.monotonic() + seconds
        while not (found := done()):
            self.check()
            if time.monotonic() > deadline:
                raise Broken(f"{what}: not within {seconds:.0f} s; the logs are in {self.setup.var / 'log'}")
            time.sleep(every)
        return found

    def _devstore_command(self) -> list[str]:
        setup = self.setup
        return [
            *(sys.executable, "-m", "devstore", "--port", str(setup.shopify_port), "--shop", setup.handle),
            *("--app-url", setup.app_url, "--api-key", "foretally", "--state", str(setup.var / "devstore")),
            *("--api-secret", self._environment["SHOPIFY_API_SECRET"], *setup.devstore_options),
        ]

    def _start(self, name: str, command: list[str]) -> None:
        (self.setup.var / "log").mkdir(parents=True, exist_ok=True)
        with open(self._log(name), "ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def _await(self, name: str, answers_at: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(answers_at):
            if self._processes[name].poll() is not None:
                raise Broken(f"{name} did not start: {_last_line(self._log(name))}")
            if time.monotonic() > deadline:
                raise Broken(f"{name} did not answer within {START_SECONDS:.0f} s; see {self._log(name)}")
            time.sleep(0.1)

    def _log(self, name: str) -> Path:
        return self.setup.var / "log" / f"{name}.log"

    def _answers(self, url: str) -> bool:
        try:
            return self.http.get(url, timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def _sample_memory(self) -> None:
        while not self._over.wait(2.0):
            total = sum(_rss(process.pid) for process in list(self._processes.values()))
            self.peak_rss_mb = max(self.peak_rss_mb, total / 2**20)


def environment(setup: Setup) -> dict[str, str]:
    """What the app is told in a demo: the embedded defaults and the local Shopify."""
    setup.var.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "ENVIRONMENT": "development",
        "SHOPIFY_API_KEY": "foretally",
        "SHOPIFY_API_SECRET": _secret(setup.var / "api-secret"),
        "APP_URL": setup.app_url,
        "DEV_SHOPIFY_URL": setup.shopify_url,
        "BUSINESS_CLOCK": "data",
        "FORETALLY_VAR": str(setup.var),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _secret(path: Path) -> str:
    if not path.exists():
        path.write_text(base64.b16encode(secrets.token_bytes(32)).decode().lower())
    return path.read_text()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            raise Broken(f"port {port} is none: ports end at 65535") from None
        except OSError:
            raise Broken(f"port {port} is in use: stop what runs there, or choose others with --port") from None


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it said nothing; see {path}"


def _rss(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        return int(sum(p.memory_info().rss for p in (process, *process.children(recursive=True))))
    except psutil.Error:
        return 0


def _kill_tree(pid: int) -> None:
    try:
        family = psutil.Process(pid)
        for process in (*family.children(recursive=True), family):
            process.kill()
    except psutil.Error:
        pass
