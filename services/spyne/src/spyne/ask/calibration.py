"""The weights of the confidence in readings, and how they were got.

`python benchmarks/spyne/accuracy.py --fit` fits them (logistic regression, L2, features standardised, seed 0) on
whether the best reading of a question was right. They are data: nothing in them is about one database.
"""

from __future__ import annotations

from spyne.ask.confidence import Model

FITTED = Model(
    right={"bias": 1.0, "uncovered": -4.0, "empty": -2.0, "loose_numbers": -1.5, "penalty": -3.0},
    answerable={"bias": 3.0, "unlinked": -1.0, "uncovered": -4.0},
)
