"""Opening an order file: Parquet or CSV, two sets of columns, and one clear line when it is neither."""

from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from devstore.sales.arrays import Floats, Ints, Small
from devstore.sales.moments import DAY

RETAIL = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID")
PLAIN = ("order_id", "customer_id", "product_id", "units", "price", "created_at")
TEXT = {*RETAIL[:3], "Sheet", "order_id", "customer_id", "product_id", "title", "product_type"}
UNIX_EPOCH_ORDINAL = 719_163

Number = TypeVar("Number", np.int32, np.int64, np.float64)


class OrderFile:
    """One order file, read a column at a time so that a million lines never lie in memory twice.

    Raises ValueError, one line, when there is no file, it is no table, or columns are missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise ValueError(f"there is no order file at {path}")
        try:
            self._csv = _read_csv(path) if path.suffix.lower() == ".csv" else None
            self.names = set(self._csv.column_names if self._csv is not None else pq.read_schema(path).names)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{path} cannot be read as {self._kind}: {str(error).splitlines()[0]}") from error
        self.retail = self._is_retail()

    def text(self, name: str) -> tuple[Small, list[str]]:
        """A column as positions into its distinct values; -1 where it is empty."""
        column = self._column(name)
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        joined = _joined(column.unify_dictionaries())
        return _plain(joined.indices, np.int32, -1), [str(value) for value in joined.dictionary.to_pylist()]

    def numbers(self, name: str, empty: float = 0) -> Floats:
        """A numeric column with its gaps filled."""
        try:
            return _plain(_joined(self._column(name).cast(pa.float64())), np.float64, empty)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{self.path}: column {name} holds something that is no number: {error}") from error

    def clock_seconds(self, name: str, time_zone: str) -> Ints:
        """A column of times in seconds on the shop's clock (see `moments`); those without a zone are the shop's own."""
        column = self._column(name)
        try:
            if not pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("us"))
            if column.type.tz:
                column = pc.local_timestamp(column.cast(pa.timestamp("us", time_zone)))
        except pa.ArrowInvalid as error:
            raise ValueError(f"{self.path}: column {name} holds something that is no time: {error}") from error
        if column.null_count:
            raise ValueError(f"{self.path}: column {name} is empty in {column.null_count} rows")
        seconds = _plain(_joined(column.cast(pa.timestamp("s"), safe=False)), np.int64, 0)
        return seconds + UNIX_EPOCH_ORDINAL * DAY

    def _column(self, name: str) -> pa.ChunkedArray:
        pa.default_memory_pool().release_unused()  # What the column before needed.
        if self._csv is not None:
            return self._csv.column(name)
        try:
            with pq.ParquetFile(self.path, read_dictionary=[name] if name in TEXT else []) as file:
                return file.read(columns=[name], use_threads=False).column(0)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{self.path}: column {name} cannot be read: {str(error).splitlines()[0]}") from error

    def _is_retail(self) -> bool:
        """Which set of columns this file follows; refuses by naming what the nearer one lacks."""
        missing = {wanted: [name for name in wanted if name not in self.names] for wanted in (RETAIL, PLAIN)}
        nearer = min(missing, key=lambda wanted: len(missing[wanted]))
        if missing[nearer]:
            lacking, wanted = ", ".join(missing[nearer]), ", ".join(nearer)
            raise ValueError(f"{self.path} lacks the columns {lacking}; an order file has {wanted}")
        return nearer is RETAIL

    @property
    def _kind(self) -> str:
        return "CSV" if self.path.suffix.lower() == ".csv" else "Parquet"


def _read_csv(path: Path) -> pa.Table:
    """All columns; texts as texts, even where they look like numbers ("085048" is no 85048)."""
    types = dict.fromkeys(TEXT, pa.dictionary(pa.int32(), pa.string()))
    return pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True))


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _plain(array: pa.Array, dtype: type[Number], empty: float) -> npt.NDArray[Number]:
    """A numeric array with its gaps filled, read from its buffers.

    `to_numpy` and `fill_null` would import pandas, which costs two seconds and 90 MB that nothing here needs.
    """
    if not len(array):
        return np.empty(0, dtype=dtype)
    validity, data = array.buffers()
    inside = slice(array.offset, array.offset + len(array))
    values = np.frombuffer(data, dtype=dtype)[inside]
    if not array.null_count:
        return values.copy()
    known = np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[inside]
    return np.where(known, values, dtype(empty))
