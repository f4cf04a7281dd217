"""The public order file itself: its counts, recomputed once with other means, and the memory it takes to hold it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import sys
from datetime import date
from devstore.sales.replay import ReplayedSales
sales = ReplayedSales(sys.argv[1], date(2011, 6, 30))
orders = lines = units = cents = largest = 0
for order in sales.orders(date.fromisoformat(sys.argv[2]), sales.last_day):
    orders, lines = orders + 1, lines + len(order.lines)
    units += sum(line.quantity for line in order.lines)
    cents += round(float(order.total_price) * 100)
    largest = max(largest, *(line.quantity for line in order.lines), 0)
print(orders, lines, len(sales.products(sales.last_day)), units, cents, largest)
print(sales.first_day, sales.last_day)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # not the parent's, as ru_maxrss
print(int(peak.split()[1]) // 1024, "pandas" in sys.modules)
"""
Tell = Callable[[str], list[str]]


@pytest.fixture
def tell(shared: Callable[[str], Path]) -> Tell:
    """What a fresh process says about the file: counts from a day on, its first and last day, memory."""
    file = shared("data/online_retail_ii.parquet")

    def run(start: str) -> list[str]:
        program = [sys.executable, "-c", PROGRAM, str(file), start]
        root = Path(__file__).parents[2]
        return subprocess.run(program, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()

    return run


def test_the_last_ten_weeks_agree_with_an_independent_cleaning(tell: Tell) -> None:
    """The figures come from a separate clean-up with pandas by the rules in `retail_format`."""
    counts, days, memory = tell("2011-10-01")
    assert counts == "5543 166957 4702 1587855 298266602 4800"
    assert days == "2009-12-01 2011-12-09"
    peak, pandas = memory.split()
    assert int(peak) < 250, "a million lines have to fit into 250 MB"
    assert pandas == "False"


@pytest.mark.long
def test_the_whole_file_agrees_with_an_independent_cleaning(tell: Tell) -> None:
    assert tell("2009-12-01")[0] == "39326 1013322 4702 10989921 1931484499 19152"
