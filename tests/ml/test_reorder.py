"""Reorder advice: how much is enough, when to order, and how many."""

import numpy as np
import pytest

from ml.errors import BadConfig
from ml.reorder import Band, Plan, Terms, lead_time_units, plan, point, reorder_point, spread

BANDS = [Band(7, np.array(14.0), np.array(28.0)), Band(28, np.array(56.0), np.array(84.0))]
DAILY = np.full((1, 28), 2.0)


def of_one(stock_units: float, terms: Terms, on_order_units: float = 0) -> Plan:
    """The plan for one product; what was ordered of it arrives on the first day."""
    bands = [Band(band.days, band.mean[None], band.p90[None]) for band in BANDS]
    arriving = np.zeros_like(DAILY)
    arriving[:, 0] = on_order_units
    return plan(DAILY, bands, np.array([stock_units]), terms, arriving)


def test_what_is_certain_to_sell_needs_no_safety_stock() -> None:
    sure = [Band(7, np.array(14.0), np.array(14.0)), Band(28, np.array(56.0), np.array(56.0))]
    assert reorder_point(np.array(28.0), sure, Terms(14, service_level=0.98)) == pytest.approx(28)


def test_between_two_windows_the_spread_lies_between_theirs() -> None:
    assert (spread(BANDS, 7), spread(BANDS, 28)) == (pytest.approx(2), pytest.approx(1.5))
    assert 1.5 < spread(BANDS, 14) < 2
    assert spread(BANDS, 90) == pytest.approx(1.5)


def test_the_longer_tail_of_a_shop_and_the_wider_band_of_a_product_need_more_stock() -> None:
    terms = Terms(14)
    narrow, wide = point(np.array(28.0), np.array([1.2, 2.5]), terms, 3.0)
    assert 28 < narrow < wide
    assert float(point(np.array(28.0), np.array(2.5), terms, 4.0)) > wide


def test_a_higher_service_level_needs_more_stock() -> None:
    points = [
        float(reorder_point(np.array(14.0), BANDS, Terms(7, service_level=level))) for level in (0.8, 0.9, 0.95, 0.98)
    ]
    assert points == sorted(points)
    assert points[0] > 14


def test_many_products_are_advised_as_each_alone() -> None:
    bands = [
        Band(7, np.array([14.0, 1.0]), np.array([28.0, 4.0])),
        Band(28, np.array([56.0, 4.0]), np.array([84.0, 9.0])),
    ]
    both = reorder_point(np.array([28.0, 2.0]), bands, Terms(14))
    for k in range(2):
        alone = [Band(band.days, band.mean[k], band.p90[k]) for band in bands]
        assert both[k] == pytest.approx(float(reorder_point(np.array([28.0, 2.0][k]), alone, Terms(14))))


def test_stock_lasts_until_the_day_its_units_are_gone() -> None:
    assert of_one(21, Terms(3)).days_of_cover == pytest.approx(10.5)


def test_the_order_is_due_when_stock_falls_to_the_reorder_point() -> None:
    terms = Terms(7, service_level=0.9)
    enough = float(reorder_point(np.array(14.0), BANDS, terms))
    found = of_one(enough + 12, terms)
    assert (found.reorder_point, found.safety_units) == (pytest.approx(enough), pytest.approx(enough - 14))
    assert found.order_in == 6  # at 2 a day


def test_an_order_fills_up_to_the_reorder_point_and_the_days_to_cover_in_allowed_steps() -> None:
    terms = Terms(7, service_level=0.9, cover_days=14, step_units=12)
    wanted = float(reorder_point(np.array(14.0), BANDS, terms)) + 28 - 10
    ordered = of_one(10, terms).order_units
    assert 0 <= ordered - wanted < 12
    assert ordered % 12 == 0
    assert of_one(10, terms, on_order_units=12).order_units == ordered - 12
    assert of_one(27, Terms(7, 0.9, cover_days=1, least_units=500)).order_units == 500


def test_units_on_their_way_count_from_the_day_they_arrive() -> None:
    daily, bands = np.full((2, 28), 2.0), [Band(28, np.full(2, 56.0), np.full(2, 84.0))]
    arriving = np.zeros((2, 28))
    arriving[0, 3], arriving[1, 20] = 40, 40
    found = plan(daily, bands, np.array([10.0, 10.0]), Terms(7), arriving)
    assert found.days_of_cover.tolist() == [pytest.approx(25), pytest.approx(5)]  # the second is out before it comes


def test_sold_beyond_what_was_there_is_ordered_too() -> None:
    none, owed = (of_one(units, Terms(7)).order_units for units in (0, -5))
    assert owed == none + 5


def test_what_never_sells_never_runs_out() -> None:
    nothing = [Band(days, np.zeros(2), np.zeros(2)) for days in (7, 28)]
    found = plan(np.zeros((2, 28)), nothing, np.array([5.0, 0.0]), Terms(7))
    assert found.days_of_cover[0] == np.inf
    assert found.order_units.tolist() == [0, 0]


def test_a_lead_time_beyond_the_forecast_goes_on_at_its_mean() -> None:
    assert lead_time_units(np.array(DAILY), 40) == pytest.approx(80)


@pytest.mark.parametrize("wrong", [{"service_level": 1.0}, {"lead_days": 0}, {"step_units": 0}])
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfig):
        Terms(**{"lead_days": 7, **wrong})  # type: ignore[arg-type]
