"""The command line: train, predict, backtest and look at what was trained. No shop, no database, no broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.errors import BadConfig, BadData, MlError
from ml.frames import HORIZON

SHOWN = 3
"""Series explained when none is asked for."""

if TYPE_CHECKING:
    import pandas as pd

    from ml.dataset import Dataset


def main(argv: Sequence[str]) -> int:
    """Run one command; 0 when it went well, 2 with one line on stderr when it could not."""
    args = _parser().parse_args(argv)
    try:
        args.run(args)
    except (MlError, OSError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


def _train(args: argparse.Namespace) -> None:
    from ml import train

    dataset = _dataset(args)
    trained = train.fit(args.task, dataset, args.out, config=_settings(args.set), seed=args.seed, progress=_progress())
    print(_summary(trained))


def _dataset(args: argparse.Namespace) -> Dataset:
    from ml.dataset import read_dataset

    return replace(read_dataset(args.dataset), signals_file=args.signals, promotions_file=args.promotions)


def _predict(args: argparse.Namespace) -> None:
    from ml import train

    train.predict(args.bundle, _dataset(args), args.out, horizon=args.horizon)
    print(f"wrote {args.out / 'forecasts.parquet'} and {args.out / 'windows.parquet'}")


def _show(args: argparse.Namespace) -> None:
    from ml import bundles, explain

    if not (args.bundle / bundles.MANIFEST).is_file() and (args.bundle / explain.FILE).is_file():
        print(_explained(args.bundle / explain.FILE, args.series))
        if args.series is None:
            print(_by_group(args.bundle / "types.parquet", "type", "type"), end="")
            print(_by_group(args.bundle / "collections.parquet", "collection", "title"), end="")
    else:
        print(_summary(bundles.verify(args.bundle)))


def _explained(file: Path, wanted: str | None) -> str:
    """Why these forecasts are what they are: of one series, or of the total and those expected to sell most."""
    from ml import explain
    from ml.frames import TOTAL

    rows = _read(file)
    rows = rows[rows["origin"] == rows["origin"].max()]
    if wanted is not None and not (rows["series"] == wanted).any():
        raise BadData(f"{file}: no forecast of series {wanted}")
    best = rows[rows["series"] != TOTAL].nlargest(SHOWN, "mean")["series"]
    shown = rows[rows["series"].isin([wanted] if wanted is not None else [TOTAL, *best])].sort_values("mean")
    told = [[row["series"], *("  " + line for line in explain.words(row))] for row in shown[::-1].to_dict("records")]
    return "\n".join(line for lines in told for line in lines)


def _by_group(file: Path, kind: str, name: str) -> str:
    """What is expected of each group of this kind, called by the column `name`; nothing of a shop without such."""
    if not file.is_file():
        return ""
    rows = _read(file)
    rows = rows[rows["days"] == rows["days"].max()]
    told = []
    for row in rows.to_dict("records"):
        likely = f"likely {row['p10']:,.1f} to {row['p90']:,.1f}"
        told.append(f"  {row[name] or 'no ' + kind:30s} {row['mean']:10,.1f}, {likely}, {row['products']} products")
    return "\n".join([f"by {kind}, {rows['days'].iloc[0]} days", *told, ""])


def _backtest_forecast(args: argparse.Namespace) -> None:
    from ml import calendars, promotions, signals
    from ml.forecast.backtest import backtest
    from ml.forecast.config import read_config

    if args.calendar and not calendars.is_known(args.calendar):
        raise BadConfig(f"--calendar {args.calendar}: unknown country; use an ISO 3166 code such as GB")
    run = backtest(
        _read(args.sales),
        _origins(args.origins),
        args.horizon,
        args.out,
        only=_names(args.series),
        country=args.calendar,
        signals=signals.read(args.signals) if args.signals else None,
        promotions=promotions.read(args.promotions) if args.promotions else None,
        config=read_config(_settings(args.set)),
        seed=args.seed,
        say=_progress(),
    )
    print(json.dumps({name: value for name, value in run.items() if name != "origins"}))


def _backtest_recommend(args: argparse.Namespace) -> None:
    from ml.recommend.backtest import backtest
    from ml.recommend.config import read_config

    run = backtest(
        _read(args.orders),
        _read(args.queries),
        _day(args.cut, "--cut"),
        args.out,
        k=args.k,
        config=read_config(_settings(args.set)),
        seed=args.seed,
        say=_progress(),
    )
    print(json.dumps(run))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="train | predict | backtest | show")
    train = commands.add_parser("train", help="train on a dataset folder, write a bundle")
    train.add_argument("task", choices=["forecast", "recommend"])
    train.add_argument("--dataset", type=Path, required=True, help="folder with dataset.json, lines/, products.parquet")
    _given(train)
    _common(train, _train)
    predict = commands.add_parser("predict", help="forecast the days after a dataset's cutoff with a bundle")
    predict.add_argument("bundle", type=Path)
    predict.add_argument("--dataset", type=Path, required=True)
    predict.add_argument("--out", type=Path, required=True)
    _given(predict)
    predict.add_argument("--horizon", type=int, default=HORIZON)
    predict.set_defaults(run=_predict)
    show = commands.add_parser("show", help="what a bundle is and how good, or why a forecast is what it is")
    show.add_argument("bundle", type=Path, help="a bundle, or a folder that predict or backtest wrote")
    show.add_argument("--series", help="explain this series alone")
    show.set_defaults(run=_show)
    kinds = commands.add_parser("backtest", help="fit and answer in the past").add_subparsers(required=True)
    _add_backtests(kinds)
    return parser


def _add_backtests(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    forecast = kinds.add_parser("forecast", help="forecasts from past origins")
    forecast.add_argument("--sales", type=Path, required=True, help="Parquet with series, ds, units[, price]")
    forecast.add_argument("--origins", required=True, help="last known days, comma separated: 2026-03-01,2026-03-29")
    forecast.add_argument("--horizon", type=int, default=HORIZON)
    forecast.add_argument("--series", type=Path, help="text file with the series to write, one per line")
    forecast.add_argument("--calendar", metavar="COUNTRY", help="ISO 3166 code whose holidays the shop may keep")
    _given(forecast)
    _common(forecast, _backtest_forecast)
    recommend = kinds.add_parser("recommend", help="answers to questions about later orders")
    recommend.add_argument("--orders", type=Path, required=True, help="Parquet with order lines")
    recommend.add_argument("--cut", required=True, help="first day that may not be looked at")
    recommend.add_argument("--queries", type=Path, required=True)
    recommend.add_argument("--k", type=int, default=60, help="answers per query")
    _common(recommend, _backtest_recommend)


def _given(parser: argparse.ArgumentParser) -> None:
    signals = "CSV or Parquet with date and columns of numbers; used when forecasts were better with them"
    parser.add_argument("--signals", type=Path, help=signals)
    promotions = "CSV or Parquet with series (* for all), first, last[, code]: days of past and planned promotions"
    parser.add_argument("--promotions", type=Path, help=promotions)


def _common(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="override a setting")
    parser.set_defaults(run=run)


def _progress() -> Callable[[str], None]:
    """Prints each step with the seconds since the start, on stderr."""
    start = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - start:6.1f} s] {step}", file=sys.stderr, flush=True)

    return say


def _settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings from NAME=VALUE; a value that is JSON counts as such, anything with commas as a list."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise BadConfig(f"--set {pair}: expected NAME=VALUE such as rows=40000")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value.split(",")
    return settings


def _origins(text: str) -> list[date]:
    return [_day(part.strip(), "--origins") for part in text.split(",")]


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise BadConfig(f"{option} {text!r}: expected a day such as 2026-03-01") from wrong


def _names(file: Path | None) -> list[str] | None:
    return None if file is None else file.read_text().split()


def _read(file: Path) -> pd.DataFrame:
    """A Parquet file as a frame. Raises BadData when it is none."""
    import pandas as pd
    import pyarrow as pa

    if not file.is_file():
        raise BadData(f"{file}: no such file")
    try:
        return pd.read_parquet(file)
    except pa.ArrowInvalid as wrong:
        raise BadData(f"{file}: not a Parquet file") from wrong


def _summary(trained: Any) -> str:
    """A bundle in a few lines."""
    lines = [f"{trained.task}: {trained.algorithm}, cutoff {trained.cutoff_on}, seed {trained.seed}"]
    lines.append(trained.chosen_because)
    for level, figures in trained.metrics.items():
        if level == "places":
            lines += [f"  {place:14s} {chosen['list']}" for place, chosen in figures.items()]
        elif level == "signals":
            told = figures["signals"].items()
            lines += [f"  {name:14s} {'used' if one['used'] else 'held back'}: {one['because']}" for name, one in told]
        elif isinstance(figures, dict) and level not in ("lineage", "refused", "trial_days"):
            lines.append(f"  {level:14s} " + ", ".join(f"{name} {_figure(value)}" for name, value in figures.items()))
        elif isinstance(figures, int):
            lines.append(f"  {level:14s} {figures}")
    lines += [f"  {name:14s} sha256 {digest[:16]}…" for name, digest in trained.files.items()]
    return "\n".join(lines)


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
