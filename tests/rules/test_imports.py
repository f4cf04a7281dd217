"""Who may import whom, read from the sources. The table of docs/architecture.md, enforced."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("shopify_app", "ml", "workers", "devstore", "demo", "bench", "tests")
HTTP = ("requests", "httpx", "urllib3", "aiohttp")
TRAINERS = ("prophet", "xgboost")
BASE = (
    "shopify_app.batches",
    "shopify_app.clock",
    "shopify_app.config",
    "shopify_app.errors",
    "shopify_app.log",
    "shopify_app.metrics",
    "shopify_app.policy",
)
ROWS = (*BASE, "shopify_app.db", "shopify_app.tables")
SHOPIFY_APP = ("shopify_app",)


@dataclass(frozen=True)
class Room:
    """What the files under a path may import of ours, and what of others they may not."""

    ours: tuple[str, ...]
    never: tuple[str, ...]


# The longest path that a file begins with decides.
ROOMS = {
    "ml/": Room(("ml",), ("flask", "sqlalchemy", "celery", "shopify", "google", *HTTP)),
    "shopify_app/": Room(ROWS, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/access.py": Room(
        (*ROWS, "shopify_app.platform", "shopify_app.records"), ("flask", "celery", "shopify", *TRAINERS)
    ),
    "shopify_app/nudge.py": Room(BASE, ("flask", "sqlalchemy", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/__init__.py": Room(SHOPIFY_APP, ("celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/__main__.py": Room(SHOPIFY_APP, ("celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/cli.py": Room(SHOPIFY_APP, ("celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/events_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/jobs_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/privacy_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/rotation_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/storage_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/mailing_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/reading_cli.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/status.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/up.py": Room(SHOPIFY_APP, ("flask", "celery", "shopify", *HTTP, *TRAINERS)),
    "shopify_app/platform/": Room(
        (*BASE, "shopify_app.platform"), ("flask", "celery", "sqlalchemy", "shopify.base", *TRAINERS)
    ),
    "shopify_app/records/": Room(
        (*ROWS, "shopify_app.records", "ml.frames"), ("flask", "celery", "shopify", *HTTP, *TRAINERS)
    ),
    "shopify_app/lifecycle/": Room(
        (*ROWS, "shopify_app.records", "shopify_app.lifecycle", "ml"), ("flask", "celery", "shopify", *HTTP, *TRAINERS)
    ),
    "shopify_app/web/": Room(
        (
            *ROWS,
            "shopify_app.access",
            "shopify_app.nudge",
            "shopify_app.platform",
            "shopify_app.records",
            "shopify_app.lifecycle",
            "shopify_app.web",
            "ml.recommend.neighbours",
        ),
        ("celery", "shopify", *TRAINERS),
    ),
    "workers/": Room(
        (
            *ROWS,
            "shopify_app.access",
            "shopify_app.nudge",
            "shopify_app.platform",
            "shopify_app.records",
            "shopify_app.lifecycle",
            "ml",
            "workers",
        ),
        ("flask", "shopify", *TRAINERS),
    ),
    "devstore/": Room(("devstore", "ml.frames"), ("sqlalchemy", "celery", "requests", "shopify", *TRAINERS)),
    "demo/": Room(("demo", "shopify_app", "devstore", "ml"), ("celery", "flask", *TRAINERS)),
}
# Trainers may be imported where training happens, inside functions: nobody pays for them who does not train.
TRAINS = ("ml/forecast/", "ml/recommend/", "ml/train.py")
# A storefront visitor or Shopify's five seconds wait behind these doors.
HOT = (
    *("server.py", "webhook_cycle.py", "door.py", "wsgi.py", "hooks.py", "acceptance.py"),
    *("webhooks.py", "proxy.py", "pixel.py", "flow.py", "health.py"),
)
HEAVY = ("pandas", "pyarrow", "duckdb", "scipy", *TRAINERS)


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands, and whether it runs when the file is loaded."""

    file: str
    line: int
    module: str
    at_load: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports(tree: ast.AST, file: str, at_load: bool = True) -> Iterator[Import]:
    """Every import below a node. `from a import b` counts as `a.b`, because b may be a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name, at_load) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: write imports in full"
            yield from (Import(file, node.lineno, f"{node.module}.{alias.name}", at_load) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, file, at_load and not inside)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def all_imports(*folders: str) -> list[Import]:
    return [one for path in sources(*folders) for one in imports_of(path)]


@cache
def imports_of(path: Path) -> list[Import]:
    name = path.relative_to(ROOT).as_posix()
    return list(imports(ast.parse(path.read_text(), name), name))


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def room_of(file: str) -> Room:
    return ROOMS[max((path for path in ROOMS if file.startswith(path)), key=len)]


def test_nobody_imports_what_is_not_theirs() -> None:
    found = all_imports("shopify_app", "ml", "workers", "devstore", "demo")
    assert len(found) > 300
    ours = [one for one in found if one.module.split(".")[0] in OURS]
    assert [str(one) for one in ours if not within(one.module, room_of(one.file).ours)] == []


def test_each_room_keeps_out_the_libraries_it_must_not_know() -> None:
    found = all_imports("shopify_app", "ml", "workers", "devstore", "demo")
    assert [str(one) for one in found if within(one.module, room_of(one.file).never)] == []


def test_training_libraries_are_imported_only_where_training_happens_and_only_then() -> None:
    found = [one for one in all_imports("shopify_app", "ml", "workers", "devstore") if within(one.module, TRAINERS)]
    assert [str(one) for one in found if one.at_load or not one.file.startswith(TRAINS)] == []


def test_the_doors_that_somebody_waits_behind_load_nothing_heavy() -> None:
    found = [one for one in all_imports("shopify_app/web") if Path(one.file).name in HOT]
    assert [str(one) for one in found if within(one.module, HEAVY)] == []


def test_only_one_line_outside_workers_knows_celery() -> None:
    found = [one for one in all_imports("shopify_app", "ml", "devstore", "demo") if within(one.module, ("celery",))]
    assert {one.file for one in found} <= {"shopify_app/nudge.py"}


def test_shopify_s_library_with_its_global_session_is_used_for_its_stateless_parts_only() -> None:
    stateless = ("shopify.session_token", "shopify.utils.shop_url")
    found = [one for one in all_imports("shopify_app", "workers", "demo") if within(one.module, ("shopify",))]
    assert [str(one) for one in found if not within(one.module, stateless)] == []


def test_bytes_from_elsewhere_are_never_unpickled() -> None:
    unsafe = ("pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal")
    found = all_imports("shopify_app", "ml", "workers", "devstore", "demo")
    assert [str(one) for one in found if within(one.module, unsafe)] == []
    loose = [path for path in sources("shopify_app", "ml", "workers") if "allow_pickle=True" in path.read_text()]
    assert loose == []


def test_a_forbidden_import_would_be_noticed() -> None:
    tree = ast.parse("def f():\n    from shopify_app.web import charts\n    import flask\n")
    found = list(imports(tree, "shopify_app/records/inbox.py"))
    assert [one.module for one in found if not within(one.module, room_of(one.file).ours)] == [
        "shopify_app.web.charts",
        "flask",
    ]
    assert not any(one.at_load for one in found)
    assert within(found[1].module, room_of(found[1].file).never)


def test_the_interpreter_is_one_the_project_promises() -> None:
    assert sys.version_info >= (3, 11)
