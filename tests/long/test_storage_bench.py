"""The measurement of storage runs from start to end on a small shop: what it fills in itself follows the tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long


def test_storage_can_be_measured(tmp_path: Path) -> None:
    environ = os.environ | {"BENCH_LINES": "5000", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", "storage"]
    run = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    told = json.loads((tmp_path / "var/bench/storage.json").read_text())
    assert told["lines"] == 5000
    assert told["sqlite"]["freeze_cpu_seconds"] > 0
    assert told["sqlite"]["bytes"] > 5000
