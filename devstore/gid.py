"""Global ids: `gid://shopify/Order/4711`."""

import re

_GID = re.compile(r"gid://shopify/([A-Za-z]+)/(\d+)")


def gid(kind: str, number: int) -> str:
    """The global id of one thing."""
    return f"gid://shopify/{kind}/{number}"


def parse(text: str) -> tuple[str, int]:
    """Kind and number of a global id. Raises ValueError for anything else."""
    found = _GID.fullmatch(text.partition("?")[0])
    if not found:
        raise ValueError(f"{text!r} is no global id")
    return found[1], int(found[2])


def number(text: str, kind: str) -> int | None:
    """The number of a global id of this kind, None for other kinds and other text."""
    try:
        found, value = parse(text)
    except ValueError:
        return None
    return value if found == kind else None
