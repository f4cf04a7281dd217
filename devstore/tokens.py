"""Access tokens of one shop and the rules by which they live and die."""

import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from devstore.errors import DevStoreError
from devstore.state import State

ACCESS_SECONDS = 3600
ONLINE_SECONDS = 86_400
REFRESH_SECONDS = 90 * 86_400
MIGRATION_SECONDS = 7 * 86_400
"""A token without expiry that was migrated can be migrated again for so long, in case the answer was lost."""
RETRY_SECONDS = 30 * 86_400
"""A refresh token that was used can be used again for so long, until its replacement is used."""

NON_EXPIRING = (
    "Non-expiring access tokens are no longer accepted for the Admin API. Exchange it for an expiring offline token."
)
UNKNOWN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


class InvalidGrant(DevStoreError):
    """This refresh token is unknown, expired or was replaced."""


class TokenRefused(DevStoreError):
    """The Admin API does not accept this access token."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class TokenPair:
    """What an app receives; `refresh` only with an expiring offline token."""

    access: str
    refresh: str | None = None
    expires_in: int | None = None


class TokenBook:
    """The tokens of one shop for the one app. `clock` gives real seconds."""

    def __init__(self, state: State, shop: str, clock: Callable[[], float] = time.time) -> None:
        self._state, self._shop, self.clock = state, shop, clock

    def issue_offline(self) -> TokenPair:
        """A new expiring pair. Every offline token and refresh token from before is dead."""
        with self._state.transaction():
            self._retire("kind IN ('offline', 'legacy', 'refresh')")
            return self._pair(follows=None)

    def issue_legacy(self) -> TokenPair:
        """A token without expiry, which an app gets when it forgets `expiring=1`; the Admin API refuses it."""
        with self._state.transaction():
            self._retire("kind IN ('offline', 'legacy', 'refresh')")
            return TokenPair(self._add("shpat_", "legacy", str(uuid.uuid4()), None, None))

    def issue_online(self, user_id: int) -> TokenPair:
        """A token for one staff member; others stay valid."""
        access = self._add("shpua_", "online", str(uuid.uuid4()), None, ONLINE_SECONDS, user_id)
        return TokenPair(access, expires_in=ONLINE_SECONDS)

    def migrate(self, token: str) -> TokenPair:
        """An expiring pair for a token without expiry; a lost answer may be asked for again. Raises InvalidGrant."""
        with self._state.transaction():
            row = self._find(token)
            late = row is not None and row["used_at"] is not None and self.clock() > row["used_at"] + MIGRATION_SECONDS
            if row is None or row["kind"] != "legacy" or (row["retired"] and row["used_at"] is None) or late:
                raise InvalidGrant("The token is unknown, was replaced, or was migrated too long ago")
            self._note_use(row)
            self._retire("kind IN ('offline', 'legacy', 'refresh')")
            return self._pair(follows=None)

    def refresh(self, token: str) -> TokenPair:
        """A new pair for a refresh token; a lost answer may be asked for again. Raises InvalidGrant."""
        with self._state.transaction():
            row = self._find(token)
            if row is None or row["kind"] != "refresh" or row["retired"] or self._is_over(row):
                raise InvalidGrant("The refresh token is unknown, expired or was replaced")
            self._note_use(row)
            self._retire("kind IN ('offline', 'legacy')")
            self._retire("kind = 'refresh' AND follows = ?", row["pair"])
            return self._pair(follows=row["pair"])

    def check(self, token: str) -> str:
        """The kind of a token that is good for a call (`offline` or `online`). Raises TokenRefused."""
        row = self._find(token)
        if row is None or row["kind"] == "refresh" or row["retired"] or self._is_over(row):
            raise TokenRefused(401, UNKNOWN)
        if row["kind"] == "legacy":
            raise TokenRefused(403, NON_EXPIRING)
        if row["used_at"] is None:
            self._note_use(row)
        return str(row["kind"])

    def revoke_all(self) -> None:
        """Kill every token, as an uninstall does."""
        self._state.run("DELETE FROM tokens WHERE shop = ?", self._shop)

    def expire_access(self) -> None:
        """Let the hour of every access token be over, without waiting."""
        self._state.run("UPDATE tokens SET expires_at = 0 WHERE shop = ? AND kind != 'refresh'", self._shop)

    def _pair(self, follows: str | None) -> TokenPair:
        pair = str(uuid.uuid4())
        access = self._add("shpat_", "offline", pair, follows, ACCESS_SECONDS)
        refresh = self._add("shprt_", "refresh", pair, follows, REFRESH_SECONDS)
        return TokenPair(access, refresh, ACCESS_SECONDS)

    def _add(
        self, prefix: str, kind: str, pair: str, follows: str | None, seconds: int | None, user_id: int | None = None
    ) -> str:
        token = prefix + secrets.token_hex(16)
        expires_at = self.clock() + seconds if seconds else None
        self._state.run(
            "INSERT INTO tokens (token, shop, kind, pair, follows, expires_at, user_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(token, self._shop, kind, pair, follows, expires_at, user_id),
        )
        return token

    def _note_use(self, row: sqlite3.Row) -> None:
        """The first use of a replacement retires the refresh token that it replaced."""
        with self._state.transaction():
            if row["used_at"] is None:
                self._state.run("UPDATE tokens SET used_at = ? WHERE token = ?", self.clock(), row["token"])
            if row["follows"]:
                self._retire("kind = 'refresh' AND pair = ?", row["follows"])

    def _find(self, token: str) -> sqlite3.Row | None:
        return self._state.row("SELECT * FROM tokens WHERE shop = ? AND token = ?", self._shop, token)

    def _is_over(self, row: sqlite3.Row) -> bool:
        now = self.clock()
        expired = row["expires_at"] is not None and now >= row["expires_at"]
        retried_too_late = row["kind"] == "refresh" and row["used_at"] and now > row["used_at"] + RETRY_SECONDS
        return bool(expired or retried_too_late)

    def _retire(self, condition: str, *values: str) -> None:
        """Mark tokens of this shop as dead; `condition` is one of the literals above, never input."""
        self._state.run(f"UPDATE tokens SET retired = 1 WHERE shop = ? AND {condition}", self._shop, *values)
