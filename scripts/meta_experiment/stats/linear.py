"""Small systems of linear equations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul


def solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a positive definite system by Cholesky's decomposition."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i):
            lower[i][j] = (matrix[i][j] - dot(lower[i][:j], lower[j][:j])) / lower[j][j]
        lower[i][i] = math.sqrt(matrix[i][i] - dot(lower[i][:i], lower[i][:i]))
    solution = list(right)
    for i in range(size):
        solution[i] = (solution[i] - dot(lower[i][:i], solution[:i])) / lower[i][i]
    for i in reversed(range(size)):
        above = (lower[j][i] * solution[j] for j in range(i + 1, size))
        solution[i] = (solution[i] - sum(above)) / lower[i][i]
    return solution


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the sum of products, correctly rounded."""
    return math.fsum(map(mul, one, other))
