"""Tokens: how an app comes by them and when they die."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from devstore import identity
from devstore.oauth import ID_TOKEN, OFFLINE, ONLINE, TOKEN_EXCHANGE
from devstore.server import DevStore
from devstore.signing import sign_query
from tests.devstore.conftest import KEY, SECRET
from tests.devstore.shop_api import Api, api_of

SHOP_NAME = "{ shop { name } }"


class Client:
    """An app that asks one shop for tokens."""

    def __init__(self, store: DevStore, handle: str = "alice") -> None:
        self.store, self.shop = store, store.shop(handle)
        self.http = store.wsgi.test_client()

    def ask(self, **form: Any) -> tuple[int, dict[str, Any]]:
        body = {"client_id": KEY, "client_secret": SECRET, **form}
        answer = self.http.post("/admin/oauth/access_token", json=body, headers={"Host": self.shop.domain})
        return answer.status_code, answer.get_json()

    def exchange(self, token: str | None = None, kind: str = OFFLINE, **form: Any) -> tuple[int, dict[str, Any]]:
        return self.ask(
            grant_type=TOKEN_EXCHANGE,
            subject_token=self.shop.mint_id_token() if token is None else token,
            subject_token_type=ID_TOKEN,
            requested_token_type=kind,
            **form,
        )

    def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        return self.ask(grant_type="refresh_token", refresh_token=token)

    def works(self, access_token: str) -> bool:
        return Api(self.http, self.shop, access_token).post(SHOP_NAME).status_code == 200


@pytest.fixture
def client(store: DevStore) -> Client:
    store.shop("alice").install()
    return Client(store)


def test_an_id_token_buys_an_expiring_pair(client: Client) -> None:
    status, body = client.exchange(expiring=1)
    assert status == 200
    assert (body["expires_in"], body["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert "write_products" in body["scope"].split(",")
    assert client.works(body["access_token"])


def test_a_token_without_expiry_is_refused_by_the_api(client: Client) -> None:
    _, body = client.exchange()
    assert "refresh_token" not in body
    answer = Api(client.http, client.shop, body["access_token"]).post(SHOP_NAME)
    assert answer.status_code == 403
    assert answer.get_json()["errors"].startswith("Non-expiring access tokens are no longer accepted for the Admin API")


def test_an_online_token_names_its_user_and_leaves_offline_tokens_alone(client: Client) -> None:
    offline = client.exchange(expiring=1)[1]["access_token"]
    status, body = client.exchange(kind=ONLINE)
    assert (status, body["associated_user"]["id"]) == (200, identity.STAFF["id"])
    assert client.works(body["access_token"])
    assert client.works(offline)


def test_a_new_exchange_kills_every_earlier_offline_token(client: Client) -> None:
    first = client.exchange(expiring=1)[1]
    second = client.exchange(expiring=1)[1]
    assert not client.works(first["access_token"])
    assert client.works(second["access_token"])
    assert client.refresh(first["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_lost_refresh_can_be_repeated_until_its_replacement_is_used(client: Client) -> None:
    first = client.exchange(expiring=1)[1]
    lost = client.refresh(first["refresh_token"])[1]
    again = client.refresh(first["refresh_token"])[1]
    assert not client.works(lost["access_token"])
    assert client.works(again["access_token"])
    status, body = client.refresh(first["refresh_token"])
    assert (status, body["error"]) == (400, "invalid_grant")
    assert client.refresh(again["refresh_token"])[0] == 200


def test_using_the_new_refresh_token_retires_the_old_one_too(client: Client) -> None:
    first = client.exchange(expiring=1)[1]
    second = client.refresh(first["refresh_token"])[1]
    assert client.refresh(second["refresh_token"])[0] == 200
    assert client.refresh(first["refresh_token"])[1]["error"] == "invalid_grant"


def test_tokens_end_with_their_time(client: Client) -> None:
    pair = client.exchange(expiring=1)[1]
    now = time.time()
    client.shop.tokens.clock = lambda: now + 3601
    assert not client.works(pair["access_token"])
    client.shop.tokens.clock = lambda: now + 91 * 86_400
    assert client.refresh(pair["refresh_token"])[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("token", ["", "no.jwt", "a.b.c"])
def test_a_damaged_id_token_is_an_invalid_subject(client: Client, token: str) -> None:
    status, body = client.exchange(token)
    assert (status, body["error"]) == (400, "invalid_subject_token")


def test_an_id_token_of_another_shop_or_hour_is_an_invalid_subject(client: Client, store: DevStore) -> None:
    foreign = store.shop("bob").mint_id_token()
    stale = identity.mint("alice.myshopify.com", KEY, SECRET, time.time() - 71)
    for token in (foreign, stale):
        assert client.exchange(token, expiring=1)[1]["error"] == "invalid_subject_token"


def test_a_wrong_secret_or_an_uninstalled_app_is_an_invalid_client(client: Client) -> None:
    assert client.exchange(client_secret="wrong")[1]["error"] == "invalid_client"
    client.shop.uninstall()
    assert client.exchange(expiring=1)[1]["error"] == "invalid_client"


def test_an_uninstall_kills_the_tokens(client: Client) -> None:
    token = client.exchange(expiring=1)[1]["access_token"]
    client.shop.uninstall()
    client.shop.install()
    assert not client.works(token)


def test_the_code_grant_comes_back_signed_and_buys_a_pair_once(store: DevStore) -> None:
    client = Client(store)
    answer = client.http.get(
        "/admin/oauth/authorize",
        query_string={
            "client_id": KEY,
            "scope": "read_orders",
            "redirect_uri": "https://app.example/auth/callback",
            "state": "s e",
        },
        headers={"Host": client.shop.domain},
    )
    callback = {key: values[0] for key, values in parse_qs(urlsplit(answer.location).query).items()}
    assert (callback["state"], callback["shop"]) == ("s e", "alice.myshopify.com")
    assert callback["hmac"] == sign_query(SECRET, callback)
    status, body = client.ask(code=callback["code"], expiring=1)
    assert (status, body["scope"]) == (200, "read_orders")
    assert client.ask(code=callback["code"], expiring=1)[0] == 400


def test_the_code_grant_refuses_an_address_that_is_not_in_the_toml(store: DevStore) -> None:
    client = Client(store)
    query = {"client_id": KEY, "redirect_uri": "https://evil.example/", "state": "x"}
    answer = client.http.get("/admin/oauth/authorize", query_string=query, headers={"Host": client.shop.domain})
    assert answer.status_code == 400


def test_a_host_that_is_no_shop_here_is_not_found(store: DevStore) -> None:
    answer = store.wsgi.test_client().post("/admin/oauth/access_token", headers={"Host": "carol.myshopify.com"})
    assert answer.status_code == 404


def test_tokens_of_one_shop_are_unknown_to_another(store: DevStore) -> None:
    token = api_of(store, "alice").token
    bob = api_of(store, "bob")
    bob.token = token
    assert bob.post(SHOP_NAME).status_code == 401


def test_a_token_without_expiry_is_migrated_again_after_a_lost_answer_for_seven_days(client: Client) -> None:
    legacy = client.exchange()[1]["access_token"]

    def migrate() -> tuple[int, dict[str, Any]]:
        return client.ask(
            grant_type=TOKEN_EXCHANGE,
            subject_token=legacy,
            subject_token_type=OFFLINE,
            requested_token_type=OFFLINE,
            expiring=1,
        )

    lost, again = migrate()[1], migrate()[1]
    assert not client.works(lost["access_token"])
    assert client.works(again["access_token"])
    now = time.time()
    client.shop.tokens.clock = lambda: now + 8 * 86_400
    assert migrate()[1]["error"] == "invalid_subject_token"
    client.shop.tokens.clock = time.time
    client.shop.uninstall()
    client.shop.install()
    assert migrate()[1]["error"] == "invalid_subject_token"


def test_an_expiring_token_is_not_migrated(client: Client) -> None:
    token = client.exchange(expiring=1)[1]["access_token"]
    grant = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": OFFLINE}
    assert client.ask(**grant, requested_token_type=OFFLINE, expiring=1)[1]["error"] == "invalid_subject_token"
    assert client.ask(**grant, requested_token_type=OFFLINE)[1]["error"] == "invalid_request"
