"""Everything that can go wrong, as one tree.

ForetallyError
├── SettingError          a setting stops the start: names the variable, the problem and an example
├── Refused               a request at one of the doors is not from whom it says it is (→ 401, or its own status)
├── NotFound              the shop has no such thing (→ 404)
├── Conflict              somebody else changed it first, or it is not in a state for this (→ 409)
│   └── Overtaken         somebody else was first: read again and decide again
├── NeedsReopening        the shop's token is gone: a person must open the app once
├── DamagedBundle         bytes do not match the hash that names them
├── ObjectsUnavailable    the object store cannot be reached or written: worth trying again
└── ShopifyError          Shopify said no, with its own words
    ├── Throttled         the bucket is empty: come back in `wait` seconds
    ├── Unauthorised      the access token is not (or no longer) accepted
    └── ShopifyUnavailable  no answer, a broken answer or a 5xx: worth trying again
"""


class ForetallyError(Exception):
    """Base of every error this app raises on purpose."""


class SettingError(ForetallyError):
    """A setting is missing or wrong; the text is one line for the person who starts the app."""


class Refused(ForetallyError):
    """A caller at one of the doors could not be verified. `code` is one of a closed list, fit for a log line."""

    def __init__(self, code: str, detail: str = "", status: int = 401) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail, self.status = code, detail, status


class NotFound(ForetallyError):
    """The shop has no such version, product or alert."""


class Conflict(ForetallyError):
    """The thing changed in between, or is in no state for this; nothing was done."""


class Overtaken(Conflict):
    """Somebody else changed the thing since it was seen; nothing was done. Reading it again may decide otherwise."""


class NeedsReopening(ForetallyError):
    """The shop's refresh token is gone; jobs wait until the merchant opens the app again."""


class DamagedBundle(ForetallyError):
    """A file's bytes do not match the hash that names it; it was not parsed."""


class ObjectsUnavailable(ForetallyError):
    """The object store cannot be reached, does not let us in, or is full. Nothing half-written is left in it."""


class ShopifyError(ForetallyError):
    """Shopify answered, and the answer was an error."""

    def __init__(self, shop: str, message: str) -> None:
        super().__init__(f"{shop}: {message}")
        self.shop, self.message = shop, message


class Throttled(ShopifyError):
    """The shop's API bucket is empty. Come back after `wait` seconds."""

    def __init__(self, shop: str, wait: float) -> None:
        super().__init__(shop, f"throttled, {wait:.1f} s until the bucket holds enough")
        self.wait = wait


class Unauthorised(ShopifyError):
    """The access token was not accepted."""

    def __init__(self, shop: str, message: str = "the access token was not accepted") -> None:
        super().__init__(shop, message)


class ShopifyUnavailable(ShopifyError):
    """No answer, a broken answer or a server error: the same call may work later."""
