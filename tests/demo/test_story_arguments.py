"""What a story or a demo that cannot be played says and leaves alone."""

import subprocess
import sys
from pathlib import Path


def test_without_its_order_file_a_story_says_so_and_keeps_what_an_earlier_one_left(tmp_path: Path) -> None:
    left = tmp_path / "story" / "foretally.db"
    left.parent.mkdir()
    left.write_bytes(b"an earlier run")
    command = [
        sys.executable,
        "-m",
        "demo.story",
        "--orders",
        str(tmp_path / "none.parquet"),
        "--var",
        str(left.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
    assert (done.returncode, done.stderr) == (2, f"story: there is no order file {tmp_path / 'none.parquet'}\n")
    assert left.read_bytes() == b"an earlier run"


def test_a_port_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo.run", "--port", "99999", "--var", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
    assert (done.returncode, done.stderr) == (2, "demo: port 99999 is none: ports end at 65535\n")
