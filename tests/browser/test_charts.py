"""Our charts: round ticks, honest lines, nothing a strict page would block."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_app.web import axes, charts
from shopify_app.web.charts import Day, Mark, Night

FIRST = date(2026, 9, 21)


def days(sold: list[float | None], ahead: int = 0) -> list[Day]:
    past = [Day(FIRST + timedelta(days=n), actual=value, said=value) for n, value in enumerate(sold)]
    later = [FIRST + timedelta(days=len(sold) + n) for n in range(ahead)]
    return past + [Day(day, expected=10.0, low=4.0, high=21.0) for day in later]


def drawn(chart: str, kind: str) -> str:
    found = [path.get("d") for path in ElementTree.fromstring(chart).iter("path") if path.get("class") == kind]
    return found[0] or "" if found else ""


@given(st.floats(0, 1e7), st.floats(0.01, 1e7))
def test_ticks_are_round_few_and_hold_every_value(low: float, span: float) -> None:
    ticks = axes.round_ticks(low, low + span)
    assert ticks[0] <= low + 1e-6 * span
    assert ticks[-1] >= low + span * (1 - 1e-6)
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0, 193, [0, 50, 100, 150, 200]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1])]
)
def test_ticks_are_those_a_person_would_choose(low: float, high: float, ticks: list[float]) -> None:
    assert axes.round_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(("span", "room"), [(5, 10), (14, 10), (84, 15), (84, 5), (400, 14), (1500, 5), (4000, 5)])
def test_labels_of_days_never_outnumber_their_room(span: int, room: int) -> None:
    found = axes.day_ticks(FIRST, FIRST + timedelta(days=span - 1), room)
    assert 1 <= len(found) <= room
    assert found == sorted(found)


def test_weeks_are_labelled_on_mondays_and_years_where_they_begin() -> None:
    assert all(day.weekday() == 0 for day, _ in axes.day_ticks(FIRST, FIRST + timedelta(days=83), 14))
    months = dict(axes.day_ticks(date(2025, 11, 1), date(2026, 12, 31), 14))
    assert months[date(2026, 1, 1)] == "Jan 2026"
    assert months[date(2026, 5, 1)] == "May"


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=3000))
def test_thinning_keeps_every_extreme_that_can_be_seen(values: list[float | None]) -> None:
    kept = axes.columns(values)
    known = [value for value in values if value is not None]
    assert kept == sorted(set(kept))
    assert len(kept) <= max(2 * 450 + 2, 3000 if len(values) <= 450 else 0)
    if known:
        assert {min(known), max(known)} <= {values[n] for n in kept}


def test_a_day_without_knowledge_breaks_the_line() -> None:
    picture = charts.forecast(days([3, 4, None, 5, 6]), [], name="c", title="t", told="d")
    assert drawn(picture.wide, "line-actual").count("M") == 2


def test_the_range_spans_the_days_to_come() -> None:
    picture = charts.forecast(days([3, 4, 5], ahead=4), [], name="c", title="t", told="d")
    assert drawn(picture.wide, "band").count("L") == 2 * 4 - 1
    assert "next 4 days" in picture.wide


def test_a_chart_has_a_name_a_description_and_a_size_for_phones() -> None:
    picture = charts.forecast(days([3, 4]), [], name="c", title="Units <per> day", told="7 units & more")
    for size in (picture.wide, picture.narrow):
        root = ElementTree.fromstring(size)
        assert [child.text for child in root][:2] == ["Units <per> day", "7 units & more"]
        named = (root.get("aria-labelledby") or "").split()
        assert [child.get("id") for child in root][:2] == named
    assert ElementTree.fromstring(picture.narrow).get("viewBox") == "0 0 380 260"


def test_a_chart_passes_the_strictest_policy_and_holds_no_foreign_markup() -> None:
    marks = [Mark(FIRST, "<b>v2</b>", "because <script>alert(1)</script>")]
    picture = charts.forecast(days([3, 4], ahead=2), marks, name="c", title="t", told="d")
    assert "style=" not in picture.wide
    assert "<script" not in picture.wide
    assert "<b>" not in picture.wide


def test_flags_that_would_touch_keep_the_newest_label() -> None:
    marks = [Mark(FIRST + timedelta(days=n), f"v{n}", "") for n in (10, 11, 30)]
    picture = charts.forecast(days([3.0] * 60), marks, name="c", title="t", told="d")
    root = ElementTree.fromstring(picture.narrow)
    assert [text.text for text in root.iter("text") if text.get("class") == "flag"] == ["v30", "v11"]
    assert len([group for group in root.iter("g") if group.get("class") == "mark"]) == 3


def test_an_accuracy_chart_reaches_from_nothing_to_all_and_shows_the_target() -> None:
    nights = [Night(FIRST + timedelta(days=n), accuracy=0.4 + n / 100, baseline=None) for n in range(9)]
    picture = charts.accuracy(nights, 0.38, [], name="n", title="t", told="d")
    labels = [
        text.text for text in ElementTree.fromstring(picture.wide).iter("text") if text.get("class") == "tick end"
    ]
    assert labels[-1] == "100%"
    assert drawn(picture.wide, "rule-target")
    assert drawn(picture.wide, "line-baseline") == ""


def test_the_numbers_for_the_script_are_the_ones_drawn() -> None:
    told = charts.numbers(days([3, None], ahead=1), [Mark(FIRST, "v2", "why")])
    assert told["days"] == [1789948800, 1789948800 + 86400, 1789948800 + 2 * 86400]
    assert told["actual"] == [3, None, None]
    assert told["high"] == [None, None, 21.0]
    assert told["marks"] == [{"day": 1789948800, "label": "v2"}]
    assert told["top"] == 25


def test_a_trend_ends_with_a_dot_and_says_its_numbers() -> None:
    spark = charts.sparkline([1, 5, 2], "Units per week: 1, 5, 2")
    root = ElementTree.fromstring(spark)
    assert root.get("aria-label") == "Units per week: 1, 5, 2"
    assert len(list(root.iter("circle"))) == 1
    assert charts.sparkline([], "") == ""
