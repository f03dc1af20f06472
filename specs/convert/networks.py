"""Write the shipped network files from layer tables.

Run as ``python -m specs.convert.networks DIR_WITH_CSV specs/networks``. The directory holds one CSV
per network (one row a layer, columns as in `specs.convert.rows`), ``summary.csv`` with the published totals and
``training_summary.csv`` with those of a training step.
ResNet-101 and ResNet-152 have no table: `specs.convert.resnets` makes theirs.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection
from pathlib import Path

from specs.convert.activations import has_activation
from specs.convert.resnets import PUBLISHED, resnet_rows
from specs.convert.rows import WEIGHTED, Row

OPS = frozenset({"conv", "dwconv", "fc", "maxpool", "avgpool", "add", "concat"})
POOLS = frozenset({"maxpool", "avgpool"})
NUMBERS = ("G", "K", "C", "H", "W", "P", "Q", "R", "S", "stride", "params", "macs")
TRAINING_COLUMNS = (
    "net", "fwd_macs", "dgrad_macs", "wgrad_macs", "ratio", "stored_mac_input_elems", "params",
    "sgd_words", "momentum_words", "adam_words",
)  # fmt: skip
HEADER = "# Made by specs/convert/networks.py; do not edit by hand.\n"

SOURCES = {
    "alexnet": "Krizhevsky, Sutskever, Hinton, NIPS 2012: two groups in conv2, conv4 and conv5",
    "vgg16": "Simonyan, Zisserman, ICLR 2015, configuration D",
    "vgg19": "Simonyan, Zisserman, ICLR 2015, configuration E",
    "resnet18": "He, Zhang, Ren, Sun, CVPR 2016",
    "resnet34": "He, Zhang, Ren, Sun, CVPR 2016",
    "resnet50_v1": "He, Zhang, Ren, Sun, CVPR 2016: a bottleneck strides in its first 1x1 convolution",
    "resnet50_v1_5": "He, Zhang, Ren, Sun, CVPR 2016, later form: a bottleneck strides in its 3x3 convolution",
    "resnet101": "He, Zhang, Ren, Sun, CVPR 2016: a bottleneck strides in its first 1x1 convolution",
    "resnet152": "He, Zhang, Ren, Sun, CVPR 2016: a bottleneck strides in its first 1x1 convolution",
    "googlenet": "Szegedy et al., CVPR 2015, without the auxiliary classifiers",
    "mobilenet_v1": "Howard et al., arXiv 1704.04861, width 1.0, 224 x 224",
    "mobilenet_v2": "Sandler et al., CVPR 2018, width 1.0, 224 x 224",
    "squeezenet_v1_0": "Iandola et al., arXiv 1602.07360, release 1.0",
    "squeezenet_v1_1": "Iandola et al., arXiv 1602.07360, release 1.1",
    "tiny_yolov2_voc": "Redmon, Farhadi, CVPR 2017, tiny configuration for VOC, 416 x 416",
    "fsrcnn_defines": "Dong, Loy, Tang, ECCV 2016, layer sizes as in DeFiNES (HPCA 2023); no biases",
    "mccnn_fast_defines": "Zbontar, LeCun, JMLR 2016, fast form, layer sizes as in DeFiNES (HPCA 2023); no biases",
}


def read_rows(path: Path) -> list[Row]:
    """Read one layer table."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(record) for record in csv.DictReader(file)]


def _row(record: dict[str, str]) -> Row:
    a, b, c, d = (int(text) for text in record["pad"].split("."))
    numbers = {key: int(record[key]) for key in NUMBERS}
    return Row(record["name"], record["op"], tuple(record["inputs"].split(";")), pad=(a, b, c, d), **numbers)


def true_pad(row: Row) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) such that floor division gives the table's P and Q.

    Some tables write an uneven pad as top, bottom, left, right, and leave out the rows and columns
    that a pool with ceil-mode output reads beyond the map.
    """
    top, left, bottom, right = row.pad
    for pad in ((top, left, bottom, right), (top, bottom, left, right)):
        if _output(row, pad) == (row.P, row.Q):
            return pad
    more_rows = (row.P - 1) * row.stride + row.R - (row.H + top + bottom)
    more_cols = (row.Q - 1) * row.stride + row.S - (row.W + left + right)
    if row.op not in POOLS or not (0 <= more_rows < row.stride and 0 <= more_cols < row.stride):
        raise ValueError(f"{row.name}: no padding gives {row.P} x {row.Q}")
    return top, left, bottom + more_rows, right + more_cols


def _output(row: Row, pad: tuple[int, int, int, int]) -> tuple[int, int]:
    rows = (row.H + pad[0] + pad[2] - row.R) // row.stride + 1
    cols = (row.W + pad[1] + pad[3] - row.S) // row.stride + 1
    return rows, cols


def layer_line(row: Row, relu: bool = False) -> str:
    """Write one layer as a YAML flow mapping."""
    fields: dict[str, object] = {"name": row.name, "op": row.op, "inputs": f"[{', '.join(row.inputs)}]"}
    if row.op in ("conv", "fc"):
        fields["K"] = row.K
    if row.op in ("conv", "dwconv") or row.op in POOLS:
        pad = true_pad(row)
        fields |= {"R": row.R, "S": row.S, "stride": row.stride}
        if row.op not in POOLS or any(pad):
            fields["pad"] = pad[0] if len(set(pad)) == 1 else list(pad)
    if row.op == "conv" and row.G != 1:
        fields["G"] = row.G
    if row.op in WEIGHTED:
        if row.extra_words == 0:
            fields["bias"] = "false"
        if row.extra_words == 2:
            fields["batch_norm"] = "true"
    if relu:
        fields["relu"] = "true"
    if row.op in WEIGHTED:
        fields |= {"params": row.params, "macs": row.macs}
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"


def network_yaml(name: str, rows: list[Row]) -> str:
    """Write one network as YAML, one layer a line."""
    text = HEADER
    first = rows[0]
    text += f'name: {name}\nsource: "{SOURCES[name]}"\n'
    text += f"inputs: {{{first.inputs[0]}: [{first.C}, {first.H}, {first.W}]}}   # channels, rows, columns\nlayers:\n"
    return text + "\n".join(layer_line(row, has_activation(name, row)) for row in rows) + "\n"


def totals_csv(networks: dict[str, list[Row]], summary: Path) -> str:
    """Write the published totals of the converted networks."""
    with summary.open(newline="", encoding="utf-8") as file:
        published = {record["net"]: record for record in csv.DictReader(file)}
    text = HEADER + (
        "# params and macs as published with each architecture (for one image); googlenet, fsrcnn_defines and\n"
        "# mccnn_fast_defines have no published MAC total, theirs follow from the published shapes; so do those of\n"
        "# resnet101 and resnet152 (published: 7.6e9, 11.3e9). Parameters count scale and shift of every batch-norm.\n"
        "net,layers_with_macs,params,macs\n"
    )
    for name, rows in networks.items():
        if name in PUBLISHED:
            layers, macs = sum(row.op in WEIGHTED for row in rows), sum(row.macs for row in rows)
            text += f"{name},{layers},{PUBLISHED[name].params},{macs}\n"
        else:
            total = published[name]
            text += f"{name},{total['mac_layers']},{total['params']},{total['macs']}\n"
    return text


def training_totals_csv(names: Collection[str], summary: Path) -> str:
    """Write the totals of a training step of the converted networks that have a table."""
    with summary.open(newline="", encoding="utf-8") as file:
        records = [record for record in csv.DictReader(file) if record["net"] in names]
    text = HEADER + (
        "# Multiply-accumulates of a training step for one image (forward, input gradients, weight gradients), maps\n"
        "# that layers with weights read (network inputs included), parameters, and words that an optimizer moves.\n"
        "# Counted from the tables of the networks by other code than this project's; batch-norm is folded there.\n"
    )
    text += ",".join(TRAINING_COLUMNS) + "\n"
    return text + "".join(",".join(record[key] for key in TRAINING_COLUMNS) + "\n" for record in records)


def main(source: Path, target: Path) -> None:
    """Convert every table whose operations are all supported; say which are skipped, and why."""
    networks = {name: resnet_rows(known.blocks) for name, known in PUBLISHED.items()}
    for path in sorted(source.glob("*.csv")):
        if path.stem in ("summary", "training_summary"):
            continue
        rows = read_rows(path)
        if unsupported := {row.op for row in rows} - OPS:
            print(f"skipped {path.stem}: no support for {', '.join(sorted(unsupported))}")
            continue
        networks[path.stem] = rows
    networks = dict(sorted(networks.items()))
    for name, rows in networks.items():
        (target / f"{name}.yaml").write_text(network_yaml(name, rows), encoding="utf-8")
        print(f"wrote {name}: {len(rows)} layers")
    (target / "totals.csv").write_text(totals_csv(networks, source / "summary.csv"), encoding="utf-8")
    training = training_totals_csv(networks.keys(), source / "training_summary.csv")
    (target / "training_totals.csv").write_text(training, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
