"""Symmetric positive definite matrices, as Hessians are, in half the time of general ones."""

import numpy as np
from scipy.linalg import lapack

from jeoul.analysis.counts import Floats


def solve(matrix: Floats, right: Floats) -> Floats:
    """x with matrix · x = right, (K, K) and (K,), by Cholesky.

    Where rounding took a matrix near the edge out of them it is solved as any other; raises
    LinAlgError where that has no solution either.
    """
    _, found, failed = lapack.dposv(matrix, right, lower=1)
    return np.asarray(np.linalg.solve(matrix, right) if failed else found, dtype=np.float64)


def inverse(matrix: Floats) -> Floats:
    """The inverse, (K, K), as symmetric as it is in truth; raises LinAlgError as ``solve``."""
    root, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        general = np.linalg.inv(matrix)
        return np.asarray((general + general.T) / 2, dtype=np.float64)
    # The upper half is left empty.
    half, _ = lapack.dpotri(root, lower=1)
    found: Floats = np.asarray(half + half.T, dtype=np.float64)
    np.fill_diagonal(found, np.diagonal(half))
    return found
