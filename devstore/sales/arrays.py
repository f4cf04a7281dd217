"""Names for the column types that the sales are computed with."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
"""Columns with a million entries, where half the memory counts."""
Bools = npt.NDArray[np.bool_]
