"""Sealed bytes open only with a key we hold, only for what they are about, and only unharmed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_app.records.seal import CannotOpen, Seal

OLD, NEW = b"o" * 32, b"n" * 32


@given(plain=st.binary(), about=st.text())
def test_what_is_closed_opens(plain: bytes, about: str) -> None:
    seal = Seal([NEW])
    assert (
        seal.open(
            seal.close(plain, about.encode("utf-8", "replace").decode()), about.encode("utf-8", "replace").decode()
        )
        == plain
    )


def test_one_shop_s_bytes_do_not_open_as_another_s() -> None:
    seal = Seal([NEW])
    with pytest.raises(CannotOpen):
        seal.open(seal.close(b"token", "shop 1 access token"), "shop 2 access token")


def test_a_new_key_closes_and_the_old_one_still_opens() -> None:
    before, after = Seal([OLD]), Seal([NEW, OLD])
    kept = before.close(b"secret", "x")
    assert after.open(kept, "x") == b"secret"
    names = [sealed[1:5] for sealed in (kept, after.close(b"secret", "x"))]
    assert [name == after.first_name for name in names] == [False, True]
    with pytest.raises(CannotOpen, match="ENCRYPTION_KEYS"):
        before.open(after.close(b"secret", "x"), "x")


def test_the_same_bytes_never_look_the_same_twice() -> None:
    seal = Seal([NEW])
    assert seal.close(b"secret", "x") != seal.close(b"secret", "x")


@given(st.binary(max_size=80))
def test_any_other_bytes_are_refused(noise: bytes) -> None:
    with pytest.raises(CannotOpen):
        Seal([NEW]).open(noise, "x")


@given(position=st.integers(0, 60), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_noticed(position: int, bit: int) -> None:
    seal = Seal([NEW])
    sealed = bytearray(seal.close(b"a secret of some length", "x"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises(CannotOpen):
        seal.open(bytes(sealed), "x")
