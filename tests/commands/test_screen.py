"""How an answer looks at a terminal."""

from datetime import UTC, date, datetime

from shopify_app import screen

AT = datetime(2026, 3, 2, 9, 5, 7, 123456, UTC)


def test_figures_stand_beside_their_names_and_what_is_inside_below() -> None:
    told = {"ok": True, "at": AT, "on": date(2026, 3, 2), "never": None, "waits": {"orders": 3, "more": {}}, "of": []}
    assert screen.text(told).splitlines() == [
        "ok: yes",
        "at: 2026-03-02 09:05:07 UTC",
        "on: 2026-03-02",
        "never: none",
        "waits:",
        "  orders: 3",
        "  more: none",
        "of: none",
    ]


def test_rows_of_the_same_kind_are_columns() -> None:
    rows = [{"seq": 7, "topic": "orders/create", "by": ["a", "b"]}, {"seq": 12345, "topic": "x", "error": "late"}]
    assert screen.text({"events": rows}).splitlines() == [
        "events:",
        "  seq    topic          by    error",
        "  7      orders/create  a, b  none",
        "  12345  x              none  late",
    ]


def test_nothing_at_all_is_said_too() -> None:
    assert screen.text({}) == "none"
