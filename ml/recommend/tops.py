"""The best of each row of a sparse matrix, without a loop over rows; ties go to the smaller product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ml.recommend.neighbours import NOBODY
from ml.sales import Floats, Ints

BLOCK = 1 << 21
"""Cells looked at together: a few dozen megabytes."""
LAST = np.int64(2**31 - 1)


def best(matrix: sparse.csr_matrix, width: int, diagonal: Ints | None = None) -> tuple[Ints, Floats]:
    """Column numbers (int32) and values (float32), both [rows, width], of each row's largest values, largest first.

    Rows with fewer are filled with NOBODY and 0. Only values above 0 count. diagonal: for each row the column that
    never counts; its own number when not given.
    """
    rows = matrix.shape[0]
    own = np.arange(rows) if diagonal is None else diagonal
    index, value = np.full((rows, width), NOBODY, np.int32), np.zeros((rows, width), np.float32)
    for these, places, filled in _blocks(matrix.indptr):
        columns, found = matrix.indices[places], matrix.data[places].astype(np.float32, copy=False)
        found = np.where(filled & (columns != own[these][:, None]) & (found > 0), found, np.float32(0))
        key = _largest(_key(found, columns), min(width, found.shape[1]))
        size, column = _unkeyed(key)
        index[these, : key.shape[1]] = np.where(size > 0, column, NOBODY)
        value[these, : key.shape[1]] = size
    return index, value


def matrix_of(index: Ints, value: Floats, columns: int) -> sparse.csr_matrix:
    """The sparse matrix that holds these rows of neighbours."""
    held = index != NOBODY
    starts = np.concatenate([[0], np.cumsum(held.sum(1))])
    return sparse.csr_matrix((value[held], index[held], starts), shape=(len(index), columns))


def spans(starts: Ints, cells: int = BLOCK) -> Iterator[slice]:
    """All rows of a matrix with these row starts, in turn: as many at a time as hold so many cells, at least one."""
    first, rows = 0, len(starts) - 1
    while first == 0 or first < rows:
        last = min(max(int(np.searchsorted(starts, starts[first] + cells, "right")) - 1, first + 1), rows)
        yield slice(first, last)
        first = max(last, 1)


def _key(size: Floats, columns: Ints) -> NDArray[np.int64]:
    """One number per cell, larger for a larger size, then for a smaller column: the bits of floats >= 0 keep order."""
    key = size.view(np.int32).astype(np.int64)
    key <<= 32
    key += LAST - columns
    return key


def _unkeyed(key: NDArray[np.int64]) -> tuple[Floats, Ints]:
    return (key >> 32).astype(np.int32).view(np.float32), (LAST - (key & LAST)).astype(np.int32)


def _largest(key: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """The largest keys of each row, largest first."""
    if key.shape[1] > width:
        key = np.partition(key, -width, axis=1)[:, -width:]
    return np.sort(key, axis=1)[:, ::-1]


def _blocks(starts: Ints) -> Iterator[tuple[Ints, Ints, NDArray[np.bool_]]]:
    """Rows of about the same length, the places of their cells as a rectangle, and which of these are theirs."""
    lengths = np.diff(starts)
    top = 1
    while top // 2 < lengths.max(initial=0):
        chosen = np.flatnonzero((lengths > top // 2) & (lengths <= top))
        step = max(BLOCK // top, 1)
        for first in range(0, len(chosen), step):
            these = chosen[first : first + step]
            offset = np.arange(min(top, lengths[these].max()))
            filled = offset < lengths[these][:, None]
            yield these, np.where(filled, starts[these][:, None] + offset, 0), filled
        top *= 2
