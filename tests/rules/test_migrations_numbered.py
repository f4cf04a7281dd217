"""The migrations folder reads as a history: four digits, one after the other, one head."""

import ast
import re
from pathlib import Path

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
FILES = sorted(VERSIONS.glob("*.py"))


def constants(path: Path) -> dict[str, object]:
    """The module's plain assignments by name."""
    found: dict[str, object] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                found[target.id] = node.value.value
    return found


def test_files_are_numbered_without_a_gap() -> None:
    assert FILES
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name) for path in FILES)
    assert [int(path.name[:4]) for path in FILES] == list(range(1, len(FILES) + 1))


def test_each_follows_the_one_before_so_that_there_is_one_head() -> None:
    before = None
    for path in FILES:
        found = constants(path)
        assert str(found["revision"]) in (path.stem, path.name[:4]), path.name
        assert found["down_revision"] == before, path.name
        before = found["revision"]
