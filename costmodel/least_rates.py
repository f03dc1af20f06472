"""Least costs of a layer per output position, whatever its tiles; docs/solver.md has the proofs.

Floating point is used for sums of non-negative numbers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from costmodel.products import Floats, least_product
from costmodel.template import Tiles, TileWorks


def per_position(works: TileWorks, tiles: Tiles) -> Floats:
    """Work of tiles for each output position: (tile, quantity)."""
    positions = tiles.images * tiles.rows * tiles.cols
    found: Floats = np.stack(works, axis=-1) / positions[:, None]
    return found


def least_of_tiles(works: Sequence[TileWorks], tiles: Tiles, prices: Floats) -> Floats:
    """Least cost per output position of any tile under any of some mappings, at each price: (price,)."""
    return least_product(np.concatenate([per_position(one, tiles) for one in works]), prices)
