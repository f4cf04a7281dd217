"""Webhook subscriptions of a shop: are all there, and do they tell us what happens?

By default they belong to the app: `shopify app deploy` declares them for every shop, no failure ends them, and the API
does not list them. With WEBHOOKS_FOR=shop the app makes its own for each shop; Shopify deletes those when the app does
not answer for hours.
"""

from typing import Any

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.log import log
from shopify_app.platform import subscriptions
from shopify_app.platform.admin_api import AdminApi, UserErrors
from shopify_app.platform.subscriptions import Declared, Subscription
from shopify_app.records import silence
from shopify_app.tables import Shop
from workers.context import Context


def check(context: Context, shop: Shop) -> dict[str, Any]:
    """What was found, and what was done: `restored` topics were missing, `double` ones come beside the app's own.

    `arrive` says whether any webhook does, None when nobody can know. The app's own subscriptions cannot be listed, so
    this is all that tells of missing ones while the shop sells nothing.
    """
    with context.database.reading() as db:
        arrive = silence.is_heard(db, shop, clock.now())
    if arrive is False:
        log.warning("no webhooks come: are they deployed, and for this address?", shop=shop.domain, **_where(context))
    return {"arrive": arrive, **_listed(context, shop)}


def _where(context: Context) -> dict[str, str]:
    return {"app_url": context.settings.app_url, "webhooks_for": context.settings.webhooks_for}


def _listed(context: Context, shop: Shop) -> dict[str, Any]:
    api = context.api(shop)
    mine = [one for one in subscriptions.shop_subscriptions(api) if _is_ours(one, context.settings)]
    if context.settings.webhooks_for == "shop":
        restored = _restore(api, context.settings, {one.topic for one in mine})
        if restored:
            log.warning("webhook subscriptions were gone and are made again", shop=shop.domain, topics=restored)
        return {"made_for": "shop", "restored": restored}
    double = sorted(one.topic for one in mine)
    if double:
        log.warning("webhooks come twice: end these subscriptions of the shop", shop=shop.domain, topics=double)
    return {"made_for": "app", "double": double}


def _restore(api: AdminApi, settings: Settings, there: set[str]) -> list[str]:
    return [one.topic for one in subscriptions.declared() if one.name not in there and _made(api, settings, one)]


def _made(api: AdminApi, settings: Settings, wanted: Declared) -> bool:
    try:
        subscriptions.subscribe(api, wanted, settings.app_url)
    except UserErrors as refused:
        log.warning("no webhook subscription", shop=api.shop, topic=wanted.topic, error=str(refused)[:200])
        return False
    return True


def _is_ours(one: Subscription, settings: Settings) -> bool:
    """To this app's own door: somebody may send the shop's events elsewhere too."""
    return one.uri.startswith(settings.app_url + "/")
