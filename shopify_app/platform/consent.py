"""Who accepts marketing: whether Shopify tells it at all."""

from shopify_app.platform.admin_api import AdminApi


def is_told(api: AdminApi) -> bool:
    """False when a search for who accepts marketing finds anybody: Shopify ignores a term that it does not know.

    Both searches list customers by number, so with the term ignored they begin with the same ones.
    """
    found = api.run("customers_consent")
    yes, no = ({node["id"] for node in found[answer]["nodes"]} for answer in ("yes", "no"))
    return not yes & no
