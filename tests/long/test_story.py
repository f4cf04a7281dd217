"""The whole loop with real processes: nothing lost, nothing twice, the sabotage found and taken back."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> int:
    """A port whose neighbour is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def test_the_story_ends_well_with_every_link_of_the_chain(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "demo.story", "--var", str(tmp_path / "story"), "--port", str(free_ports())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=850,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr
    figures = json.loads((tmp_path / "story.json").read_text())
    assert figures["missing_links"] == []
    assert figures["orders_sent"] == figures["orders_stored"] > 1000
    assert figures["duplicates_sent"] > 100
    assert figures["duplicates_applied"] == 0
    assert figures["alert_business_days"] <= 5
    assert figures["rollback_seconds"] < 1
    assert figures["accuracy_at_alert"] < figures["accuracy_before_sabotage"]
