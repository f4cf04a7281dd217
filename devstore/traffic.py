"""What went over the wire, for people and for tests: a bounded record per kind."""

import threading
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Any

KINDS = ("webhook", "api", "flow", "metafield", "oauth", "proxy", "bulk")
KEPT = 500
"""Entries kept per kind; the counts go on."""


class Traffic:
    """The recorded traffic of one shop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, deque[dict[str, Any]]] = {kind: deque(maxlen=KEPT) for kind in KINDS}
        self.counts: Counter[str] = Counter()

    def record(self, kind: str, **entry: Any) -> dict[str, Any]:
        """Add one entry with the real time; the caller may go on filling the returned dict."""
        full = {"kind": kind, "at": datetime.now(UTC).isoformat(), **entry}
        with self._lock:
            self._entries[kind].append(full)
            self.counts[kind] += 1
        return full

    def read(self, kind: str | None = None, limit: int = KEPT) -> list[dict[str, Any]]:
        """The latest entries of one kind, or of all, oldest first."""
        with self._lock:
            wanted = [kind] if kind else list(KINDS)
            found = [entry for one in wanted for entry in self._entries[one]]
        return sorted(found, key=lambda entry: str(entry["at"]))[-limit:]
