"""Shopify's own Node library works against the local Shopify: it consents, exchanges, renews, asks, and is told."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from devstore.server import DevStore
from shopify_app.platform import http
from shopify_app.platform.oauth import OAuth
from tests.devstore.receiver import Receiver
from tests.peers.conftest import ALICE, BOB, KEY, SECRET, Peer, PeerError, delivery

SHOP = "query { shop { name currencyCode ianaTimezone } }"


def in_browser(store: DevStore, address: str) -> str:
    """Where Shopify sends the merchant after the consent page."""
    parts = urlsplit(address)
    local = f"{store.base_url}{parts.path}?{parts.query}"
    return requests.get(local, headers={"Host": parts.netloc}, allow_redirects=False, timeout=5).headers["Location"]


def consent(peer: Peer, store: DevStore, shop: str) -> dict[str, Any]:
    begun = peer.ask("begin", shop=shop, path="/auth/callback")
    return dict(peer.ask("callback", url=in_browser(store, begun["location"]), cookies=begun["cookies"]))


def opened(peer: Peer, store: DevStore, shop: str = ALICE) -> dict[str, Any]:
    local = store.shop(shop.split(".")[0])
    local.install()
    return dict(peer.ask("exchange", shop=shop, token=local.mint_id_token(), kind="offline"))


def test_the_merchant_consents_and_the_library_gets_an_expiring_pair(peer: Peer, store: DevStore) -> None:
    session = consent(peer, store, ALICE)
    assert (session["shop"], session["isOnline"]) == (ALICE, False)
    assert session["scope"] == "read_orders,read_products"
    assert session["expires"] < session["refreshTokenExpires"]
    assert peer.ask("graphql", shop=ALICE, accessToken=session["accessToken"], query=SHOP)["shop"]["name"]


def test_the_library_refuses_a_callback_that_was_changed_on_the_way(peer: Peer, store: DevStore) -> None:
    begun = peer.ask("begin", shop=ALICE, path="/auth/callback")
    url = in_browser(store, begun["location"]).replace("alice", "bob")
    with pytest.raises(PeerError, match="InvalidOAuthError"):
        peer.ask("callback", url=url, cookies=begun["cookies"])


def test_an_id_token_is_exchanged_for_an_offline_or_an_online_token(peer: Peer, store: DevStore) -> None:
    offline = opened(peer, store)
    assert (offline["isOnline"], bool(offline["refreshToken"])) == (False, True)
    token = store.shop("alice").mint_id_token()
    online = peer.ask("exchange", shop=ALICE, token=token, kind="online")
    assert online["isOnline"] is True
    assert online["onlineAccessInfo"]["associated_user"]["id"] == int(peer.ask("token", token=token)["sub"])
    for session in (offline, online):
        assert peer.ask("graphql", shop=ALICE, accessToken=session["accessToken"], query=SHOP)["shop"]


def test_an_id_token_of_another_shop_buys_nothing(peer: Peer, store: DevStore) -> None:
    store.shop("bob").install()
    with pytest.raises(PeerError) as caught:
        peer.ask("exchange", shop=BOB, token=store.shop("alice").mint_id_token(), kind="offline")
    assert caught.value.body["error"] == "invalid_subject_token"


def test_a_pair_is_renewed_and_the_one_before_ends_with_the_first_use(peer: Peer, store: DevStore) -> None:
    first = opened(peer, store)
    lost = peer.ask("refresh", shop=ALICE, refreshToken=first["refreshToken"])
    second = peer.ask("refresh", shop=ALICE, refreshToken=first["refreshToken"])
    assert lost["accessToken"] != second["accessToken"]
    assert peer.ask("graphql", shop=ALICE, accessToken=second["accessToken"], query=SHOP)["shop"]
    with pytest.raises(PeerError) as caught:
        peer.ask("refresh", shop=ALICE, refreshToken=first["refreshToken"])
    assert caught.value.body["error"] == "invalid_grant"


def test_a_token_that_never_expires_is_refused_and_can_be_migrated(peer: Peer, store: DevStore) -> None:
    store.shop("alice").install()
    legacy = peer.ask("exchangeForever", shop=ALICE, token=store.shop("alice").mint_id_token())
    assert legacy.get("refreshToken") is None
    with pytest.raises(PeerError, match=r"403|Forbidden"):
        peer.ask("graphql", shop=ALICE, accessToken=legacy["accessToken"], query=SHOP)
    session = peer.ask("migrate", shop=ALICE, accessToken=legacy["accessToken"])
    assert session["refreshToken"]
    assert peer.ask("graphql", shop=ALICE, accessToken=session["accessToken"], query=SHOP)["shop"]
    again = peer.ask("migrate", shop=ALICE, accessToken=legacy["accessToken"])
    assert again["accessToken"]


def test_one_shop_s_token_opens_no_other(peer: Peer, store: DevStore) -> None:
    alice, bob = opened(peer, store, ALICE), opened(peer, store, BOB)
    assert peer.ask("graphql", shop=BOB, accessToken=bob["accessToken"], query=SHOP)["shop"]
    with pytest.raises(PeerError, match=r"401|Unauthorized"):
        peer.ask("graphql", shop=BOB, accessToken=alice["accessToken"], query=SHOP)


def test_the_library_reads_errors_and_pages_of_the_admin_api(peer: Peer, store: DevStore) -> None:
    token = opened(peer, store)["accessToken"]
    query = "query ($n: Int!) { products(first: $n) { nodes { id title } pageInfo { hasNextPage } } }"
    found = peer.ask("graphql", shop=ALICE, accessToken=token, query=query, variables={"n": 2})["products"]
    assert [len(found["nodes"]), found["pageInfo"]["hasNextPage"]] == [2, True]
    with pytest.raises(PeerError, match="GraphqlQueryError"):
        peer.ask("graphql", shop=ALICE, accessToken=token, query="{ shop { nonsense } }")


def test_the_library_subscribes_and_every_delivery_passes_its_validation(
    peer: Peer, store: DevStore, receiver: Receiver
) -> None:
    token = opened(peer, store)["accessToken"]
    told = peer.ask("subscribe", shop=ALICE, accessToken=token, topic="INVENTORY_LEVELS_UPDATE", path="/more")
    assert [one["success"] for one in told["INVENTORY_LEVELS_UPDATE"]] == [True]
    receiver.requests.clear()
    store.sellers["alice"].step(20)
    everything_else(store)
    topics = {one.headers["x-shopify-topic"] for one in receiver.requests}
    assert {"orders/create", "refunds/create", "products/update", "app/scopes_update", "customers/redact"} <= topics
    answers = peer.all([("webhook", delivery(one)) for one in receiver.requests])
    assert [answer for answer in answers if not answer["answer"]["valid"]] == []
    assert {answer["answer"]["domain"] for answer in answers} == {ALICE}


def everything_else(store: DevStore) -> None:
    """What a merchant does besides selling."""
    shop = store.shop("alice")
    batches = [shop.change_scopes(["write_discounts"], []), shop.send_compliance("shop/redact", None, [])]
    for topic in ("customers/redact", "customers/data_request"):
        batches.append(shop.send_compliance(topic, 5, [1000]))
    batches.append(shop.uninstall())
    assert all(batch.wait(10) for batch in batches)


def test_a_flow_action_passes_the_library_s_validation(peer: Peer, store: DevStore, receiver: Receiver) -> None:
    store.shop("alice").install()
    receiver.requests.clear()
    payload = {"Task": "forecast", "Version number": 2, "Kind": "act"}
    store.shop("alice").flow.receive("accuracy-alert", payload)
    (action,) = receiver.wait_for(1)
    assert action.path == "/flow/roll-back-model"
    assert peer.ask("flow", **delivery(action)) == {"valid": True}
    tampered = {"headers": action.headers, "bytes": delivery(action)["bytes"][:-8]}
    assert peer.ask("flow", **tampered)["valid"] is False


def test_a_storefront_request_passes_the_library_s_validation(peer: Peer, store: DevStore, receiver: Receiver) -> None:
    store.shop("alice").install()
    receiver.requests.clear()
    path = f"/s/alice/{store.manifest.proxy_prefix}/{store.manifest.proxy_subpath}/recommendations"
    for query in ("product_ids=1,2&limit=4", "a=1&a=2&note=gr%C3%BC%C3%9Fe+%26+more", ""):
        requests.get(f"{store.base_url}{path}?{query}", timeout=5)
    handed_on = [urlsplit(one.path).query for one in receiver.requests]
    answers = peer.all([("query", {"query": query, "signator": "appProxy"}) for query in handed_on])
    assert [answer["answer"] for answer in answers] == [{"valid": True}] * 3


def test_our_app_asks_for_consent_and_tokens_as_the_library_does(peer: Peer, store: DevStore) -> None:
    theirs = parse_qs(urlsplit(peer.ask("begin", shop=ALICE, path="/auth/callback")["location"]).query)
    ours = OAuth(KEY, SECRET, http.session(store.base_url))
    url = ours.install_url(ALICE, ["read_orders", "read_products"], theirs["redirect_uri"][0], "state")
    asked = parse_qs(urlsplit(url).query)
    assert {**asked, "state": theirs["state"]} == {k: v for k, v in theirs.items() if k != "grant_options[]"}
    pair = ours.exchange_id_token(ALICE, installed(store).mint_id_token())
    renewed = peer.ask("refresh", shop=ALICE, refreshToken=pair.refresh_token)
    again = ours.refresh(ALICE, renewed["refreshToken"])
    assert peer.ask("graphql", shop=ALICE, accessToken=again.access_token, query=SHOP)["shop"]


def installed(store: DevStore) -> Any:
    store.shop("alice").install()
    return store.shop("alice")
