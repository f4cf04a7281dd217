"""An answer as a person reads it at a terminal: one line per figure, rows of the same kind as aligned columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

INDENT = "  "
GAP = "  "


def text(told: Mapping[str, Any]) -> str:
    """The whole answer, without a newline at its end."""
    return "\n".join(_lines(told)) or "none"


def plain(value: Any) -> Any:
    """What JSON has no word for, as it is written into JSON."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _lines(told: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in told.items():
        inner = _inner(value)
        lines.append(f"{name}: {_cell(value)}" if inner is None else f"{name}:")
        lines += [INDENT + line for line in inner or ()]
    return lines


def _inner(value: Any) -> list[str] | None:
    """The lines below a name; None when the value stands beside it."""
    if not value or not isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, Mapping):
        return _lines(value)
    return _table(value) if all(isinstance(one, Mapping) for one in value) else [_cell(one) for one in value]


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value)) or "none"
    return "none" if value is None or value == {} else str(value)
