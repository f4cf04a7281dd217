"""Content: products described alike. All there is for a new product and for a shop with few orders.

Terms are the title's words and pairs of words, the type, the vendor and the tags, weighed by how rare they are; the
score of two products is the cosine of theirs.

Source: Salton & Buckley (1988), "Term-weighting approaches in automatic text retrieval".
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from ml.recommend import tops
from ml.recommend.catalogue import Catalogue
from ml.recommend.evidence import Evidence
from ml.recommend.neighbours import NOBODY, NeighbourTable
from ml.sales import Ints

NAME = "content"
WIDTH = 50
FEW_ORDERS = 5
"""In a catalogue too large to compare as a whole, only products with fewer orders get these lists."""


def fit(evidence: Evidence) -> NeighbourTable:
    """The table of products described alike; without neighbours when there is no catalogue."""
    if evidence.catalogue is None:
        return evidence.empty()
    described = evidence.catalogue.described
    rows = np.arange(evidence.n) if evidence.is_deep else np.flatnonzero(evidence.sold < FEW_ORDERS)
    width = min(WIDTH, max(evidence.n - 1, 1))
    index = np.full((evidence.n, width), NOBODY, np.int32)
    scores = np.zeros(index.shape, np.float32)
    step = max(evidence.config.deep_products, 1)
    for first in range(0, len(rows), step):
        these = rows[first : first + step]
        alike = (described[these] @ described.T).tocsr()
        index[these], scores[these] = tops.best(alike, width, diagonal=these)
    return evidence.table(index, scores, np.zeros(index.shape, np.int32))


def likeness(catalogue: Catalogue, rows: Ints) -> sparse.csr_matrix:
    """Float32: how alike each two of these products are described; 1 of a product with itself, if it has words."""
    described = catalogue.described[rows]
    return (described @ described.T).tocsr()
