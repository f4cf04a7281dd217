"""Writing a neighbour table into a bundle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import bundles
from ml.bundles import Trained
from ml.recommend.neighbours import NeighbourTable


def write(trained: Trained, table: NeighbourTable) -> Trained:
    """The bundle with this table as its files. Raises BadBundle when the arrays do not fit together."""
    table.check()
    return bundles.write(trained, {f"{name}.npy": _npy(array) for name, array in table.arrays().items()})


def _npy(array: NDArray[Any]) -> bytes:
    """One array in numpy's own format, without objects."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
