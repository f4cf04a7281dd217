"""The five doors: who gets in, as whom, and with which word the others are refused."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest

from shopify_app.errors import Refused
from shopify_app.platform import verify

SECRET, OLD = b"the-current-client-secret-of-this-app", b"the-client-secret-that-is-being-replaced"
BOTH = (SECRET, OLD)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ALICE = "alice.myshopify.com"


def signed(body: bytes, secret: bytes = SECRET, family: str = "X-Shopify-", **more: str) -> dict[str, str]:
    """Headers of a delivery of `body`, written as Shopify writes them."""
    digest = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    own = {"Hmac-Sha256": digest, "Topic": "orders/create", "Shop-Domain": ALICE, "Webhook-Id": "w-1", **more}
    return {"User-Agent": "Shopify-Captain-Hook", **{family + name: value for name, value in own.items()}}


def signed_query(values: dict[str, str], name: str, separator: str, secret: bytes = SECRET) -> bytes:
    """A query with its hex signature, made by the published recipe."""
    encode = quote if separator else str
    message = separator.join(
        sorted(f"{key}={encode(value, safe='') if separator else value}" for key, value in values.items())
    )
    signature = hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()
    return urlencode({**values, name: signature}).encode()


def proxy_query(secret: bytes = SECRET, **values: str) -> bytes:
    basic = {"shop": ALICE, "path_prefix": "/apps/foretally", "timestamp": str(SECONDS), "logged_in_customer_id": ""}
    return signed_query({**basic, **values}, "signature", "", secret)


def callback_query(secret: bytes = SECRET, **values: str) -> bytes:
    basic = {"shop": ALICE, "code": "c0de", "state": "nonce", "timestamp": str(SECONDS)}
    return signed_query({**basic, **values}, "hmac", "&", secret)


def claims(**changed: Any) -> dict[str, Any]:
    basic = {
        "iss": f"https://{ALICE}/admin",
        "dest": f"https://{ALICE}",
        "aud": "foretally",
        "sub": "42",
        "exp": SECONDS + 60,
        "nbf": SECONDS,
        "iat": SECONDS,
        "jti": "j-1",
        "sid": "s-1",
    }
    return {name: value for name, value in {**basic, **changed}.items() if value is not None}


def token(secret: bytes = SECRET, **changed: Any) -> str:
    return jwt.encode(claims(**changed), secret, algorithm="HS256")


def refusal(door: Any, *args: Any) -> str:
    with pytest.raises(Refused) as caught:
        door(*args)
    return caught.value.code


# Published examples: secret `hush`, as in Shopify's documentation and in the tests of its libraries


def test_the_published_oauth_example_verifies_at_its_time() -> None:
    query = "code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&state=0.6784241404160823"
    query += "&timestamp=1337178173&hmac=700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"
    caller = verify.oauth_callback(query.encode(), [b"hush"], datetime.fromtimestamp(1337178173, UTC))
    assert (caller.shop, caller.state) == ("some-shop.myshopify.com", "0.6784241404160823")


def test_the_published_app_proxy_example_verifies_at_its_time() -> None:
    query = "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1"
    query += "&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
    query += "&signature=4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    call = verify.app_proxy(query.encode(), [b"hush"], datetime.fromtimestamp(1317327555, UTC))
    assert (call.shop, call.customer_id, call.params["extra"]) == ("shop-name.myshopify.com", 1, "1,2")


def test_the_published_webhook_example_verifies() -> None:
    headers = {**signed(b"x"), "X-Shopify-Hmac-Sha256": "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="}
    assert verify.webhook(headers, b'{"foo": "bar"}', [b"test_secret_key"]).secret_used == 0


# Webhooks


def test_a_delivery_is_read_from_its_headers() -> None:
    more = {"Event-Id": "e-1", "Api-Version": "2026-10", "Triggered-At": "2026-11-20T11:59:58.123456789Z"}
    hook = verify.webhook(signed(b"{}", **more), b"{}", BOTH)
    assert (hook.shop, hook.topic, hook.webhook_id, hook.event_id, hook.api_version, hook.body, hook.secret_used) == (
        ALICE,
        "orders/create",
        "w-1",
        "e-1",
        "2026-10",
        b"{}",
        0,
    )
    assert hook.triggered_at == datetime(2026, 11, 20, 11, 59, 58, 123456, tzinfo=UTC)


def test_header_names_come_in_any_case_and_in_both_families() -> None:
    lower = {name.lower(): value for name, value in signed(b"{}").items()}
    events = signed(b"{}", family="shopify-")
    assert verify.webhook(lower, b"{}", BOTH) == verify.webhook(events, b"{}", BOTH)


def test_the_old_secret_still_opens_and_is_named() -> None:
    assert verify.webhook(signed(b"{}", OLD), b"{}", BOTH).secret_used == 1
    assert refusal(verify.webhook, signed(b"{}", OLD), b"{}", (SECRET,)) == "bad_signature"


def test_an_empty_secret_opens_nothing() -> None:
    assert refusal(verify.webhook, signed(b"{}", b""), b"{}", (b"",)) == "bad_signature"
    assert refusal(verify.id_token, "e30.e30.e30", "foretally", (b"",), NOW) == "bad_signature"


def test_a_signature_in_both_families_is_refused() -> None:
    two = {**signed(b"{}"), **signed(b"{}", family="shopify-")}
    assert refusal(verify.webhook, two, b"{}", BOTH) == "two_signatures"


def test_a_stray_header_of_the_other_family_cannot_name_the_shop() -> None:
    headers = {**signed(b"{}"), "shopify-shop-domain": "mallory.myshopify.com"}
    assert verify.webhook(headers, b"{}", BOTH).shop == ALICE


def test_the_same_header_in_two_spellings_is_refused() -> None:
    headers = {**signed(b"{}"), "x-shopify-shop-domain": "mallory.myshopify.com"}
    assert refusal(verify.webhook, headers, b"{}", BOTH) == "repeated_header"


def test_two_deliveries_joined_into_one_header_are_refused() -> None:
    joined = signed(b"{}", **{"Shop-Domain": f"{ALICE},mallory.myshopify.com"})
    assert refusal(verify.webhook, joined, b"{}", BOTH) == "invalid_shop"


@pytest.mark.parametrize("name", ["Topic", "Webhook-Id", "Event-Id"])
def test_a_header_sent_twice_is_refused(name: str) -> None:
    joined = signed(b"{}", **{name: "orders/create,app/uninstalled"})
    assert refusal(verify.webhook, joined, b"{}", BOTH) == "repeated_header"


@pytest.mark.parametrize(
    ("missing", "code"),
    [("Hmac-Sha256", "no_signature"), ("Shop-Domain", "invalid_shop"), ("Topic", "missing_topic")],
)
def test_a_delivery_without_what_makes_it_one_is_refused(missing: str, code: str) -> None:
    headers = {name: value for name, value in signed(b"{}").items() if not name.endswith(missing)}
    assert refusal(verify.webhook, headers, b"{}", BOTH) == code


def test_a_delivery_without_ids_is_taken_because_its_body_still_tells_it_apart() -> None:
    headers = signed(b"{}", **{"Webhook-Id": ""})
    hook = verify.webhook(headers, b"{}", BOTH)
    assert (hook.webhook_id, hook.event_id, hook.triggered_at) == (None, None, None)


@pytest.mark.parametrize("digest", ["\u00e9" * 44, "\ud800", "\u5b57", "=" * 10_000])
def test_a_signature_of_any_characters_is_only_a_wrong_one(digest: str) -> None:
    assert refusal(verify.webhook, signed(b"{}", **{"Hmac-Sha256": digest}), b"{}", BOTH) == "bad_signature"


def test_a_signed_but_empty_body_is_refused() -> None:
    assert refusal(verify.webhook, signed(b""), b"", BOTH) == "empty_body"


def test_an_id_that_would_break_a_log_line_is_refused() -> None:
    assert refusal(verify.webhook, signed(b"{}", **{"Webhook-Id": "w\x001"}), b"{}", BOTH) == "invalid_webhook_id"


def test_a_verified_delivery_prints_without_its_body() -> None:
    body = b'{"email":"alice@example.com"}'
    assert "example" not in repr(verify.webhook(signed(body), body, BOTH))


# Flow actions


def flow_body(**changed: Any) -> bytes:
    basic = {
        "shop_id": "1",
        "shopify_domain": ALICE,
        "action_run_id": "run-1",
        "action_definition_id": "Roll back model",
        "handle": "roll-back-model",
        "properties": {"task": "forecast"},
        "step_reference": "step-1",
    }
    return json.dumps({**basic, **changed}).encode()


def flow(body: bytes, secret: bytes = SECRET, shop: str = ALICE) -> Any:
    return verify.flow_action(signed(body, secret, **{"Shop-Domain": shop}), body, BOTH)


def test_a_flow_call_is_read_from_its_signed_body() -> None:
    call = flow(flow_body(), OLD)
    assert (call.shop, call.action_run_id, call.handle, call.secret_used) == (ALICE, "run-1", "roll-back-model", 1)
    assert dict(call.properties) == {"task": "forecast"}


def test_a_flow_call_needs_no_shop_header_but_believes_no_other() -> None:
    body = flow_body()
    bare = {"X-Shopify-Hmac-Sha256": signed(body)["X-Shopify-Hmac-Sha256"]}
    assert verify.flow_action(bare, body, BOTH).shop == ALICE
    with pytest.raises(Refused, match="shop_mismatch"):
        flow(body, shop="mallory.myshopify.com")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b"9" * 5_000, "invalid_json"),
        (b"[]", "invalid_json"),
        (flow_body(shopify_domain="alice.myshopify.com.evil.com"), "invalid_shop"),
        (flow_body(action_run_id=""), "missing_action_run_id"),
        (flow_body(action_run_id=7), "invalid_action_run_id"),
        (flow_body(handle=None), "missing_handle"),
        (flow_body(properties=["task"]), "invalid_properties"),
    ],
)
def test_a_signed_flow_call_with_a_bad_body_is_refused(body: bytes, code: str) -> None:
    assert refusal(verify.flow_action, signed(body), body, BOTH) == code


# App proxy


def test_a_storefront_call_is_read_from_its_signed_query() -> None:
    call = verify.app_proxy(proxy_query(OLD, logged_in_customer_id="77", product_ids="1,2"), BOTH, NOW)
    assert (call.shop, call.customer_id, call.path_prefix, dict(call.params), call.secret_used) == (
        ALICE,
        77,
        "/apps/foretally",
        {"product_ids": "1,2"},
        1,
    )


def test_a_visitor_who_is_not_logged_in_is_nobody() -> None:
    assert verify.app_proxy(proxy_query(), BOTH, NOW).customer_id is None


def test_a_repeated_parameter_reads_as_a_list_because_it_is_signed_as_one() -> None:
    one = proxy_query(ids="2,1").replace(b"ids=2%2C1", b"ids=2&ids=1")
    assert verify.app_proxy(one, BOTH, NOW).params["ids"] == "2,1"


@pytest.mark.parametrize("name", ["shop", "timestamp", "signature", "path_prefix", "logged_in_customer_id"])
@pytest.mark.parametrize("form", ["%s=x", "%s[]=x", "%s[0]=x"])
def test_a_second_security_parameter_is_refused(name: str, form: str) -> None:
    query = proxy_query() + b"&" + (form % name).encode()
    assert refusal(verify.app_proxy, query, BOTH, NOW) == "repeated_parameter"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(SECONDS - 91, "stale_timestamp"), (SECONDS + 91, "stale_timestamp"), ("1e9", "invalid_timestamp")],
)
def test_a_storefront_call_out_of_its_time_is_refused(seconds: Any, code: str) -> None:
    assert refusal(verify.app_proxy, proxy_query(timestamp=str(seconds)), BOTH, NOW) == code


def test_a_storefront_call_at_the_edge_of_its_time_is_taken() -> None:
    for seconds in (SECONDS - 90, SECONDS + 90):
        assert verify.app_proxy(proxy_query(timestamp=str(seconds)), BOTH, NOW).shop == ALICE


def test_a_customer_id_that_is_no_number_is_refused() -> None:
    for odd in ("1 OR 1=1", "²", "9" * 30):
        assert refusal(verify.app_proxy, proxy_query(logged_in_customer_id=odd), BOTH, NOW) == "invalid_customer"


# OAuth callback


def test_a_merchant_comes_back_from_the_consent_page() -> None:
    host = base64.b64encode(b"admin.shopify.com/store/alice").decode().rstrip("=")
    caller = verify.oauth_callback(callback_query(host=host), BOTH, NOW)
    assert (caller.shop, caller.code, caller.state, caller.host, caller.secret_used) == (
        ALICE,
        "c0de",
        "nonce",
        "admin.shopify.com/store/alice",
        0,
    )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code": ""}, "missing_code"),
        ({"state": ""}, "missing_state"),
        ({"shop": "alice.myshopify.com.evil.com"}, "invalid_shop"),
        ({"shop": "Alice.myshopify.com"}, "invalid_shop"),
        ({"timestamp": str(SECONDS - 91)}, "stale_timestamp"),
        ({"host": base64.b64encode(b"evil.com").decode()}, "invalid_host"),
        ({"host": base64.b64encode(b"admin.shopify.com/store/alice/../../x").decode()}, "invalid_host"),
        ({"ids[]": "1"}, "repeated_parameter"),
    ],
)
def test_a_signed_callback_that_is_not_what_was_asked_for_is_refused(changed: dict[str, str], code: str) -> None:
    assert refusal(verify.oauth_callback, callback_query(**changed), BOTH, NOW) == code


def test_any_repeated_callback_parameter_is_refused() -> None:
    assert refusal(verify.oauth_callback, callback_query() + b"&state=other", BOTH, NOW) == "repeated_parameter"


def test_a_proxy_signature_does_not_open_the_oauth_door() -> None:
    query = proxy_query(code="c0de", state="nonce").replace(b"signature=", b"hmac=")
    assert refusal(verify.oauth_callback, query, BOTH, NOW) == "bad_signature"


# ID tokens


def test_staff_in_the_admin_are_known_by_their_token() -> None:
    caller = verify.id_token(token(OLD), "foretally", BOTH, NOW)
    assert (caller.shop, caller.user_id, caller.session_id, caller.secret_used) == (ALICE, "42", "s-1", 1)
    assert caller.expires_at == datetime.fromtimestamp(SECONDS + 60, UTC)


@pytest.mark.parametrize("name", ["iss", "dest", "aud", "sub", "exp", "nbf", "jti", "sid"])
def test_a_token_without_one_of_its_claims_is_refused(name: str) -> None:
    assert refusal(verify.id_token, token(**{name: None}), "foretally", BOTH, NOW) == "missing_claim"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "another-app"}, "wrong_audience"),
        ({"aud": ["foretally"]}, "wrong_audience"),
        ({"exp": SECONDS - 10}, "expired_token"),
        ({"nbf": SECONDS + 11}, "token_not_yet_valid"),
        ({"exp": True}, "invalid_token"),
        ({"exp": 1 << 60}, "invalid_token"),
        ({"exp": float(SECONDS + 60)}, "invalid_token"),
        ({"iss": "https://bob.myshopify.com/admin"}, "issuer_mismatch"),
        ({"dest": "https://alice.myshopify.com/"}, "invalid_shop"),
        ({"dest": ALICE}, "issuer_mismatch"),
        ({"dest": "https://evil.com", "iss": "https://evil.com/admin"}, "invalid_shop"),
        ({"sub": 42}, "invalid_sub"),
        ({"sid": ""}, "missing_sid"),
    ],
)
def test_a_signed_token_with_wrong_claims_is_refused(changed: dict[str, Any], code: str) -> None:
    assert refusal(verify.id_token, token(**changed), "foretally", BOTH, NOW) == code


def test_a_token_may_be_ten_seconds_off() -> None:
    assert verify.id_token(token(exp=SECONDS - 9), "foretally", BOTH, NOW)
    assert verify.id_token(token(nbf=SECONDS + 10), "foretally", BOTH, NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_only_one_algorithm_opens(algorithm: str) -> None:
    other = jwt.encode(claims(), None if algorithm == "none" else SECRET * 2, algorithm=algorithm)
    assert refusal(verify.id_token, other, "foretally", BOTH, NOW) == "invalid_token"


def test_a_token_of_megabytes_is_not_even_decoded() -> None:
    assert refusal(verify.id_token, "e30." * 1_000_000, "foretally", BOTH, NOW) == "invalid_token"
