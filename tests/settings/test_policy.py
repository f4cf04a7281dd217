"""A shop's own numbers: defaults, bounds, and words a person understands."""

from contextlib import suppress
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_app import policy
from shopify_app.policy import BadSetting, Policy


def test_a_shop_without_settings_gets_the_defaults() -> None:
    assert Policy.of({}) == Policy()


def test_a_setting_of_another_release_is_ignored() -> None:
    assert Policy.of({"target": 0.8, "gone": 1}) == Policy(target=0.8)


def test_every_number_has_bounds_that_hold_its_default() -> None:
    numbers = [field for field in fields(Policy) if not isinstance(field.default, bool)]
    assert {field.name for field in numbers} == set(policy.BOUNDS)
    for field in numbers:
        low, high = policy.BOUNDS[field.name]
        assert low <= field.default <= high


def test_what_is_typed_becomes_a_value_of_the_right_kind() -> None:
    assert policy.parse("retrain_orders", "600") == 600
    assert policy.parse("target", "0.9") == 0.9
    assert policy.parse("publish_lists", "off") is False


@given(name=st.sampled_from([*policy.BOUNDS, "publish_lists", "nonsense"]), text=st.text())
def test_wild_input_is_a_value_within_bounds_or_a_clear_refusal(name: str, text: str) -> None:
    with suppress(BadSetting):
        low, high = policy.BOUNDS.get(name, (0, 1))
        assert low <= policy.parse(name, text) <= high


@pytest.mark.parametrize("text", ["", "nan", "1e999", "49", "many"])
def test_a_refusal_names_the_setting_and_what_is_allowed(text: str) -> None:
    with pytest.raises(BadSetting, match="retrain_orders is a number from 50 to 100000"):
        policy.parse("retrain_orders", text)
