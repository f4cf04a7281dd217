"""The preview of a product's list: any product, why each neighbour is there, and what a rule took out."""

import re
from html import unescape

from flask.testing import FlaskClient

from shopify_app.lifecycle import explain
from shopify_app.lifecycle.bundles import Bundles
from tests.browser import history
from tests.browser.conftest import Stage


def page(client: FlaskClient, stage: Stage, handle: str, query: str = "") -> str:
    token = stage.store.shop(handle).mint_id_token()
    reply = client.get(f"/recommendations{query}", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200
    return unescape(reply.get_data(as_text=True))


def offered(text: str) -> list[str]:
    return re.findall(r'<s-option value="\d+">(.*?)</s-option>', text)


def test_each_neighbour_says_why_it_is_there(in_production: FlaskClient, stage: Stage) -> None:
    last = 1001 + len(history.TITLES) - 1
    text = page(in_production, stage, "with-past", f"?product={last}")
    with stage.database.reading() as db:
        bundles = Bundles(stage.settings)
        told = explain.explain(db, bundles, stage.shop(db, "with-past"), last)
    assert [one.title for one in told.shown] == re.findall(r'class="list-title">(.*?)<', text)
    assert all(" · ".join(one.why) in text for one in told.shown)
    assert "Bought together in 20 orders" in text
    assert [one.rule for one in told.removed] == ["is sold out"]
    assert f"<strong>{history.TITLES[0]}</strong>" in text
    assert "because it is sold out" in text


def test_any_product_is_found_by_words_of_its_title(in_production: FlaskClient, stage: Stage) -> None:
    everything = offered(page(in_production, stage, "with-past"))
    assert sorted(everything) == sorted(history.TITLES)
    title = history.TITLES[5]
    found = page(in_production, stage, "with-past", f"?q={'+'.join(reversed(title.upper().split()))}&product=1001")
    assert offered(found) == [title]
    assert 'value="1006"' in found
    assert "No product has “100%_” in its title." in page(in_production, stage, "with-past", "?q=100%25_")


def test_a_product_of_nobody_s_shows_the_first_of_ours(in_production: FlaskClient, stage: Stage) -> None:
    text = page(in_production, stage, "with-past", "?product=99")
    assert f'value="{1001 + history.TITLES.index(min(history.TITLES))}"' in text
    assert "list-title" not in page(in_production, stage, "empty", "?product=1001")
