"""Which requests the shadow answers too."""

from hypothesis import given
from hypothesis import strategies as st

from shopify_app.lifecycle import routing


def test_five_per_cent_of_requests_are_shadowed() -> None:
    drawn = sum(routing.shadows(f"request-{n}", 0.05) for n in range(20_000))
    assert 0.045 < drawn / 20_000 < 0.055


@given(request=st.text(max_size=50), share=st.floats(0, 1))
def test_the_same_request_is_always_routed_the_same_way(request: str, share: float) -> None:
    assert routing.shadows(request, share) == routing.shadows(request, share)


@given(request=st.text(max_size=50))
def test_none_and_all_mean_none_and_all(request: str) -> None:
    assert not routing.shadows(request, 0.0)
    assert routing.shadows(request, 1.0)


@given(request=st.text(max_size=50), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_only_adds_requests(request: str, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    assert routing.shadows(request, high) or not routing.shadows(request, low)
