"""The table of faults names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if re.match(r"\|( \d+)? \| ", line)]


def test_the_table_has_all_twenty_faults() -> None:
    numbers = [int(found.group(1)) for row in ROWS if (found := re.match(r"\| (\d+) \|", row))]
    assert numbers == list(range(1, 21))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[2].strip()[:40])
def test_each_fault_names_tests_that_exist(row: str) -> None:
    files = [ROOT / "tests" / f"{name}.py" for name in re.findall(r"`(\w+/test_\w+)`", row)]
    assert files or "the same" in row
    tests = [line for file in files for line in file.read_text().splitlines() if line.startswith("def test_")]
    for name in re.findall(r"\*(\w+)\*", row):
        assert any(name in test for test in tests), name
