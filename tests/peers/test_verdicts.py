"""Shopify's Node library and our doors judge the same requests, sound and tampered ones; each difference has a reason.

The requests are made here, by seed, with the recipes of the local Shopify.
"""

import base64
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from devstore import identity
from devstore.signing import encode_jwt, sign_body, sign_proxy, sign_query
from shopify_app.errors import Refused
from shopify_app.platform import verify
from shopify_app.platform.domains import admin_host, shop_domain
from tests.peers.conftest import ALICE, KEY, SECRET, Peer, bytes_of

OTHER = "the-secret-of-quite-another-app-01"
TEXTS = ["", "1", "a b", "grüße", "日本", "x+y", "50%", "a&b=c", "'quoted'", "~!*()", "line\nbreak", "🎁", "0" * 40]
Case = tuple[str, Any]
"""What was done to a request, and the request."""


def ours(door: Callable[..., Any], *args: Any) -> bool:
    try:
        door(*args)
    except Refused:
        return False
    return True


def theirs(answer: dict[str, Any]) -> bool:
    return bool("answer" in answer and answer["answer"].get("valid", True))


def now() -> datetime:
    return datetime.now(UTC)


# Bodies


def bodies(dice: random.Random) -> Iterator[tuple[str, dict[str, str], bytes]]:
    for number in range(60):
        body = "".join(dice.choices([*'{}[]:,"abc é日🎁\n\t0', "\\u0000"], k=dice.randint(1, 80))).encode()
        for family in ("X-Shopify-", "shopify-"):
            yield "sound", headers(family, sign_body(SECRET, body), number), body
            yield "other secret", headers(family, sign_body(OTHER, body), number), body
            yield "one bit", headers(family, sign_body(SECRET, body), number), flipped(body, dice)
            yield "cut short", headers(family, sign_body(SECRET, body)[:-1], number), body
            yield "no signature", headers(family, "", number), body
            yield "hex", headers(family, base64.b64decode(sign_body(SECRET, body)).hex(), number), body


def headers(family: str, signature: str, number: int) -> dict[str, str]:
    own = {"Topic": "orders/create", "Shop-Domain": ALICE, "Webhook-Id": f"w-{number}", "API-Version": "2026-10"}
    return {family + name: value for name, value in {**own, "Hmac-Sha256": signature}.items()}


def flipped(body: bytes, dice: random.Random) -> bytes:
    """Another text of the same length: the library wants text, so the bit is one that leaves it text."""
    changed = bytearray(body)
    places = [place for place, byte in enumerate(body) if byte < 128]
    changed[dice.choice(places) if places else 0] ^= 1
    return bytes(changed)


def test_signed_bodies_get_the_same_verdict(peer: Peer) -> None:
    cases = list(bodies(random.Random(1)))
    told = peer.all([("webhook", {"headers": given, "bytes": bytes_of(body)}) for _, given, body in cases])
    for (what, given, body), answer in zip(cases, told, strict=True):
        mine = ours(verify.webhook, given, body, [SECRET.encode()])
        assert mine is theirs(answer) is (what == "sound"), (what, given, body)


# Queries


def values(dice: random.Random) -> dict[str, str]:
    more = {f"p{place}": dice.choice(TEXTS) for place in range(dice.randint(0, 4))}
    return {"shop": ALICE, "timestamp": str(int(time.time())), **more}


def tampered(sign: Callable[[str, dict[str, str]], str], name: str, dice: random.Random) -> Iterator[Case]:
    for _ in range(40):
        query = values(dice) | ({"code": "c0de", "state": "nonce"} if name == "hmac" else {})
        yield "sound", {**query, name: sign(SECRET, query)}
        yield "other secret", {**query, name: sign(OTHER, query)}
        yield "one more", {**query, name: sign(SECRET, query), "more": "1"}
        yield "other shop", {**query, name: sign(SECRET, query), "shop": "bob.myshopify.com"}
        yield "upper case", {**query, name: sign(SECRET, query).upper()}
        yield "no signature", query
        for what, seconds in (("just in time", -80), ("too old", -100), ("from the future", 100)):
            moved = {**query, "timestamp": str(int(time.time()) + seconds)}
            yield what, {**moved, name: sign(SECRET, moved)}
        for what, text in (("no time", ""), ("half a second", "1700000000.5")):
            moved = {**query, "timestamp": text}
            yield what, {**moved, name: sign(SECRET, moved)}


SOUND = {"sound", "just in time"}


def test_oauth_queries_get_the_same_verdict(peer: Peer) -> None:
    cases = list(tampered(sign_query, "hmac", random.Random(2)))
    told = peer.all([("query", {"query": urlencode(query), "signator": "admin"}) for _, query in cases])
    for (what, query), answer in zip(cases, told, strict=True):
        mine = ours(verify.oauth_callback, urlencode(query).encode(), [SECRET.encode()], now())
        assert mine is theirs(answer) is (what in SOUND), (what, query, answer)


def proxy(secret: str, query: dict[str, str]) -> str:
    return sign_proxy(secret, query.items())


def test_app_proxy_queries_get_the_same_verdict(peer: Peer) -> None:
    cases = list(tampered(proxy, "signature", random.Random(3)))
    told = peer.all([("query", {"query": urlencode(query), "signator": "appProxy"}) for _, query in cases])
    for (what, query), answer in zip(cases, told, strict=True):
        mine = ours(verify.app_proxy, urlencode(query).encode(), [SECRET.encode()], now())
        assert mine is theirs(answer) is (what in SOUND), (what, query, answer)


@pytest.mark.parametrize("name", ["shop", "timestamp", "signature"])
def test_a_repeated_security_parameter_is_refused_by_both(peer: Peer, name: str) -> None:
    query = {"shop": ALICE, "timestamp": str(int(time.time()))}
    text = urlencode({**query, "signature": proxy(SECRET, query)}) + f"&{name}=x"
    assert not theirs(peer.all([("query", {"query": text, "signator": "appProxy"})])[0])
    assert not ours(verify.app_proxy, text.encode(), [SECRET.encode()], now())


def test_a_visitor_s_repeated_parameter_is_taken_by_both(peer: Peer) -> None:
    query = {"shop": ALICE, "timestamp": str(int(time.time())), "logged_in_customer_id": "", "path_prefix": "/apps/x"}
    pairs = [*query.items(), ("ids", "2"), ("ids", "1")]
    text = urlencode([*pairs, ("signature", sign_proxy(SECRET, pairs))])
    assert theirs(peer.all([("query", {"query": text, "signator": "appProxy"})])[0])
    assert verify.app_proxy(text.encode(), [SECRET.encode()], now()).params["ids"] == "2,1"


# ID tokens

STRICTER: dict[str, str] = {
    "no exp": "the library takes a token that never ends; ours have to end",
    "no nbf": "the library takes a token that does not say when it begins",
    "no dest": "without it there is no shop",
    "no iss": "nothing confirms the shop",
    "no sid": "a token of a checkout or customer page, which has no business in the admin",
    "no sub": "nobody is asking",
    "no jti": "every ID token of the admin has one",
    "other iss": "issuer and destination have to be one shop",
    "dest with a path": "the shop is the whole destination",
    "dest elsewhere": "a shop is *.myshopify.com",
}
"""What the library lets pass and our door does not."""


def id_tokens() -> Iterator[tuple[str, str]]:
    moment = int(time.time())
    basic = {
        "iss": f"https://{ALICE}/admin",
        "dest": f"https://{ALICE}",
        "aud": KEY,
        "sub": "42",
        "exp": moment + 60,
        "nbf": moment,
        "iat": moment,
        "jti": "j",
        "sid": "s",
    }
    yield "sound", encode_jwt(SECRET, basic)
    yield "the local Shopify's", identity.mint(ALICE, KEY, SECRET)
    yield "other secret", encode_jwt(OTHER, basic)
    yield "other app", encode_jwt(SECRET, {**basic, "aud": "another-app"})
    yield "just over", encode_jwt(SECRET, {**basic, "exp": moment - 5})
    yield "over", encode_jwt(SECRET, {**basic, "exp": moment - 12})
    yield "nearly begun", encode_jwt(SECRET, {**basic, "nbf": moment + 5})
    yield "not begun", encode_jwt(SECRET, {**basic, "nbf": moment + 15})
    yield "garbled", encode_jwt(SECRET, basic)[:-4]
    yield "unsigned", encode_jwt(SECRET, basic).rpartition(".")[0] + "."
    for name in ("exp", "nbf", "dest", "iss", "sid", "sub", "jti"):
        yield f"no {name}", encode_jwt(SECRET, {key: value for key, value in basic.items() if key != name})
    yield "other iss", encode_jwt(SECRET, {**basic, "iss": "https://bob.myshopify.com/admin"})
    yield "dest with a path", encode_jwt(SECRET, {**basic, "dest": f"https://{ALICE}/"})
    yield "dest elsewhere", encode_jwt(SECRET, {**basic, "dest": "https://evil.com", "iss": "https://evil.com/admin"})


def test_id_tokens_get_the_same_verdict_or_a_stricter_one(peer: Peer) -> None:
    cases = list(id_tokens())
    told = peer.all([("token", {"token": text}) for _, text in cases])
    different = set()
    for (what, text), answer in zip(cases, told, strict=True):
        mine, them = ours(verify.id_token, text, KEY, [SECRET.encode()], now()), "answer" in answer
        assert not mine or them, f"only our door takes a token with {what}"
        if mine is not them:
            different.add(what)
    assert different == set(STRICTER)


# Names


def test_no_shop_or_host_is_taken_that_the_library_refuses(peer: Peer) -> None:
    names = [ALICE, "a.myshopify.com", "-a.myshopify.com", "a_b.myshopify.com", "a.b.myshopify.com", "evil.com"]
    names += [f"{ALICE}.evil.com", f"{ALICE}\n", f"{ALICE}/x", "ALICE.myshopify.com", "a.shopify.com", ".myshopify.com"]
    told = peer.all([("shop", {"text": text}) for text in names])
    mine = [ours(shop_domain, text) for text in names]
    assert [text for text, us, them in zip(names, mine, told, strict=True) if us and not theirs(them)] == []
    assert [text for text, us in zip(names, mine, strict=True) if us] == [ALICE, "a.myshopify.com"]


def test_a_host_parameter_leads_to_the_same_page(peer: Peer) -> None:
    for place in ("admin.shopify.com/store/alice", f"{ALICE}/admin"):
        host = base64.b64encode(place.encode()).decode().rstrip("=")
        address = peer.ask("admin", host=host)["address"]
        assert address == f"https://{admin_host(host)}/apps/{KEY}"
    for place in ("evil.com", "admin.shopify.com.evil.com/store/x"):
        host = base64.b64encode(place.encode()).decode()
        assert not theirs(peer.all([("host", {"text": host})])[0])
        assert not ours(admin_host, host)


# Where the verdicts differ, on purpose


def test_a_delivery_without_an_id_is_taken_here_because_its_body_tells_it_apart(peer: Peer) -> None:
    for name in ("X-Shopify-Webhook-Id", "X-Shopify-API-Version"):
        given = headers("X-Shopify-", sign_body(SECRET, b"{}"), 1)
        del given[name]
        told = peer.ask("webhook", headers=given, bytes=bytes_of(b"{}"))
        assert (told["valid"], told["reason"]) == (False, "missing_headers")
        assert verify.webhook(given, b"{}", [SECRET.encode()]).shop == ALICE


def test_a_list_in_the_consent_query_is_refused_here_because_libraries_sign_it_in_three_ways(peer: Peer) -> None:
    query = {"shop": ALICE, "timestamp": str(int(time.time())), "code": "c", "state": "s"}
    signature = sign_query(SECRET, {**query, "ids": "2,1"})
    text = urlencode([*query.items(), ("ids", "2"), ("ids", "1"), ("hmac", signature)])
    assert theirs(peer.all([("query", {"query": text, "signator": "admin"})])[0])
    with pytest.raises(Refused, match="repeated_parameter"):
        verify.oauth_callback(text.encode(), [SECRET.encode()], now())


def test_names_in_mixed_case_are_sorted_by_bytes_here_and_by_language_there(peer: Peer) -> None:
    query = {"shop": ALICE, "timestamp": str(int(time.time())), "a": "1", "B": "2"}
    text = urlencode({**query, "signature": proxy(SECRET, query)})
    assert not theirs(peer.all([("query", {"query": text, "signator": "appProxy"})])[0])
    assert ours(verify.app_proxy, text.encode(), [SECRET.encode()], now())
