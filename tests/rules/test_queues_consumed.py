"""Every queue that a task is sent to is one that a worker listens to, and every bell that is rung wakes a task."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shopify_app.nudge import QUEUES as BELLS

ROOT = Path(__file__).parents[2]
RUNG = re.compile(r"\bnudge\(\"([^\"]*)\"\)")
ASK = """
import json
from workers.app import QUEUES, app
app.loader.import_default_modules()
print(json.dumps({
    "queues": QUEUES,
    "sent_to": [app.conf.task_default_queue, *(route["queue"] for route in (app.conf.task_routes or {}).values())],
    "routes": {name: route["queue"] for name, route in (app.conf.task_routes or {}).items()},
    "scheduled": [entry["task"] for entry in app.conf.beat_schedule.values()],
    "tasks": list(app.tasks),
}))
"""


@pytest.fixture(scope="module")
def celery(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the Celery app says of itself, asked in a process of its own: it reads the settings when imported."""
    settings = {
        "ENVIRONMENT": "development",
        "SHOPIFY_API_KEY": "key",
        "SHOPIFY_API_SECRET": "secret",
        "APP_URL": "http://127.0.0.1:8800",
        "FORETALLY_VAR": str(tmp_path_factory.mktemp("var")),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=kept | settings, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_queues_are_consumed(celery: dict[str, Any]) -> None:
    assert set(celery["sent_to"]) <= set(celery["queues"])


def test_somebody_starts_a_worker_for_each_queue(celery: dict[str, Any]) -> None:
    starting = [*(ROOT / "demo").rglob("*.py"), ROOT / "shopify_app" / "up.py", ROOT / "compose.yaml"]
    text = "\n".join(path.read_text() for path in starting if path.is_file())
    assert [queue for queue in celery["queues"] if not re.search(rf"\b{queue}\b", text)] == []


def test_every_bell_that_can_be_rung_wakes_a_task_on_a_queue_that_is_listened_to(celery: dict[str, Any]) -> None:
    assert {f"foretally.{name}" for name in BELLS} <= set(celery["tasks"])
    assert set(BELLS.values()) <= set(celery["queues"])
    assert set(celery["scheduled"]) <= set(celery["tasks"])


def test_a_bell_rings_on_the_queue_that_celery_would_choose(celery: dict[str, Any]) -> None:
    routed = {name: celery["routes"].get(f"foretally.{name}", celery["sent_to"][0]) for name in BELLS}
    assert routed == BELLS


def test_every_bell_in_the_code_can_be_rung() -> None:
    files = [path for folder in ("shopify_app", "workers") for path in (ROOT / folder).rglob("*.py")]
    rung = {name for path in files for name in RUNG.findall(path.read_text())}
    assert rung
    assert rung <= set(BELLS)
