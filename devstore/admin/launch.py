"""The address a shop's admin opens the app with: signed by the app's secret and carrying a fresh ID token."""

import base64
import hashlib
import time
from urllib.parse import urlencode, urlsplit

from devstore.signing import sign_query


def host_parameter(admin_origin: str, handle: str) -> str:
    """Shopify's `host`: where the admin of this shop is, in unpadded base64."""
    place = f"{urlsplit(admin_origin).netloc}/store/{handle}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def launch_url(*, app_url: str, path: str, query: str, domain: str, host: str, id_token: str, secret: str) -> str:
    """The first page load of the app in the admin's frame. `path` and `query` are what the app itself chose."""
    parameters = {
        "embedded": "1",
        "host": host,
        "id_token": id_token,
        "locale": "en",
        "session": hashlib.sha256(id_token.encode()).hexdigest(),
        "shop": domain,
        "timestamp": str(int(time.time())),
    }
    parameters["hmac"] = sign_query(secret, parameters)
    own = f"{query}&" if query else ""
    return f"{app_url}{path}?{own}{urlencode(parameters)}"
