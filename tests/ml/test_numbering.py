"""Numbers of values that repeat are those numpy gives, whatever the values and their order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.numbering import numbered


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5)))
def test_distinct_values_and_places_are_numpys(values: list[int]) -> None:
    asked = np.array(values, np.int64)
    distinct, places = np.unique(asked, return_inverse=True)
    found = numbered(asked)
    assert np.array_equal(found[0], distinct)
    assert np.array_equal(found[1], places)
    assert np.array_equal(found[0][found[1]], asked)
