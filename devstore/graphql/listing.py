"""What a connection field gives: all of its nodes for a bulk query, one page of them for an ordinary one."""

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

MOST_PER_PAGE = 250

Place = tuple[Any, ...]
"""Where a node stands in its listing: comparable, and plain enough for a cursor."""


@dataclass(frozen=True)
class Page:
    """One page as the API shows it."""

    nodes: list[Any]
    cursors: list[str]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True)
class Listing:
    """Nodes in order. `items` are light; `load` makes the node of one when a page wants it."""

    items: Callable[[], Sequence[Any]]
    place: Callable[[Any], Place]
    load: Callable[[Any], Any] = lambda item: item
    stream: Callable[[], Iterable[Any]] | None = None
    """All nodes one by one without holding them, where that is possible."""
    is_reversed: bool = False

    def all(self) -> Iterator[Any]:
        """Every node, for bulk queries."""
        if self.stream:
            yield from self.stream()
        else:
            yield from (self.load(item) for item in self._sorted())

    def count(self) -> int:
        """How many there are."""
        return len(self.items())

    def page(self, first: int | None, after: str | None, last: int | None, before: str | None) -> Page:
        """Up to `first` nodes after a cursor, or `last` before one. Raises GraphQLError for impossible requests."""
        size = _size(first, last)
        items = self._sorted()
        start, end = self._between(items, after, before)
        is_forward = first is not None
        chosen = range(start, min(start + size, end)) if is_forward else range(max(start, end - size), end)
        nodes = [self.load(items[index]) for index in chosen]
        cursors = [_cursor(self.place(items[index])) for index in chosen]
        return Page(nodes, cursors, chosen.stop < len(items), chosen.start > 0)

    def _sorted(self) -> list[Any]:
        return sorted(self.items(), key=self.place, reverse=self.is_reversed)

    def _between(self, items: list[Any], after: str | None, before: str | None) -> tuple[int, int]:
        """Positions, found by order and not by identity: a cursor survives what happens to its node."""
        places = [self.place(item) for item in items]
        if self.is_reversed:
            places = places[::-1]
            start = len(places) - (bisect_left(places, _place(after)) if after else len(places))
            end = len(places) - (bisect_right(places, _place(before)) if before else 0)
        else:
            start = bisect_right(places, _place(after)) if after else 0
            end = bisect_left(places, _place(before)) if before else len(places)
        return start, max(start, end)


def listed(nodes: Sequence[Any], reverse: bool = False) -> Listing:
    """A listing of nodes that are at hand, in the order given."""
    return Listing(
        items=lambda: list(enumerate(nodes)),
        place=lambda item: (item[0],),
        load=lambda item: item[1],
        stream=lambda: reversed(nodes) if reverse else nodes,
        is_reversed=reverse,
    )


def _size(first: int | None, last: int | None) -> int:
    if (first is None) == (last is None):
        raise GraphQLError("you must provide one of first or last")
    size = first if first is not None else last
    assert size is not None
    if not 0 <= size <= MOST_PER_PAGE:
        raise GraphQLError(f"first and last must be between 0 and {MOST_PER_PAGE}, not {size}")
    return size


def _cursor(place: Place) -> str:
    return base64.b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> Place:
    try:
        return tuple(json.loads(base64.b64decode(cursor, validate=True)))
    except (ValueError, TypeError) as error:
        raise GraphQLError(f"Invalid cursor {cursor!r}") from error
