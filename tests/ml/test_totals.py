"""Who forecasts the shop's total: every view keeps one contract, and the past says who leads."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml import bundles
from ml.errors import BadBundle, BadData, Implausible
from ml.forecast import level, model, prophet, totals
from ml.forecast.bulk import ShopTotal, shop_total
from ml.forecast.config import ForecastConfig
from ml.forecast.leader import Fitted, choose, fit_forecast
from ml.forecast.validation import Stage, judged, stages
from ml.frames import TOTAL
from ml.sales import DailySales, from_frame
from tests.ml.making import START, daily_sales, sales_frame

CONFIG = ForecastConfig(members=("naive", "weekday"))
YEAR = 364
RHYTHM = np.array([1.0, 0.8, 0.9, 1.0, 1.3, 1.6, 0.7])


def even(units: np.ndarray, country: str | None = None, promo: np.ndarray | None = None) -> totals.EvenDays:
    units = np.asarray(units, dtype=float)
    return totals.even_days(ShopTotal(units, units, START, country, promo), 28)


def noisy(days: int, level: float = 100.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(level * RHYTHM[np.arange(days) % 7]).astype(float)


def fitted(sales: DailySales, config: ForecastConfig = CONFIG) -> Fitted:
    return fit_forecast(sales, config, 1, lambda step: None)


@pytest.fixture(scope="module")
def two_years() -> DailySales:
    """A shop with a year and a quarter behind it."""
    return daily_sales(products=12, days=460)


@pytest.fixture(scope="module")
def known(two_years: DailySales) -> Fitted:
    return fitted(two_years)


@pytest.mark.parametrize("view", [*totals.VIEWS, level.PROPHET, level.BOTH])
def test_every_view_finds_the_level_of_a_steady_shop(view: str) -> None:
    days = even(noisy(480))
    curve = prophet.curve_of(prophet.fit(days, 1), days)
    lead = level.Lead(view, curve)
    units = noisy(480)
    said = level.total_days(ShopTotal(units, units, START), 28, lead)
    assert said.shape == (28,)
    assert np.isfinite(said).all()
    assert said.sum() == pytest.approx(28 * 100 * RHYTHM.mean(), rel=0.05)


@pytest.mark.parametrize("view", totals.VIEWS)
@pytest.mark.parametrize("days", [7, 60, 370, 386])
def test_a_view_that_knows_too_little_leaves_it_to_the_plain_level(view: str, days: int) -> None:
    units = noisy(days)
    said = level.total_days(ShopTotal(units, units, START), 28, level.Lead(view))
    assert said.sum() == pytest.approx(28 * 100 * RHYTHM.mean(), rel=0.15)


@pytest.mark.parametrize("view", totals.VIEWS)
def test_a_shop_that_sold_nothing_is_forecast_to_sell_nothing(view: str) -> None:
    assert level.total_days(ShopTotal(np.zeros(500), np.zeros(500), START), 28, level.Lead(view)).sum() == 0


def test_a_small_change_of_a_year_ago_is_chance_and_a_large_one_a_season() -> None:
    day = np.arange(YEAR + 80)
    for height, low, high in ((1.1, 1.0, 1.03), (2.5, 2.1, 2.5)):
        units = np.where((day >= 85) & (day < 150), 100.0 * height, 100.0)
        units[YEAR:] = 100.0
        said = totals.yearly(even(units))
        assert said is not None
        assert low <= said[15:].mean() / 100 <= high


def test_a_closure_of_a_fortnight_a_year_ago_takes_nothing_from_the_season() -> None:
    units = np.full(YEAR + 60, 50.0)
    units[62:76] = 0
    said = totals.yearly(even(units))
    assert said is not None
    assert said == pytest.approx(np.full(28, 50.0), rel=0.05)


def test_a_year_that_does_not_return_hands_the_total_to_the_plain_level() -> None:
    day = np.arange(YEAR + 140)
    units = noisy(len(day)) * np.where((day < YEAR) & (day % 56 < 28), 3.0, 1.0)
    sales = DailySales(("a", "b"), START, np.stack([units / 2, units / 2]).astype(np.float32))
    chosen = level.choose(sales, ("steady", "echo", "yearly"), 1, lambda step: None)
    assert chosen.lead.view == "steady"
    assert chosen.lineage["steady"] < (1 - level.MARGIN) * chosen.lineage["yearly"]
    assert "steady leads the total" in chosen.because


def test_without_a_clear_winner_the_usual_view_leads_and_the_errors_are_kept(known: Fitted) -> None:
    lineage = known.metrics["lineage"]
    assert lineage["total_leader"] == "both"
    assert set(lineage["total"]) == set(ForecastConfig().totals)
    assert set(lineage["products"]) == {"naive", "weekday"}
    assert all(error > 0 for error in lineage["total"].values())
    assert min(lineage["total"].values()) > (1 - level.MARGIN) * lineage["total"]["both"]


def test_prophet_takes_no_part_in_a_young_shop_and_says_so() -> None:
    told: list[str] = []
    chosen = level.choose(daily_sales(products=5, days=200), ForecastConfig().totals, 1, told.append)
    assert chosen.lead.view == "steady"
    assert "prophet" not in chosen.lineage
    assert any("prophet takes no part" in step for step in told)


def test_the_same_days_give_the_same_model_of_prophets_byte_for_byte() -> None:
    days = even(noisy(430), country="GB")
    assert prophet.fit(days, 1) == prophet.fit(days, 1)


def test_a_curve_is_read_by_date_and_level_beyond_its_ends() -> None:
    curve = prophet.Curve(START, (1.0, 2.0, 3.0))
    assert curve.on(START + timedelta(days=1), 4).tolist() == [2, 3, 3, 3]
    assert curve.on(START - timedelta(days=2), 3).tolist() == [1, 1, 1]


def test_an_offer_is_no_season_of_the_curve() -> None:
    promo = (np.arange(430) % 60 < 6).astype(float)
    units = noisy(430) * (1 + 2 * promo)
    days = even(units, promo=promo)
    curve = np.array(prophet.curve_of(prophet.fit(days, 1), days).heights)
    assert curve[:430][promo == 1].mean() > 2 * curve[:430][promo == 0].mean()
    assert curve[430:].std() < 0.2 * curve[:430].std()


def test_offers_of_products_are_weighed_by_what_they_sell() -> None:
    units = np.array([[3.0] * 40, [1.0] * 40], dtype=np.float32)
    is_promo = np.zeros(units.shape, dtype=bool)
    is_promo[0, 30] = True
    total = shop_total(DailySales(("a", "b"), START, units, is_promo=is_promo))
    assert total.promo is not None
    assert total.promo[30] == pytest.approx(0.75)
    assert total.promo.sum() == pytest.approx(0.75)


def test_a_model_that_is_none_of_prophets_is_refused() -> None:
    with pytest.raises(BadBundle, match=r"prophet\.json"):
        prophet.curve_of(b'{"growth": 1}', even(noisy(300)))
    with pytest.raises(BadData, match="are needed"):
        prophet.fit(even(noisy(60)), 1)


def test_a_model_with_a_curve_loads_to_the_same_forecast_without_prophet(
    two_years: DailySales, known: Fitted, tmp_path: Path
) -> None:
    files = known.model.files()
    assert prophet.FILE in files
    assert files == fitted(two_years).model.files()
    assert model.load(files).files() == files
    again, first = (m.forecast(two_years).windows_frame() for m in (model.load(files), known.model))
    assert again.equals(first)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    code = (
        "import sys; from pathlib import Path; from ml.forecast import model; from tests.ml.making import daily_sales\n"
        "files = {p.name: p.read_bytes() for p in Path(sys.argv[1]).iterdir()}\n"
        "model.load(files).forecast(daily_sales(products=12, days=467))\n"
        "print('prophet' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_prophets_file_is_checked_before_a_bundle_is_used(known: Fitted, tmp_path: Path) -> None:
    about = bundles.Trained(tmp_path, "forecast", "weekday", {}, 1, START, known.metrics, known.because)
    bundles.write(about, known.model.files())
    bundles.verify(tmp_path)
    (tmp_path / prophet.FILE).write_bytes(b"{}")
    with pytest.raises(BadBundle, match=r"prophet\.json was changed after training"):
        bundles.verify(tmp_path)


def test_a_bundle_from_before_views_were_compared_still_forecasts(two_years: DailySales, known: Fitted) -> None:
    files = known.model.files()
    profile = json.loads(files[model.FILE])
    del profile["total"]
    old = model.load({**files, model.FILE: json.dumps(profile).encode()})
    assert old.lead == level.USUAL
    assert old.forecast(two_years).days.mean[-1].sum() > 0


def test_nothing_after_the_origin_reaches_the_total(known: Fitted, two_years: DailySales) -> None:
    frame = sales_frame(products=12, days=520)
    origin = START + timedelta(days=459)
    late = frame["ds"] > pd.Timestamp(origin)
    shuffled = frame.copy()
    shuffled.loc[late, "units"] = np.random.default_rng(1).permutation(frame.loc[late, "units"]) * 3
    one, other = (fitted(from_frame(rows, origin)) for rows in (frame, shuffled))
    assert one.model.files() == other.model.files()
    assert one.metrics == other.metrics


def test_products_are_tried_with_the_totals_own_record(two_years: DailySales) -> None:
    chosen = level.choose(two_years, ("steady",), 1, lambda step: None)
    for stage in stages(two_years, CONFIG, chosen.record):
        alone = level.total_days(replace(shop_total(two_years, 348), promo=None).until(stage.origin), 28)
        assert stage.total.ahead == pytest.approx(alone, rel=1e-6)


def test_the_shops_bands_are_those_of_its_record(two_years: DailySales, known: Fitted) -> None:
    forecast = known.model.forecast(two_years)
    low, _, high = known.model.lead.points["week"]
    mean = forecast.weeks.mean[-1]
    assert forecast.weeks.p10[-1] == pytest.approx(mean * min(low, 1))
    assert forecast.weeks.p90[-1] == pytest.approx(mean * max(high, 1))


@pytest.mark.parametrize(("factor", "leader"), [(0.86, "weekday"), (0.5, "naive")])
def test_a_lean_is_forgiven_only_to_a_member_whose_total_was_nearer_than_naives(
    two_years: DailySales, factor: float, leader: str
) -> None:
    came = np.full((3, 28), 10.0)
    swinging = came * np.repeat([1.3, 0.7, 1.3, 0.7], 7)

    on = [Stage(two_years, np.arange(3), came, level.outlook(two_years, 28))]
    trials = {"naive": judged("naive", on, [swinging]), "weekday": judged("weekday", on, [came * factor])}
    assert choose(trials, CONFIG)[0] == leader


BAD: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one sale in all": lambda day: (day == 30) * 5.0,
    "one sale today": lambda day: (day == 459) * 5.0,
    "a day of a million": lambda day: 10.0 + (day == 200) * 1e6,
    "a typing error on the last day": lambda day: 10.0 + (day == 459) * 1e6,
    "half a year of silence": lambda day: 10.0 * ((day < 120) | (day > 330)),
    "silence until last week": lambda day: 10.0 * (day > 452),
    "gone since last month": lambda day: 10.0 * (day < 430),
    "every second day": lambda day: 10.0 * (day % 2),
    "the same every day": lambda day: day * 0 + 7.0,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("view", [*totals.VIEWS, level.PROPHET, level.BOTH])
def test_no_history_makes_a_view_say_anything_but_units(kind: str, view: str) -> None:
    units = np.asarray(BAD[kind](np.arange(460)), dtype=float)
    total = ShopTotal(units, units, START, "GB")
    days = totals.even_days(total, 28)
    try:
        curve = prophet.curve_of(prophet.fit(days, 1), days) if view in (level.PROPHET, level.BOTH) else None
    except BadData:
        return
    said = level.total_days(total, 28, level.Lead(view, curve))
    assert np.isfinite(said).all()
    assert (said >= 0).all()


@pytest.mark.parametrize("kind", BAD)
def test_a_strange_history_is_forecast_or_refused_by_its_reason(kind: str) -> None:
    units = np.stack([BAD[kind](np.arange(460)), 3.0 + np.arange(460) % 3]).astype(np.float32)
    sales = DailySales(("strange", "plain"), START, units, country="GB")
    try:
        forecast = fitted(sales).model.forecast(sales)
    except Implausible:
        return
    assert forecast.series[-1] == TOTAL
    assert forecast.days.mean[:-1].sum(axis=0) == pytest.approx(forecast.days.mean[-1])
    assert forecast.whole.mean[forecast.series.index("plain"), 0] > 0
