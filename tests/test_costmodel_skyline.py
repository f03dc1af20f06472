"""Points that no other point undercuts, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.skyline import undominated


@pytest.mark.parametrize("seed", range(60))
def test_the_undominated_are_those_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 6)), int(rng.choice([1, 5, 40, 300, 900])))
    points = rng.integers(1, int(rng.choice([3, 20, 10**12])), shape)
    points[0] *= -1
    columns = [tuple(column) for column in points.T.tolist()]
    wanted = []
    for i, column in enumerate(columns):
        below = [all(a <= b for a, b in zip(other, column, strict=True)) for other in columns]
        if not any(below[j] and (columns[j] != column or j < i) for j in range(len(columns))):
            wanted.append(i)
    assert undominated(points).tolist() == wanted
