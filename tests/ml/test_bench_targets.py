"""The forecast bench says of each target whether it was met, and leaves out what was not measured."""

from bench.forecast import TARGETS, _against_targets


def test_a_figure_outside_its_target_is_not_met_and_stands_there_all_the_same() -> None:
    ours = {"product_week": 0.6, "total_week": 0.107, "bias": -0.06}
    told = _against_targets({"accuracy": {"products": {"ours": ours}}})["targets"]
    assert {name: one["is_met"] for name, one in told.items()} == {
        "product and week, WAPE": True,
        "total per week, WAPE": False,
        "bias of the means": False,
    }
    assert told["total per week, WAPE"]["figure"] == 0.107


def test_without_orders_there_are_no_accuracy_targets() -> None:
    assert _against_targets({"accuracy": "not measured", "costs": {"1000": {"fit_and_predict": 2.0}}})[
        "targets"
    ].keys() == {"CPU seconds at 1,000 products"}
    assert all(low <= high for _, low, high in TARGETS.values())
