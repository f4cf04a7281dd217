"""The app's own processes on a test's database, one by one: to be started, killed and started again."""

import base64
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shopify_app.config import Settings
from shopify_app.up import children

ROOT = Path(__file__).resolve().parents[2]


def environ(settings: Settings, **more: str) -> dict[str, str]:
    """What a process has to be told to run with these settings."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "ENVIRONMENT": settings.environment,
        "SHOPIFY_API_KEY": settings.api_key,
        "SHOPIFY_API_SECRET": settings.api_secret,
        "APP_URL": settings.app_url,
        "DATABASE_URL": settings.database_url,
        "OBJECT_STORE_URL": settings.object_store_url,
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(settings.encryption_keys[0]).decode(),
        "BUSINESS_CLOCK": settings.business_clock,
        "FORETALLY_VAR": str(settings.var),
        "OMP_NUM_THREADS": "1",
        **more,
    }


@contextmanager
def running(settings: Settings, name: str, port: int = 0, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One process as `up` starts it: web, desk or training. Killed with all its children at the end."""
    [child] = [child for child in children("127.0.0.1", port) if child.name == name]
    with open(settings.var / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            child.command, cwd=ROOT, env=environ(settings, **more), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """kill -9 to every process of it, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait(what: str, until: Callable[[], object], seconds: float = 40.0) -> None:
    """Return once it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"{what}: it did not happen"
        time.sleep(0.05)


def program(name: str) -> str:
    """Where a program is that a test cannot do without. In CI a missing one is a failure, elsewhere a skipped test."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI") != "true":
        pytest.skip(f"no {name} on this machine")
    assert found is not None, f"no {name} on this machine"
    return found
