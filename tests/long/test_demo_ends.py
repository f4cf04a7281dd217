"""However the demo is told to end, nothing of it stays behind, and it goes on where it was."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.long.app_processes import ROOT, wait
from tests.long.test_story import free_ports

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """Also where the tests run in the background, and what they start would ignore it as they do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_every_process_of_the_demo_ends_with_it(told: signal.Signals, tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = [sys.executable, "-m", "demo.run", "--port", str(free_ports()), "--var", str(tmp_path / "run")]
    with open(said, "wb") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as demo:
        wait("the addresses", lambda: "Product page" in said.read_text() or demo.poll() is not None, 120)
        family = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(told)
        try:
            assert demo.wait(60) == 0
        finally:
            demo.kill()
    assert len(family) >= 5
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert "goes on from here" in said.read_text()
