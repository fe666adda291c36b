"""Logistic regression in plain Python: few features, few questions, no dependency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Sample = tuple[Mapping[str, float], bool]


def fit(samples: Sequence[Sample], *, penalty: float = 2.0, steps: int = 60) -> dict[str, float]:
    """Weights by feature, on the features as they are. Newton's method on standardised features, L2 penalty."""
    names = sorted({name for features, _ in samples for name in features})
    columns = [[features.get(name, 0.0) for features, _ in samples] for name in names]
    means = [sum(column) / len(column) for column in columns]
    spreads = [
        math.sqrt(sum((x - m) ** 2 for x in column) / len(column)) or 1.0
        for column, m in zip(columns, means, strict=True)
    ]
    rows = [
        [1.0, *((features.get(name, 0.0) - m) / s for name, m, s in zip(names, means, spreads, strict=True))]
        for features, _ in samples
    ]
    labels = [float(label) for _, label in samples]
    size = len(names) + 1
    weights = [0.0] * size
    for _ in range(steps):
        gradient = [0.0] + [penalty * w for w in weights[1:]]
        hessian = [[0.0] * size for _ in range(size)]
        for row, label in zip(rows, labels, strict=True):
            value = 1.0 / (
                1.0 + math.exp(-max(-30.0, min(30.0, sum(w * x for w, x in zip(weights, row, strict=True)))))
            )
            slope = max(1e-6, value * (1 - value))
            for i, x in enumerate(row):
                if x:
                    gradient[i] += (value - label) * x
                    scaled, line = slope * x, hessian[i]
                    for j in range(i + 1):
                        line[j] += scaled * row[j]
        for i in range(size):
            hessian[i][i] += penalty if i else 1e-6
            for j in range(i):
                hessian[j][i] = hessian[i][j]
        step = _solve(hessian, gradient)
        weights = [w - s for w, s in zip(weights, step, strict=True)]
        if max(abs(s) for s in step) < 1e-6:
            break
    plain = {name: w / s for name, w, s in zip(names, weights[1:], spreads, strict=True)}
    plain["bias"] = weights[0] - sum(plain[name] * m for name, m in zip(names, means, strict=True))
    return plain


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            if factor:
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """How often a positive scores above a negative; ties count half."""
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative)) if positive and negative else float("nan")


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, middle - half), min(1.0, middle + half)
