"""Forecasts are held against what happened; a version that does worse than the one before it is reported, once."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shopify_app.db import Database
from shopify_app.lifecycle import accuracy, registry
from shopify_app.lifecycle.tallies import SERVED, Evening
from shopify_app.records.objects import Objects
from shopify_app.tables import Alert, Effect, Evaluation, Shop, Version
from tests.lifecycle.making import a_version, say, sell

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the SQL is that of the other files

FIRST = date(2026, 3, 2)
SOLD = {1: 10, 2: 4, 3: 1}
FAIR = {1: 10.0, 2: 4.0, 3: 1.0}
SHUFFLED = {1: 1.0, 2: 10.0, 3: 4.0}
KNOWING = {**FAIR, 4: 20.0}
WEEKS = ("product_week", "store_week")


def live(
    db: Session,
    objects: Objects,
    shop: Shop,
    days: int,
    *,
    now: Version,
    before: Version,
    first: date = FIRST,
    judged_from: int = 0,
    **said: object,
) -> Alert | None:
    """Both versions forecast each evening, the shop sells, the day is judged. Gives the last alert that was raised.

    judged_from: the first of these days that is judged.
    """
    raised = None
    for n in range(days):
        on = first + timedelta(days=n)
        say(db, objects, now, on - timedelta(days=1), said["now_says"], was_champion=True)  # type: ignore[arg-type]
        say(db, objects, before, on - timedelta(days=1), said["before_says"])  # type: ignore[arg-type]
        sell(db, shop, on, said.get("sold", SOLD))  # type: ignore[arg-type]
        raised = (judge(db, objects, shop, on) if n >= judged_from else None) or raised
    return raised


def judge(db: Session, objects: Objects, shop: Shop, on: date) -> Alert | None:
    """What a night does: look, then write it down."""
    return accuracy.settle(db, shop, accuracy.evening(Evening(db, objects, shop, on)))


def in_turn(db: Session, shop: Shop) -> tuple[Version, Version]:
    """Two versions: the first was in charge, the second is, from FIRST on."""
    versions = a_version(db, shop, "forecast"), a_version(db, shop, "forecast")
    shop.business_on = FIRST
    for version in versions:
        registry.promote(db, shop, "forecast", version.number, actor="merchant", reason="try")
    return versions


def alerts(db: Session, shop: Shop) -> list[Alert]:
    """Everything raised for a shop."""
    return list(db.scalars(select(Alert).where(Alert.shop_id == shop.id)))


def test_shuffled_products_are_found_on_the_second_day(database: Database, objects: Objects, alice: Shop) -> None:
    with database.transaction() as db:
        good, bad = in_turn(db, alice)
        assert live(db, objects, alice, 1, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR) is None
        found = live(db, objects, alice, 2, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR)
        assert found is not None
        assert (found.kind, found.version_id, found.numbers["days"]) == ("act", bad.id, 2)
        # by hand: |10-1| + |4-10| + |1-4| = 18 wrong of 15 sold
        assert found.numbers["accuracy"] == pytest.approx(1 - 18 / 15)
        effect = db.scalars(select(Effect).where(Effect.shop_id == alice.id)).one()
        assert effect.payload["payload"]["Version number"] == bad.number
        assert found.act_by is not None


def test_a_late_night_does_not_judge_who_took_over_after_its_day(
    database: Database, objects: Objects, alice: Shop
) -> None:
    """The night of the day before FIRST runs when the next day has begun and somebody else is in charge already."""
    with database.transaction() as db:
        good, bad = in_turn(db, alice)
        last = FIRST - timedelta(days=1)
        say(db, objects, good, last - timedelta(days=1), FAIR, was_champion=True)
        say(db, objects, bad, last - timedelta(days=1), SHUFFLED)
        sell(db, alice, last, SOLD)
        assert judge(db, objects, alice, last) is None


def put_in_charge_after_silence(
    db: Session, objects: Objects, shop: Shop, says: dict[int, float]
) -> tuple[Version, Version]:
    """Two versions in turn: the second last spoke weeks before FIRST, when other things sold, and then that evening."""
    good, old = in_turn(db, shop)
    say(db, objects, old, FIRST - timedelta(days=11), SHUFFLED, was_champion=True)
    say(db, objects, good, FIRST - timedelta(days=1), FAIR, was_champion=True)
    sell(db, shop, FIRST, SOLD)
    say(db, objects, old, FIRST, says, was_champion=True)  # a night forecasts first, then it judges
    assert judge(db, objects, shop, FIRST) is None
    return good, old


def test_a_version_is_not_judged_by_a_forecast_from_before_it_was_put_in_charge(
    database: Database, objects: Objects, alice: Shop
) -> None:
    second = FIRST + timedelta(days=1)
    with database.transaction() as db:
        good, old = put_in_charge_after_silence(db, objects, alice, FAIR)
        live(db, objects, alice, 4, first=second, now=old, before=good, now_says=FAIR, before_says=FAIR)
        assert alerts(db, alice) == []


def test_a_version_put_in_charge_after_weeks_is_judged_by_what_it_says_from_then_on(
    database: Database, objects: Objects, alice: Shop
) -> None:
    second = FIRST + timedelta(days=1)
    with database.transaction() as db:
        good, old = put_in_charge_after_silence(db, objects, alice, SHUFFLED)
        live(db, objects, alice, 2, first=second, now=old, before=good, now_says=SHUFFLED, before_says=FAIR)
        (found,) = alerts(db, alice)
        assert (found.kind, found.version_id, found.numbers["days"]) == ("act", old.id, 2)
        assert f"since {second:%d %b}" in found.message


def test_a_version_that_came_back_is_reported_again(database: Database, objects: Objects, alice: Shop) -> None:
    third = FIRST + timedelta(days=2)
    with database.transaction() as db:
        good, bad = in_turn(db, alice)
        live(db, objects, alice, 2, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR)
        alice.business_on = third
        other = a_version(db, alice, "forecast")
        registry.promote(db, alice, "forecast", other.number, actor="merchant", reason="try")
        registry.roll_back(db, alice, "forecast", actor="merchant", reason="worse still")
        live(db, objects, alice, 4, first=third, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR)
        raised = sorted(alerts(db, alice), key=lambda alert: alert.id)
        assert [(alert.version_id, alert.state) for alert in raised] == [(bad.id, "resolved"), (bad.id, "open")]
        assert len(list(db.scalars(select(Effect).where(Effect.kind == "flow_trigger")))) == 2


def test_the_same_alert_is_raised_once(database: Database, objects: Objects, alice: Shop) -> None:
    with database.transaction() as db:
        good, bad = in_turn(db, alice)
        live(db, objects, alice, 6, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR)
        assert len(alerts(db, alice)) == 1
        assert len(list(db.scalars(select(Effect).where(Effect.kind == "flow_trigger")))) == 1


def test_a_version_as_good_as_the_one_before_is_left_alone(database: Database, objects: Objects, alice: Shop) -> None:
    slightly_off = {1: 11.0, 2: 4.0, 3: 1.0}
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        assert (
            live(db, objects, alice, 10, now=other, before=good, now_says=slightly_off, before_says=FAIR | {1: 9.0})
            is None
        )


def test_a_shift_in_demand_hits_both_and_rolls_nobody_back(database: Database, objects: Objects, alice: Shop) -> None:
    halved = {1: 5, 2: 2, 3: 1}
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        live(db, objects, alice, 10, now=other, before=good, now_says=FAIR, before_says=FAIR, sold=halved)
        assert [alert.kind for alert in alerts(db, alice)] == []


def test_one_shop_is_not_judged_by_the_sales_of_another(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        for n in range(5):
            sell(db, bob, FIRST + timedelta(days=n), {1: 900, 2: 900, 3: 900})
        live(db, objects, alice, 5, now=other, before=good, now_says=FAIR, before_says=FAIR)
        assert alerts(db, alice) == []
        assert alerts(db, bob) == []
        assert db.scalars(select(Evaluation).where(Evaluation.shop_id == bob.id)).all() == []


def test_what_was_served_is_tallied_by_hand(database: Database, objects: Objects, alice: Shop) -> None:
    says = {1: 8.0, 2: 5.0, 3: 1.0}
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        live(db, objects, alice, 7, judged_from=6, now=other, before=good, now_says=says, before_says=FAIR)
        rows = {row.level: row for row in db.scalars(served_on(alice, FIRST + timedelta(days=6)))}
        wrong, sold = 7 * (2 + 1 + 0), 7 * 15
        assert rows["product_recent"].accuracy == pytest.approx(1 - wrong / sold)
        assert rows["product_week"].accuracy == pytest.approx(1 - wrong / sold)
        assert rows["store_week"].accuracy == pytest.approx(1 - 7 * 1 / sold)
        assert rows["store_week"].bias == pytest.approx(-7 / sold)
        assert rows["product_week"].coverage == 1.0
        assert rows["store_week"].orders == 7
        assert "product_28d" not in rows


def test_a_launch_counts_neither_for_the_forecast_nor_for_the_week_before(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    """Product 4 is first sold in the second week and forecast from its fourth day on; the shop sold all of it."""
    second, fourth, sold = FIRST + timedelta(days=7), FIRST + timedelta(days=10), {1: 12, 2: 4, 3: 2, 4: 20}
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        for n in range(14):
            sell(db, bob, FIRST + timedelta(days=n), {1: 900, 2: n, 4: 7})
        for first, days, units, says in ((FIRST, 7, SOLD, FAIR), (second, 3, sold, FAIR), (fourth, 4, sold, KNOWING)):
            live(
                db,
                objects,
                alice,
                days,
                first=first,
                judged_from=3,
                sold=units,
                now=other,
                before=good,
                now_says=says,
                before_says=FAIR,
            )
        rows = {row.level: row for row in db.scalars(served_on(alice, FIRST + timedelta(days=13)))}
    week, recent, shop = (rows[level] for level in ("product_week", "product_recent", "store_week"))
    assert week.accuracy == week.baseline_accuracy == pytest.approx(15 / 18)
    assert (week.actual_units, week.forecast_units, week.bias) == (7 * 18, 7 * 15, pytest.approx(-3 / 18))
    assert recent.accuracy == pytest.approx(1 - 7 * 3 / (7 * 18 + 4 * 20))
    assert recent.baseline_accuracy == pytest.approx(1 - (7 * 3 + 4 * 20) / (7 * 18 + 4 * 20))
    assert (recent.actual_units, recent.forecast_units) == (7 * 18 + 4 * 20, 7 * 15 + 4 * 20)
    assert (shop.actual_units, shop.accuracy) == (7 * 38, shop.baseline_accuracy)


def test_what_is_given_back_or_found_later_changes_the_weeks_it_is_of(
    database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    second, last = FIRST + timedelta(days=7), FIRST + timedelta(days=6)
    with database.transaction() as db:
        for shop in (alice, bob):
            good, other = in_turn(db, shop)
            fair: dict[str, Any] = {"now": other, "before": good, "now_says": FAIR, "before_says": FAIR}
            live(db, objects, shop, 7, judged_from=6, **fair)
            if shop is alice:
                sell(db, shop, FIRST, {1: 0, 2: 4, 3: 1}, updated_at=second)  # ten of product 1 came back
                sell(db, shop, last, {2: 3}, order_id=7)  # its webhook was lost
            live(db, objects, shop, 21, first=second, judged_from=20, **fair)
        week, total = ({shop: of_week(db, shop, level, last) for shop in (alice, bob)} for level in WEEKS)
    assert (week[bob].accuracy, week[bob].actual_units, total[bob].accuracy) == (1.0, 105, 1.0)
    assert (week[alice].actual_units, week[alice].accuracy) == (98, pytest.approx(1 - (10 + 3) / 98))
    assert (week[bob].orders, week[alice].orders) == (7, 8)
    assert (total[alice].actual_units, total[alice].accuracy) == (98, pytest.approx(1 - 7 / 98))


def of_week(db: Session, shop: Shop, level: str, on: date) -> Evaluation:
    return next(row for row in db.scalars(served_on(shop, on)) if row.level == level)


def served_on(shop: Shop, on: date) -> Select[tuple[Evaluation]]:
    """How what the merchant saw did up to that evening."""
    mine = Evaluation.shop_id == shop.id, Evaluation.version_id == SERVED, Evaluation.evaluated_on == on
    return select(Evaluation).where(*mine)


def test_judging_the_same_evening_twice_changes_nothing(database: Database, objects: Objects, alice: Shop) -> None:
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        live(db, objects, alice, 7, judged_from=6, now=other, before=good, now_says=FAIR, before_says=FAIR)
        before = db.query(Evaluation).count()
        judge(db, objects, alice, FIRST + timedelta(days=6))
        assert db.query(Evaluation).count() == before


def test_others_write_while_an_evening_is_worked_out_and_who_is_replaced_meanwhile_is_not_reported(
    database: Database, objects: Objects, alice: Shop
) -> None:
    with database.transaction() as db:
        good, bad = in_turn(db, alice)
        live(db, objects, alice, 1, now=bad, before=good, now_says=SHUFFLED, before_says=FAIR)
        on = FIRST + timedelta(days=1)
        say(db, objects, bad, FIRST, SHUFFLED, was_champion=True)
        say(db, objects, good, FIRST, FAIR)
        sell(db, alice, on, SOLD)
    with database.reading() as db:
        found = accuracy.evening(Evening(db, objects, alice, on))
        assert found.worse is not None
        with database.transaction() as other:
            mine = other.get_one(Shop, alice.id)
            registry.promote(other, mine, "forecast", good.number, actor="merchant", reason="looks wrong")
    with database.transaction() as db:
        assert accuracy.settle(db, alice, found) is None
        assert alerts(db, alice) == []


@pytest.mark.parametrize("days_dark", [30, 45])
def test_after_weeks_without_a_forecast_the_evening_is_judged_by_nobody(
    database: Database, objects: Objects, alice: Shop, days_dark: int
) -> None:
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        live(db, objects, alice, 3, now=other, before=good, now_says=SHUFFLED, before_says=FAIR)
        before = db.query(Evaluation).count(), len(alerts(db, alice))
        back_on = FIRST + timedelta(days=2 + days_dark)
        for n in range(3, 3 + days_dark):
            sell(db, alice, FIRST + timedelta(days=n), SOLD)
        assert judge(db, objects, alice, back_on) is None
        assert (db.query(Evaluation).count(), len(alerts(db, alice))) == before


def test_nights_below_target_warn_without_asking_for_a_rollback(
    database: Database, objects: Objects, alice: Shop
) -> None:
    """A week ahead is judged from the seventh evening on."""
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        other.metrics = {"product_week": {"accuracy": 0.9}}
        off = {1: 14.0, 2: 7.0, 3: 3.0}
        live(db, objects, alice, 12, judged_from=6, now=other, before=good, now_says=off, before_says=off)
        (warning,) = alerts(db, alice)
        assert (warning.kind, warning.act_by) == ("warn", None)
        assert warning.numbers["target"] == pytest.approx(0.92 * 0.9)


@pytest.mark.parametrize(
    ("weeks", "target"),
    [
        ((10, 10), 0.92 * 0.6),
        ((9.5, 10.5), 0.92 * 0.6),
        ((5, 15), 0.6 - 2 * 0.4 * 5.2223 / 10),  # the standard deviation of six fives and six fifteens
        ((0, 40), 0.0),
    ],
)
def test_a_shop_whose_weeks_differ_by_chance_is_warned_of_what_is_more_than_that(
    weeks: tuple[float, float], target: float, database: Database, objects: Objects, alice: Shop, bob: Shop
) -> None:
    off = {1: 14.0, 2: 7.0, 3: 3.0}  # 9 wrong of 15: accuracy .4
    with database.transaction() as db:
        for shop, tried in ((alice, weeks), (bob, (10, 10))):
            good, other = in_turn(db, shop)
            errors = [week for _ in range(6) for error in tried for week in 7 * [error]][6:]
            other.metrics = {"product_week": {"accuracy": 0.6}, "trial_days": {"error": errors}}
            assert accuracy.target(other, 0.92) == pytest.approx(target if shop is alice else 0.92 * 0.6, abs=1e-4)
            live(db, objects, shop, 9, judged_from=6, now=other, before=good, now_says=off, before_says=off)
        assert [alert.kind for alert in alerts(db, alice)] == (["warn"] if target > 0.4 else [])
        assert [alert.kind for alert in alerts(db, bob)] == ["warn"]


def test_nights_of_weeks_ago_warn_nobody(database: Database, objects: Objects, alice: Shop) -> None:
    """A week ahead is judged from the seventh evening on: two nights, a month of silence, then two and one more."""
    off = {1: 14.0, 2: 7.0, 3: 3.0}
    back_on = FIRST + timedelta(days=38)
    with database.transaction() as db:
        good, other = in_turn(db, alice)
        other.metrics = {"product_week": {"accuracy": 0.9}}
        off_both: dict[str, Any] = {"now": other, "before": good, "now_says": off, "before_says": off}
        live(db, objects, alice, 8, judged_from=6, **off_both)
        live(db, objects, alice, 8, first=back_on, judged_from=6, **off_both)
        assert alerts(db, alice) == []
        third = back_on + timedelta(days=8)
        warning = live(db, objects, alice, 1, first=third, **off_both)
        assert warning is not None
        assert (warning.kind, warning.numbers["nights"]) == ("warn", 3)
