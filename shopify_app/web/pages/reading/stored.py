"""Columns of a stored forecast file, only the rows asked for.

Arrow turns a Python value into its own by loading pandas, which costs a fresh process a second and 60 MB. So the value
to compare with is picked out of the column itself.
"""

from pathlib import Path
from typing import Any


def columns(path: Path, names: tuple[str, ...], **equal: Any) -> list[list[Any]]:
    """These columns as lists, of the rows where every named column has the given value; None asks for any value."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = {name: value for name, value in equal.items() if value is not None}
    table = pq.ParquetFile(path).read(columns=list({*names, *wanted}))
    mask = None
    for name, value in wanted.items():
        there = table[name].unique()
        known = there.to_pylist()
        if value not in known:
            return [[] for _ in names]
        same = pc.equal(table[name], there[known.index(value)])
        mask = same if mask is None else pc.and_(mask, same)
    return [(table[name] if mask is None else table[name].filter(mask)).to_pylist() for name in names]
