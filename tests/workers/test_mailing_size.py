"""How many customers a file for a mailing tool may hold."""

import pytest

from workers import mailing
from workers.waiting import GiveUp


def test_more_customers_than_a_file_may_hold_are_refused() -> None:
    lines = [b'{"id":"gid://shopify/Customer/%d"}' % number for number in range(1, 4)]
    assert mailing.read(lines, most=3) == [1, 2, 3]
    with pytest.raises(GiveUp, match="More than 2 customers accept marketing"):
        mailing.read(lines, most=2)
