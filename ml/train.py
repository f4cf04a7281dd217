"""Training and prediction: a dataset folder in, a bundle out; a bundle and a dataset in, a forecast out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ml import bundles
from ml.bundles import Trained
from ml.dataset import Dataset, read_dataset
from ml.errors import BadConfig
from ml.frames import HORIZON

__all__ = ["Trained", "fit", "predict"]

Task = Literal["forecast", "recommend"]
Say = Callable[[str], None]


def fit(
    task: Task,
    dataset: Path | Dataset,
    out: Path,
    *,
    config: Mapping[str, Any],
    seed: int,
    progress: Say | None = None,
    leave: Path | None = None,
) -> Trained:
    """Train on a dataset and write a bundle into `out`; the same dataset, code and seed give the same bytes.

    An opened dataset reads its files once for however many fits and forecasts.

    `config` overrides the task's defaults. `progress` is told each step in words. `leave` is a folder for what
    refreshes of recommendations need (`ml.recommend.carryover`); it stays empty when no list is made of counts. Raises
    BadData when the dataset cannot be used, BadConfig when a setting is wrong.
    """
    say = progress or _silent
    if task == "forecast":
        return _fit_forecast(_opened(dataset), out, config, seed, say)
    if task == "recommend":
        return _fit_lists(_opened(dataset), out, config, seed, say, leave)
    raise BadConfig(f"unknown task {task!r}; known are forecast, recommend")


def predict(bundle: Path, dataset: Path | Dataset, out: Path, *, horizon: int = HORIZON) -> None:
    """Forecast the days after the dataset's cutoff with a trained bundle: `forecasts.parquet`, `windows.parquet`.

    Beside them `explanations.parquet` and, of a shop with product types, `types.parquet`, with collections,
    `collections.parquet`, unless the forecast was made elsewhere.
    Raises BadBundle when the bundle is not what was trained, Implausible when the forecast fails its sanity gate.
    """
    from ml.forecast import groups, model, reasons, table

    if horizon < 1:
        raise BadConfig(f"horizon is {horizon}, expected at least 1 day")
    trained = bundles.verify(bundle, task="forecast")
    data, files = _opened(dataset), bundles.contents(trained)
    if trained.algorithm == table.NAME:
        table.forecast(files, data.cutoff_on, horizon).write(out)
    else:
        fitted, sales = model.load(files), data.sales()
        forecast = fitted.forecast(sales, horizon)
        forecast.write(out)
        reasons.write(reasons.explanations(fitted, sales, forecast), out)
        groups.write(groups.by_type(fitted.type_bands, forecast, data.types()), out / groups.TYPES_FILE)
        told = groups.by_collection(fitted.collection_bands, forecast, sales.collections)
        groups.write(told, out / groups.COLLECTIONS_FILE)


def _fit_forecast(data: Dataset, out: Path, config: Mapping[str, Any], seed: int, say: Say) -> Trained:
    from ml.forecast.config import read_config
    from ml.forecast.leader import fit_forecast

    settings = read_config(config)
    say(f"reading order lines up to {data.cutoff_on}")
    fitted = fit_forecast(data.sales(), settings, seed, say)
    name = fitted.model.member.name
    about = Trained(out, "forecast", name, settings.as_dict(), seed, data.cutoff_on, fitted.metrics, fitted.because)
    return bundles.write(about, fitted.model.files())


def _fit_lists(data: Dataset, out: Path, config: Mapping[str, Any], seed: int, say: Say, leave: Path | None) -> Trained:
    from ml.recommend import carryover, lists, personal
    from ml.recommend.config import read_config
    from ml.recommend.model import fit_lists

    settings = read_config(config)
    say(f"reading order lines up to {data.cutoff_on}")
    fitted = fit_lists(data.baskets(), settings, say, data.catalogue(), data.looked_at, data.steps())
    name, metrics, because = fitted.algorithm, fitted.metrics, fitted.because
    if leave is not None and carryover.counts_in(choice.name for choice in fitted.choices.values()):
        carryover.Carryover.of(fitted.lists).write(leave)
    table, evidence = fitted.table, replace(fitted.evidence)
    del fitted  # and with it every matrix that was made on the way
    customers, figures = personal.table(evidence, data.customers(), seed, say) if settings.personal else (None, {})
    metrics = {**metrics, "personal": figures} if figures else metrics
    about = Trained(out, "recommend", name, settings.as_dict(), seed, data.cutoff_on, metrics, because)
    return lists.write(about, table, customers)


def _opened(dataset: Path | Dataset) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else read_dataset(dataset)


def _silent(step: str) -> None:
    """Nobody is listening."""
