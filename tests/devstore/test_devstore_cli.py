"""The command: what it says when it starts, and when it cannot."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from devstore.cli import main
from tests.devstore.published import ROOT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--orders", "/nowhere/orders.parquet"], "there is no order file /nowhere/orders.parquet"),
        (["--history-until", "2011-13-01"], "--history-until must be a day like 2011-06-30, not '2011-13-01'"),
        (["--speed", "-1"], "--speed must not be negative"),
        (["--patience", "0"], "--patience must be positive"),
        (["--toml", "/nowhere/shopify.app.toml"], "there is no /nowhere/shopify.app.toml"),
        (["--port", "99999"], "--port 99999 is none: ports end at 65535"),
        (["--shop", "Not A Handle"], "is no shop handle"),
        (["--shop", "a", "--shop", "a"], "the shop 'a' is there twice"),
        (["--state", "/proc/nowhere"], "cannot write to the state folder /proc/nowhere"),
    ],
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_folder_in_use_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from devstore.state import State

    held = State(tmp_path)
    assert main(["--state", str(tmp_path), "--port", "0"]) == 2
    held.close()
    assert "is in use by another dev store" in capsys.readouterr().err


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The command in the project's folder, with the two addresses it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "devstore", "--port", "0", "--shop", "corner", "--state", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline(), process.stdout.readline()
        process.kill()


def test_it_prints_its_addresses_and_ends_on_a_signal(started: tuple[subprocess.Popen[str], str, str]) -> None:
    process, admin, storefront = started
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    assert "/store/corner/apps/foretally" in admin
    assert "/s/corner/" in storefront


def test_the_theme_extension_beside_the_toml_is_served(started: tuple[subprocess.Popen[str], str, str]) -> None:
    storefront = started[2].split()[-1]
    for asset in (ROOT / "extensions" / "recommendations" / "assets").iterdir():
        reply = requests.get(f"{storefront}extensions/recommendations/assets/{asset.name}", timeout=10)
        assert (reply.status_code, reply.content) == (200, asset.read_bytes())
