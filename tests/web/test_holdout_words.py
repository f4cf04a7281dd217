"""What the Recommendations page says about a test: no more than the figures hold."""

import pytest

from ml.holdout import compare
from shopify_app.lifecycle.holdout import Result
from shopify_app.web.pages.reading.holdout import tell

NARROW = "\u202f"


def said(*counts: int, chosen: int = 0, both: int = 0) -> tuple[str, str]:
    told = tell(Result(compare(*counts), 1234.5, 900.0, chosen, both), "EUR")
    return told.badge, told.verdict.replace(NARROW, "")


@pytest.mark.parametrize(
    ("counts", "badge", "verdict"),
    [
        ((900, 910, 10, 9), "Too early", "Figures are told from 20 buyers on."),
        (
            (50_000, 50_100, 900, 700),
            "Lists sell more",
            "With lists, 29% more visitors bought so far, and it is at least 9% more beyond reasonable doubt.",
        ),
        (
            (50_100, 50_000, 700, 900),
            "Lists sell less",
            "With lists, 22% fewer visitors bought so far, and it is at least 8% fewer beyond reasonable doubt.",
        ),
        (
            (50_000, 50_000, 803, 797),
            "Not decided yet",
            "With lists, 1% more visitors bought so far. The truth may lie anywhere from 13% fewer to 16% more.",
        ),
        ((10_000, 10_000, 90, 0), "Lists sell more", "With lists, only those bought so far, and it is at least "),
        ((5_200, 4_400, 500, 100), "Not to be trusted", "The groups should be equally large, but are 5,200 and 4,400:"),
    ],
)
def test_each_verdict_has_its_words(counts: tuple[int, ...], badge: str, verdict: str) -> None:
    found = said(*counts)
    assert found[0] == badge
    assert found[1].startswith(verdict), found[1]


def test_figures_name_both_groups_and_what_was_left_out() -> None:
    told = tell(Result(compare(5_000, 5_010, 100, 90), 1234.5, 900.0, 7, 1), "EUR")
    assert told.figures == (
        "5,000 visitors met lists and saw them, 5,010 met them hidden.",
        "100 and 90 of them bought afterwards, for 1,234.50 and 900.00 EUR.",
        "7 orders held a product that was put into the cart from a list.",
        "Seen in both groups, so counted in neither: 1 visitor.",
    )


@pytest.mark.parametrize(("currency", "amounts"), [("EUR", "1,234.50 and 900.00 EUR"), ("JPY", "1,234 and 900 JPY")])
def test_money_has_the_decimals_of_its_currency(currency: str, amounts: str) -> None:
    told = tell(Result(compare(900, 910, 10, 9), 1234.5, 900.0, 0, 0), currency)
    assert any(amounts in figure for figure in told.figures)
