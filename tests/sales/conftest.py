"""One synthetic shop for all tests that only read it, and small order files."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devstore.sales.synthetic import SyntheticSales

Row = list[object]
Writer = Callable[[list[Row]], Path]
RETAIL_HEADER: Row = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Sheet"]
PLAIN_HEADER: Row = ["order_id", "customer_id", "product_id", "units", "price", "created_at", "title", "product_type"]


@pytest.fixture(scope="session")
def shop() -> SyntheticSales:
    """The shop of the demo with its whole history."""
    sales = SyntheticSales()
    sales.products(sales.history_until)
    return sales


@pytest.fixture
def retail_csv(tmp_path: Path) -> Writer:
    """Writes rows under the columns of Online Retail II and returns the file."""
    return lambda rows: _csv(tmp_path / "retail.csv", [RETAIL_HEADER, *rows])


@pytest.fixture
def plain_csv(tmp_path: Path) -> Writer:
    """Writes rows under the plain columns and returns the file."""
    return lambda rows: _csv(tmp_path / "plain.csv", [PLAIN_HEADER, *rows])


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Finds a file of the shared folder beside the repository; skips the test where it is not there."""

    def find(name: str) -> Path:
        folder = Path(os.environ.get("FORETALLY_SHARED", Path(__file__).parents[2].parent / "shared"))
        if not (folder / name).exists():
            pytest.skip(f"{name} is not in {folder}; set FORETALLY_SHARED to the folder that holds it")
        return folder / name

    return find


def _csv(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
