"""Bulk operations of one shop: a query whose whole result is written to a JSONL file in the background."""

import hashlib
import hmac
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devstore.gid import gid
from devstore.payloads import bulk_finish
from devstore.state import State

if TYPE_CHECKING:
    from devstore.graphql.call import Call
    from devstore.shop import Shop

MOST_RUNNING = 5
KEPT_SECONDS = 7 * 86_400
OPEN = ("CREATED", "RUNNING", "CANCELING")


class BulkRefused(Exception):
    """A bulk query that Shopify would not start; `code` is Shopify's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BulkDenied(Exception):
    """The app lacks a scope for something in the query: the operation starts and fails."""


@dataclass
class BulkOperation:
    """One bulk operation and how far it is."""

    operation_id: int
    query: str
    grouped: bool
    status: str
    created_at: datetime
    error_code: str | None = None
    completed_at: datetime | None = None
    object_count: int = 0
    root_count: int = 0
    file_size: int | None = None


class Plan(Protocol):
    """A compiled bulk query."""

    def lines(self, grouped: bool) -> Iterator[tuple[list[str], int]]:
        """Runs of JSON lines, each with the number of root objects in it."""
        ...


class BulkDesk:
    """Starts, runs and remembers the bulk operations of one shop."""

    def __init__(self, state: State, shop: "Shop", folder: Path, compile_query: Callable[[str, "Call"], Plan]) -> None:
        self._state, self._shop, self._folder, self._compile = state, shop, folder, compile_query
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        rows = state.rows("SELECT * FROM bulk_operations WHERE shop = ? ORDER BY id", shop.handle)
        self._operations = {row["id"]: _operation(row) for row in rows}
        for one in self._operations.values():
            if one.status in OPEN:
                self._end(one, "FAILED", "INTERNAL_SERVER_ERROR")

    def start(self, query: str, grouped: bool, call: "Call") -> BulkOperation:
        """Start a bulk query in a thread of its own. Raises BulkRefused."""
        with self._lock:
            if sum(one.status in OPEN for one in self._operations.values()) >= MOST_RUNNING:
                raise BulkRefused("LIMIT_REACHED", f"This app already has {MOST_RUNNING} bulk operations running.")
            try:
                plan = self._compile(query, call)
            except BulkDenied:
                plan = None
            one = self._create(query, grouped)
        thread = threading.Thread(target=self._work, args=(one, plan), name=f"bulk-{one.operation_id}", daemon=True)
        self._threads.append(thread)
        thread.start()
        return one

    def cancel(self, operation_id: int) -> bool:
        """Ask a running operation to stop. Returns False when it has ended."""
        with self._lock:
            one = self._operations[operation_id]
            if one.status not in OPEN:
                return False
            one.status = "CANCELING"
            return True

    def get(self, operation_id: int) -> BulkOperation | None:
        """One operation of this shop."""
        return self._operations.get(operation_id)

    def all(self) -> list[BulkOperation]:
        """Every operation of this shop, oldest first."""
        return list(self._operations.values())

    def stop(self) -> None:
        """Cancel what runs and wait for it."""
        for one in self.all():
            self.cancel(one.operation_id)
        for thread in self._threads:
            thread.join(5)

    def url(self, one: BulkOperation, base_url: str, is_partial: bool) -> str | None:
        """Where the result can be fetched for seven days; None while there is none, or nothing was found."""
        has_ended_so = one.status in ("FAILED", "CANCELED") if is_partial else one.status == "COMPLETED"
        if not has_ended_so or not one.object_count or one.completed_at is None:
            return None
        expires = int(one.completed_at.timestamp()) + KEPT_SECONDS
        signature = self._signature(one.operation_id, expires)
        return f"{base_url}/bulk/{one.operation_id}.jsonl?expires={expires}&signature={signature}"

    def file(self, operation_id: int, expires: str, signature: str) -> Path | None:
        """The result behind such an address, None when the address is wrong or too old."""
        is_right = expires.isdigit() and hmac.compare_digest(
            self._signature(operation_id, int(expires)).encode(), signature.encode()
        )
        path = self._path(operation_id)
        return path if is_right and int(expires) > time.time() and path.exists() else None

    def _signature(self, operation_id: int, expires: int) -> str:
        text = f"{self._shop.domain}:{operation_id}:{expires}"
        return hmac.digest(self._shop.app.api_secret.encode(), text.encode(), hashlib.sha256).hex()

    def _path(self, operation_id: int) -> Path:
        return self._folder / f"{operation_id}.jsonl"

    def _create(self, query: str, grouped: bool) -> BulkOperation:
        created_at = datetime.now(UTC)
        row = self._state.run(
            "INSERT INTO bulk_operations (shop, query, grouped, status, created_at) VALUES (?, ?, ?, 'CREATED', ?)",
            *(self._shop.handle, query, grouped, created_at.isoformat()),
        )
        one = BulkOperation(int(row.lastrowid or 0), query, grouped, "CREATED", created_at)
        self._operations[one.operation_id] = one
        return one

    def _work(self, one: BulkOperation, plan: Plan | None) -> None:
        try:
            status, error = self._write(one, plan) if plan else ("FAILED", "ACCESS_DENIED")
        except Exception as broken:
            # The top of a thread: the operation must end, and say why in the log.
            self._shop.traffic.record("bulk", operation=one.operation_id, error=repr(broken))
            status, error = "FAILED", "INTERNAL_SERVER_ERROR"
        self._end(one, status, error)
        self._shop.traffic.record("bulk", operation=one.operation_id, status=status, objects=one.object_count)
        operation, created_at = gid("BulkOperation", one.operation_id), one.created_at.isoformat(timespec="seconds")
        self._shop.announce("bulk_operations/finish", bulk_finish(operation, status, error, created_at))

    def _write(self, one: BulkOperation, plan: Plan) -> tuple[str, str | None]:
        """Write the file run by run, so that memory stays flat. Returns how it ended."""
        fault = self._shop.faults.plan.bulk
        with self._lock:
            if one.status == "CREATED":
                one.status = "RUNNING"
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path(one.operation_id).open("w", encoding="utf-8") as file:
            for lines, roots in plan.lines(one.grouped):
                if one.status == "CANCELING":
                    return "CANCELED", None
                file.write("\n".join(lines) + "\n")
                one.object_count += len(lines)
                one.root_count += roots
                if fault:
                    break
        if fault == "EXPIRED":
            return "EXPIRED", None
        return ("FAILED", "INTERNAL_SERVER_ERROR") if fault else ("COMPLETED", None)

    def _end(self, one: BulkOperation, status: str, error_code: str | None) -> None:
        path = self._path(one.operation_id)
        one.file_size = path.stat().st_size if path.exists() and status == "COMPLETED" else None
        one.error_code, one.completed_at = error_code, datetime.now(UTC)
        one.status = status
        self._state.run(
            "UPDATE bulk_operations SET status = ?, error_code = ?, completed_at = ?, object_count = ?, "
            "root_count = ?, file_size = ? WHERE id = ?",
            *(status, error_code, one.completed_at.isoformat(), one.object_count),
            *(one.root_count, one.file_size, one.operation_id),
        )


def _operation(row: sqlite3.Row) -> BulkOperation:
    return BulkOperation(
        operation_id=row["id"],
        query=row["query"],
        grouped=bool(row["grouped"]),
        status=row["status"],
        created_at=datetime.fromisoformat(row["created_at"]),
        error_code=row["error_code"],
        completed_at=datetime.fromisoformat(row["completed_at"]) if row["completed_at"] else None,
        object_count=row["object_count"],
        root_count=row["root_count"],
        file_size=row["file_size"],
    )
