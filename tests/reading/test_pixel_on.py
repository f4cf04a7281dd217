"""The web pixel is switched on when the app is opened, sends to the app, and stays one pixel."""

import json

import pytest
import requests
from sqlalchemy import select

from shopify_app.records import jobs
from shopify_app.tables import View
from tests.reading.conftest import OpenTown, Town
from workers import run

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def settings(town: Town, handle: str) -> dict[str, str]:
    found = town.store.shop(handle).pixels.get()
    assert found is not None
    told: dict[str, str] = json.loads(found.settings)
    return told


def test_each_shop_s_pixel_sends_to_the_app_with_a_key_of_its_own(open_town: OpenTown) -> None:
    town = open_town()
    for handle in town.store.handles:
        town.open_app(handle)
    run.drain(town.context, ("pixel",))
    told = [settings(town, handle) for handle in town.store.handles]
    assert {one["address"] for one in told} == {town.context.settings.app_url + "/pixel/events"}
    assert [one["shop"] for one in told] == [town.store.shop(handle).domain for handle in town.store.handles]
    assert len({one["key"] for one in told}) == len(told)
    event = {"kind": "ordered", "order": 1, "event": "e1", "browser": "b1"}
    assert requests.post(told[0]["address"], json=told[0] | event, timeout=10).status_code == 204


def test_a_pixel_that_is_on_keeps_its_key_and_learns_the_address_anew(open_town: OpenTown) -> None:
    town = open_town()
    (handle, *_) = town.store.handles
    shop = town.open_app(handle)
    run.drain(town.context, ("pixel",))
    before, pixel = settings(town, handle), town.store.shop(handle).pixels.get()
    assert pixel is not None
    town.store.shop(handle).pixels.update(pixel.pixel_id, json.dumps(before | {"address": "https://old.example"}))
    with town.context.database.transaction() as db:
        jobs.ask(db, shop.id, "pixel", "the address changed")
    run.drain(town.context, ("pixel",))
    assert settings(town, handle) == before


def test_a_shop_that_did_not_grant_it_goes_without(open_town: OpenTown) -> None:
    town = open_town()
    (handle, *_) = town.store.handles
    scopes = [scope for scope in town.store.manifest.scopes if "pixel" not in scope]
    town.store.shop(handle).install(scopes)
    town.open_app(handle)
    assert town.jobs("pixel") == []
    town.control(handle, "scopes", {"grant": ["write_pixels"], "revoke": []})
    town.drain()
    run.drain(town.context, ("pixel",))
    assert town.store.shop(handle).pixels.get() is not None
    with town.context.database.reading() as db:
        assert db.scalars(select(View)).all() == []
