"""Whatever bytes arrive at any address, in path, query, headers or body: an answer of our own, never a crash."""

import io
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from shopify_app.tables import Shop
from tests.factories import id_token, webhook_headers
from tests.web.conftest import SmallShopify
from tests.web.test_default_deny import address, routes

FORM = "application/x-www-form-urlencoded"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # nothing here is about the database

octets = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))  # as a server hands bytes on: one per character
names = st.sampled_from(
    [
        *("HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_HOST", "CONTENT_TYPE", "HTTP_X_SHOPIFY_HMAC_SHA256"),
        *("HTTP_X_SHOPIFY_TOPIC", "HTTP_X_SHOPIFY_SHOP_DOMAIN", "HTTP_SHOPIFY_HMAC_SHA256", "HTTP_RANGE"),
        *("HTTP_X_SHOPIFY_TRIGGERED_AT", "HTTP_IF_MODIFIED_SINCE", "HTTP_ACCEPT_LANGUAGE"),
    ]
)
headers = st.dictionaries(names, octets.map(lambda text: text.replace("\n", "").replace("\r", "")), max_size=4)
parameters = st.sampled_from(
    [
        *("shop", "id_token", "timestamp", "signature", "hmac", "shopify-reload", "said", "state"),
        *("page", "q", "range", "task", "number", "product_id", "sort", "target_percent", "reason", "days"),
    ]
)
queries = octets | st.lists(st.tuples(parameters, octets), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)


@pytest.mark.parametrize("who", ["stranger", "staff"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), query=queries, more=headers, body=st.binary(max_size=60) | queries.map(str.encode))
def test_any_request_gets_an_answer_below_500(
    app: Flask, alice: Shop, shopify: SmallShopify, who: str, data: Any, query: str, more: dict[str, str], body: bytes
) -> None:
    method, rule = data.draw(st.sampled_from([one for one in routes(app) if one != ("GET", "/readyz")]))
    path = data.draw(st.just(address(app, rule)) | octets.map(lambda text: f"/{text}"))
    if who == "staff":
        more = {**more, "HTTP_AUTHORIZATION": f"Bearer {id_token(alice.domain)}", "CONTENT_TYPE": FORM}
    _, status, _ = run_wsgi_app(app.wsgi_app, {**environ(method, path, query, body), **more})
    assert int(status[:3]) < 500, (method, path, query, more, status)


def environ(method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
    """A request as a server hands it on: nothing decoded, nothing checked."""
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "app.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def test_a_query_of_raw_bytes_is_refused(app: Flask) -> None:
    _, status, _ = run_wsgi_app(app.wsgi_app, environ("GET", "/", "\x80", b""))
    assert status.startswith("400")


def test_a_header_that_is_no_text_is_refused_at_the_door(app: Flask) -> None:
    sent = webhook_headers("alice.myshopify.com", "orders/create", b"{}") | {"X-Shopify-Topic": "\xff\xfe\x80"}
    assert app.test_client().post("/webhooks", data=b"{}", headers=sent).status_code == 400
