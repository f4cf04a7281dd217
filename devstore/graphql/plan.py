"""A compiled bulk query: what to list, what to write of it, and in which order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from devstore.graphql.listing import Listing
from devstore.graphql.writers import Writer

ROOTS_AT_ONCE = 200

Getter = Callable[[Any], Any]


@dataclass(frozen=True)
class Children:
    """A connection inside a node: how to list it for a parent, and what to write of each child."""

    listing: Callable[[Any], Listing | None]
    shape: "Shape"


@dataclass(frozen=True)
class Shape:
    """What to write of one node: the text of its own object, and its connections as further lines."""

    write: Writer
    node_id: Getter
    children: tuple[Children, ...]


@dataclass(frozen=True)
class BulkPlan:
    """A compiled bulk query."""

    roots: Callable[[], Iterable[Any]]
    shape: Shape

    def lines(self, grouped: bool) -> Iterator[tuple[list[str], int]]:
        """JSON lines run by run. Grouped: children right behind their parent. Else: all parents of a run, then
        all children, so that nobody comes to rely on what Shopify does not promise."""
        nodes = iter(self.roots())
        while run := list(islice(nodes, 1 if grouped else ROOTS_AT_ONCE)):
            written: list[str] = []
            _write_family(run, None, self.shape, written)
            yield written, len(run)


def _write_family(nodes: Iterable[Any], parent_id: str | None, shape: Shape, out: list[str]) -> None:
    """These nodes, then their descendants, the last node's first."""
    found, write = list(nodes), shape.write
    if parent_id is None:
        out += [write(node) for node in found]
    else:
        end = f',"__parentId":"{parent_id}"}}'
        out += [write(node)[:-1] + end for node in found]
    for child in shape.children:
        for node in reversed(found):
            listing = child.listing(node)
            if listing is not None:
                _write_family(listing.all(), shape.node_id(node), child.shape, out)
