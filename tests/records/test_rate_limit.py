"""A rate limit refills with time, belongs to one name, and remembers only so many."""

from shopify_app.records.rate_limit import RateLimit


def test_a_burst_then_the_rate() -> None:
    at = [0.0]
    limit = RateLimit(2.0, 3, now=lambda: at[0])
    assert [limit.take("a") for _ in range(4)] == [True, True, True, False]
    at[0] = 1.0
    assert [limit.take("a") for _ in range(3)] == [True, True, False]
    at[0] = 100.0
    assert [limit.take("a") for _ in range(4)] == [True, True, True, False]


def test_names_do_not_share_and_the_oldest_is_forgotten() -> None:
    limit = RateLimit(0.0, 1, names=2, now=lambda: 0.0)
    assert [limit.take(name) for name in "aabb"] == [True, False, True, False]
    assert limit.take("c")
    assert [limit.take(name) for name in "bc"] == [False, False]
    assert limit.take("a")
