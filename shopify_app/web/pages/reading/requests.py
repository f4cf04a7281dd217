"""Requests about customers' data that Shopify passed on: what was asked, what was done, and the file to hand on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from shopify_app.records import exports, receipts
from shopify_app.tables import Export, Receipt
from shopify_app.web.pages.reading.standing import Standing
from shopify_app.web.pages.words import plural

SHOWN = 20


@dataclass(frozen=True)
class Request:
    """One request; `export_id` while there is a file to fetch."""

    what: str
    at: datetime
    told: str
    number: str | None = None
    export_id: int | None = None
    until: datetime | None = None


def requests(db: Session, at: Standing) -> list[Request]:
    """The newest first: files in the making, then what was done."""
    files = {one.id: one for one in exports.of(db, at.shop_id)}
    waiting = [
        Request("Asked for their data", one.asked_at, "The file is being made.", one.request_id)
        for one in files.values()
        if one.made_at is None
    ]
    done = [_done(one, files) for one in receipts.of(db, at.domain)]
    return [*reversed(waiting), *reversed(done)][:SHOWN]


def _done(receipt: Receipt, files: Mapping[int, Export]) -> Request:
    told = receipt.told
    if receipt.topic != "customers/data_request":
        return Request("Asked to be forgotten", receipt.done_at, _forgotten(told))
    file, number = files.get(told["export"]), told.get("request_id")
    held = f"{plural(told['orders'], 'order')} and {plural(told['events'], 'message')} from Shopify{_searched(told)}"
    if file is None:
        gone = f"{held}. The file is gone: its 30 days are over, or the customer was forgotten."
        return Request("Asked for their data", receipt.done_at, gone, number)
    return Request("Asked for their data", receipt.done_at, held, number, file.id, file.expires_at)


def _forgotten(told: Mapping[str, Any]) -> str:
    if not told["customers"] and not told["orders_kept_without_customer"]:
        return f"Nothing of this customer’s was found{_searched(told)}."
    number = told["orders_kept_without_customer"]
    kept = "1 order stays as a sale" if number == 1 else f"{number:,} orders stay as sales"
    return f"{kept} without a customer; everything else is erased."


def _searched(told: Mapping[str, Any]) -> str:
    """For a request that told an e-mail or a phone alone: how it was answered, and what could not be."""
    if "messages_searched" not in told:
        return ""
    nameless = f"{told['messages_without_address']:,} of {plural(told['messages_searched'], 'message')}"
    return f" (by the address alone; {nameless} about orders hold none, so nothing ties them to it)"
