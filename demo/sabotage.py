"""Make a version that is wrong in the way bad joins are: every product gets another product's numbers."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo.family import Family
from demo.watch import Watch
from shopify_app.lifecycle import forecasts
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.records.folder import FolderObjects
from shopify_app.tables import Task

REASON = "sabotage: products shuffled"


def put_in_charge(family: Family, watch: Watch) -> dict[str, int]:
    """Import shuffled copies of what is in charge and promote them by hand. Gives their version numbers per task."""
    numbers = {task: _import(family, task, file) for task, file in _files(family, watch).items()}
    with ThreadPoolExecutor() as hands:
        list(hands.map(lambda task: _promote(family, task, numbers[task]), numbers))
    return numbers


def _import(family: Family, task: str, file: Path) -> int:
    command = "import-forecast" if task == Task.FORECAST else "import-lists"
    made: dict[str, Any] = json.loads(family.command(command, "--shop", family.setup.domain, str(file)))
    return int(made["version"])


def _promote(family: Family, task: str, number: int) -> None:
    family.command("promote", "--shop", family.setup.domain, task, str(number), "--reason", REASON)


def _files(family: Family, watch: Watch) -> dict[str, Path]:
    """Shuffled copies of what is in charge, by task."""
    shop, files = watch.shop(), {task.value: family.setup.var / f"shuffled-{task}.parquet" for task in Task}
    forecast, lists = (watch.in_charge(task) for task in (Task.FORECAST, Task.RECOMMEND))
    assert shop is not None
    assert forecast is not None
    assert lists is not None
    with watch.database.reading() as db:
        run = forecasts.newest(db, shop.id, forecast.id)
    assert run is not None
    said = FolderObjects(family.setup.var / "objects").path(run.days_sha256)
    bundle = Bundles(family.settings()).folder(lists.bundle)
    family.python("demo.shuffle", str(said), str(bundle), str(files["forecast"]), str(files["recommend"]))
    return files
