"""The app's installation on a shop."""

from typing import NamedTuple


class Installation(NamedTuple):
    """What the shop granted to the app."""

    installation_id: int
    app_id: int
    scopes: tuple[str, ...]
