"""Writing a neighbour table into a bundle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import bundles
from ml.bundles import Trained
from ml.recommend.customers import CustomerTable
from ml.recommend.neighbours import NeighbourTable


def write(trained: Trained, table: NeighbourTable, customers: CustomerTable | None = None) -> Trained:
    """The bundle with these tables as its files. Raises BadBundle when the arrays do not fit together."""
    table.check()
    arrays = dict(table.arrays())
    if customers is not None:
        customers.check()
        arrays |= customers.arrays()
    return bundles.write(trained, {f"{name}.npy": npy(array) for name, array in arrays.items()})


def npy(array: NDArray[Any]) -> bytes:
    """One array in numpy's own format, without objects."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
