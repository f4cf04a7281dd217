"""Personal lists: what a customer wants next, what may be new to them, what to buy again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse

from ml import train
from ml.bundles import Trained
from ml.errors import BadBundle
from ml.recommend import trial
from ml.recommend.customers import CustomerTable
from ml.recommend.neighbours import NOBODY
from tests.ml.making import START, order_lines, write_dataset

DAYS, PEOPLE = 200, 60
CONFIG = {"personal": True, "personal_customers": 20}


def loyal_lines() -> pd.DataFrame:
    """Customers who each buy from their own family every twelve days: the next product, and that of three times ago."""
    rows = []
    for day in range(DAYS):
        for who in range(day % 12, PEOPLE, 12):
            at = datetime(START.year, START.month, START.day, 9, tzinfo=UTC) + timedelta(days=day)
            for product in {day // 12, max(day // 12 - 3, 0)}:
                order = 1_000 + day * PEOPLE + who
                rows.append((order, f"c{who:02d}", 100 * (who % 6) + product, 1, 5.0, at, at.date()))
    names = ["order_id", "customer", "product_id", "units", "price", "created_at", "created_on"]
    return pd.DataFrame(rows, columns=names)


def shopping_lines() -> pd.DataFrame:
    """Customers who each buy two of the same twelve products by chance: what they bought says all there is to say."""
    random = np.random.default_rng(2)
    lines = loyal_lines()
    return lines.assign(product_id=random.integers(0, 12, len(lines))).drop_duplicates(["order_id", "product_id"])


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return loyal_lines()


@pytest.fixture(scope="module")
def bundle(lines: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("personal")
    return train.fit("recommend", write_dataset(folder / "d", lines), folder / "b", config=CONFIG, seed=1)


@pytest.fixture(scope="module")
def table(bundle: Trained) -> CustomerTable:
    found = CustomerTable.open(bundle.folder)
    assert found is not None
    return found


def test_a_loyal_customer_is_shown_the_family_they_buy_from(table: CustomerTable) -> None:
    own = [sum(p // 100 == int(name[1:]) % 6 for p in table.products("personal", name, 3)) for name in table.names]
    assert np.mean(own) > 2.5


def test_nothing_bought_before_is_called_new(table: CustomerTable, lines: pd.DataFrame) -> None:
    before = lines.groupby("customer")["product_id"].agg(set)
    for name in table.names:
        assert not set(table.products("personal_new", name, 20)) & before[name]


def test_buy_again_leads_with_what_was_bought_often_and_lately(table: CustomerTable, lines: pd.DataFrame) -> None:
    end = pd.Timestamp(START, tz="UTC") + pd.Timedelta(days=DAYS)
    age = (end - lines["created_at"]).dt.total_seconds() / 86_400
    score = (0.5 ** (age / 180)).groupby([lines["customer"], lines["product_id"]]).sum()
    for name in table.names[:10]:
        expected = score[name].sort_values(ascending=False).index.tolist()
        assert table.products("again", name, 3) == expected[:3]


def test_an_unknown_customer_gets_no_list_and_what_is_excluded_is_left_out(table: CustomerTable) -> None:
    assert table.products("personal", "nobody", 5) == []
    first, second = table.products("personal", "c01", 2)
    assert table.products("personal", "c01", 1, exclude={first}) == [second]


def test_the_same_orders_and_seed_give_the_same_bytes(bundle: Trained, lines: pd.DataFrame, tmp_path: Path) -> None:
    again = train.fit("recommend", write_dataset(tmp_path / "d", lines), tmp_path / "b", config=CONFIG, seed=1)
    assert again.files == bundle.files


def test_lists_that_are_no_better_than_buying_again_are_not_served(bundle: Trained, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", shopping_lines())
    trained = train.fit("recommend", dataset, tmp_path / "b", config=CONFIG, seed=1)
    found = CustomerTable.open(trained.folder)
    assert found is not None
    assert set(found.lists) == {"again"}
    assert not trained.metrics["personal"]["personal"]["serves"]
    figures = bundle.metrics["personal"]
    assert all(figures[name]["serves"] for name in ("personal", "personal_new"))
    assert figures["personal"]["mean"] > figures["personal"]["otherwise"]


def test_what_is_asked_of_the_newest_month_is_what_a_loop_over_customers_gives() -> None:
    wanted = sparse.csr_matrix(np.array([[1, 0, 1, 0], [0, 0, 0, 1]]))
    listed = np.array([[2, 1, 0, NOBODY], [1, NOBODY, NOBODY, NOBODY]])
    first = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert trial.listed_gains(listed, wanted).tolist() == pytest.approx([first, 0.0])


def test_too_few_who_came_back_leave_only_what_to_buy_again(lines: pd.DataFrame, tmp_path: Path) -> None:
    config = {**CONFIG, "personal_customers": 500}
    trained = train.fit("recommend", write_dataset(tmp_path / "d", lines), tmp_path / "b", config=config, seed=1)
    found = CustomerTable.open(trained.folder)
    assert found is not None
    assert set(found.lists) == {"again"}


def test_a_bundle_without_customers_has_no_such_table(tmp_path: Path) -> None:
    trained = train.fit(
        "recommend", write_dataset(tmp_path / "d", order_lines(days=20)), tmp_path / "b", config={}, seed=1
    )
    assert CustomerTable.open(trained.folder) is None


def test_a_damaged_list_is_refused(bundle: Trained, tmp_path: Path) -> None:
    for file in bundle.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "again_scores.npy").write_bytes(b"\x00")
    with pytest.raises(BadBundle, match=r"again_scores\.npy was changed"):
        CustomerTable.open(tmp_path)
