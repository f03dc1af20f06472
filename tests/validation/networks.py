"""Parameters and multiply-accumulates of the shipped networks.

Published: `specs/networks/totals.csv`, the totals published with each architecture (its header names the networks
whose MAC total follows from published shapes instead). Ours: summed over the layers of the network files, from their
shapes. One image; batch-norm words counted as architecture papers count them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from specs import load_network
from tests.validation.report import ROOT
from tests.validation.row import Row

NETWORKS = ROOT / "specs" / "networks"


def rows() -> Iterator[Row]:
    """Two rows a network."""
    lines = (NETWORKS / "totals.csv").read_text(encoding="utf-8").splitlines()
    for total in csv.DictReader(line for line in lines if not line.startswith("#")):
        network = load_network(NETWORKS / f"{total['net']}.yaml")
        yield Row(f"{network.name}, parameters", int(total["params"]), sum(layer.params for layer in network.layers))
        yield Row(f"{network.name}, MACs", int(total["macs"]), sum(layer.macs for layer in network.layers))
