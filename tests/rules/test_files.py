"""What a file may be called, how long it may be, and what must never be written into one."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ("shopify_app", "ml", "workers", "devstore", "demo")
LONGEST_FILE = 300
LONGEST_FUNCTION = 55
NAMELESS = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "base_classes", "functions"}
LOCKS = {"requirements.txt", "requirements-dev.txt", "package-lock.json"}
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".in",
    ".json",
    ".yaml",
    ".yml",
    ".html",
    ".js",
    ".css",
    ".graphql",
    ".liquid",
    ".sh",
}
MACHINE = re.compile(r"/(?:home|Users|root|work|workspace|mnt|private/var)/[A-Za-z0-9._-]+|[A-Z]:\\\\Users")
REGISTRY = re.compile(
    r"registry\.n[p]mjs\.org|registry\.y[a]rnpkg\.com|files\.p[y]thonhosted\.org|p[y]pi\.org/simple|--(?:extra-)?index-url|"
    r"--find-links|artifactory|/simple/|localhost:\d+/(?:npm|pypi)",
    re.IGNORECASE,
)


@cache
def project_files() -> list[Path]:
    """What git has or would take in: no caches, no environment, nothing ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files belong to the project is not known")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PYTHON]


def lines_that_match(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := pattern.search(line))
    ]


def text_files() -> list[Path]:
    named = {"Makefile", "Dockerfile", "run", ".env.example", *LOCKS}
    own = Path(__file__)
    return [path for path in project_files() if (path.suffix in TEXT or path.name in named) and path != own]


def test_every_file_is_named_for_what_is_in_it() -> None:
    assert [str(path) for path in sources() if path.stem in NAMELESS] == []


def test_no_file_is_so_long_that_nobody_reads_it() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_so_long_that_nobody_reads_it() -> None:
    lengths = {}
    for path in sources():
        for function in functions(ast.parse(path.read_text())):
            lengths[f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"] = own_length(function)
    assert len(lengths) > 500
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def own_length(function: ast.FunctionDef) -> int:
    """Lines of a function without those of the functions inside it, which are counted by themselves."""
    inner = [node for node in functions(function) if node is not function]
    return length(function) - sum(length(node) for node in inner)


def length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert lines_that_match(MACHINE, text_files()) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_that_match(REGISTRY, text_files()) == []


def test_locked_packages_have_a_version_and_hashes_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^[A-Za-z0-9][^\s=]*==\S+", text, re.MULTILINE)
        assert len(pins) > 20
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://(?!.*#)", re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))


def test_no_packages_of_node_are_locked_with_an_address() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.is_file():
        pytest.skip("no package-lock.json")
    assert '"resolved": "http' not in lock.read_text()
    assert '"integrity": "sha' in lock.read_text()


def test_shopify_s_package_that_imports_under_our_name_is_never_required() -> None:
    for path in ROOT.glob("requirements*"):
        assert not re.search(r"^shopifyapp\b", path.read_text(), re.MULTILINE | re.IGNORECASE)
