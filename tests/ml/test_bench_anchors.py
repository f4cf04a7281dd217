"""The methods we are measured against are what they are called: each is checked on a small shop by a slower way."""

import numpy as np
import pytest
import scipy.sparse as sparse

from bench import recommend_anchors
from bench.recommend_questions import Question, ndcg


@pytest.fixture(scope="module")
def orders() -> sparse.csr_matrix:
    random = np.random.default_rng(1)
    return sparse.csr_matrix((random.random((200, 12)) < 0.25).astype(np.float32))


@pytest.fixture(scope="module")
def fitted(orders: sparse.csr_matrix) -> dict[str, np.ndarray]:
    return {name: fit() for name, fit in recommend_anchors.item_methods(orders, np.zeros(200))}


def test_jaccard_is_shared_orders_over_orders_of_either(
    orders: sparse.csr_matrix, fitted: dict[str, np.ndarray]
) -> None:
    held = orders.toarray() > 0
    for i, j in ((0, 1), (3, 7)):
        expected = (held[:, i] & held[:, j]).sum() / (held[:, i] | held[:, j]).sum()
        assert fitted["SAR Jaccard"][i, j] == pytest.approx(expected, rel=1e-5)


def test_log_likelihood_equals_the_g_test_of_the_two_by_two_table(
    orders: sparse.csr_matrix, fitted: dict[str, np.ndarray]
) -> None:
    from scipy.stats import chi2_contingency

    held = orders.toarray() > 0
    above = np.argwhere(fitted["LLR"] > 0.5)
    assert len(above) > 4
    for i, j in above[:6]:
        table = [[(held[:, i] == a)[held[:, j] == b].sum() for b in (True, False)] for a in (True, False)]
        g = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert fitted["LLR"][i, j] == pytest.approx(g, rel=1e-3)


def test_ease_equals_a_ridge_regression_without_the_product_itself(
    orders: sparse.csr_matrix, fitted: dict[str, np.ndarray]
) -> None:
    held = orders.toarray().astype(float)
    rest = np.arange(1, 12)
    weights = np.linalg.solve(held[:, rest].T @ held[:, rest] + 300 * np.eye(11), held[:, rest].T @ held[:, 0])
    assert fitted["EASE, ridge 300"][rest, 0] == pytest.approx(weights, abs=1e-4)


def test_slim_is_sparse_and_never_negative(fitted: dict[str, np.ndarray]) -> None:
    weights = fitted["SLIM (ADMM)"]
    assert (weights >= 0).all()
    assert 0 < (weights > 0).mean() < 1
    assert not np.diag(weights).any()


def test_a_gain_leaves_out_what_does_not_count_before_it_looks_at_ten() -> None:
    asked = [Question("page", ("a",), None, frozenset({"c", "d"}), frozenset({"a"}))]
    best = 1 + 1 / np.log2(3)
    assert ndcg({0: ["a", "c", "x", "d"]}, asked, "page")[0] == pytest.approx((1 + 1 / np.log2(4)) / best)
    assert ndcg({}, asked, "page")[0] == 0
