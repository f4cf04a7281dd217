"""The GraphQL documents we send, one per file in `queries/`, each checked against the real schema by a test."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("queries")


@cache
def document(name: str) -> str:
    """The text of `queries/<name>.graphql`, without its comments. Raises KeyError for a name we do not have."""
    path = FOLDER / f"{name}.graphql"
    if not path.is_file():
        raise KeyError(f"no document {name!r} in {FOLDER.name}/")
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"
