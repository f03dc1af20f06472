"""Layer tables of bottleneck ResNets from the published block counts.

He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, table 1: all have the same stem, four
stages of bottlenecks (1x1, 3x3 and 1x1 convolutions, the last four times as wide) and a classifier; only the counts of
bottlenecks differ. The rule below gives the table of ResNet-50 that `specs.convert.networks` reads, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specs.convert.rows import Row

WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
CLASSES = 1000
_NO_PAD = (0, 0, 0, 0)


@dataclass(frozen=True)
class Published:
    """What is known of a network from elsewhere.

    Attributes
    ----------
    blocks
        Bottlenecks in each stage (table 1).
    params
        Of the reference implementation in torchvision, with scale and shift of every batch-norm, as for ResNet-50.
    """

    blocks: tuple[int, int, int, int]
    params: int


PUBLISHED = {
    "resnet101": Published((3, 4, 23, 3), 44_549_160),
    "resnet152": Published((3, 8, 36, 3), 60_192_808),
}


def resnet_rows(blocks: Sequence[int]) -> list[Row]:
    """Make the layer table of a ResNet for 224 x 224 images; a stage strides in its first 1x1 convolution."""
    rows = [
        _conv("conv1", "input", 3, 64, 224, kernel=7, stride=2),
        Row("pool1", "maxpool", ("conv1",), 64, 64, 64, 112, 112, 56, 56, 3, 3, 2, (1, 1, 1, 1), 0, 0),
    ]
    source, channels, size = "pool1", 64, 56
    for stage, (count, width) in enumerate(zip(blocks, WIDTHS, strict=True), start=2):
        for block in range(1, count + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            rows += _bottleneck(f"conv{stage}_{block}", source, channels, width, size, stride)
            source, channels, size = f"conv{stage}_{block}_add", EXPANSION * width, size // stride
    weights, whole = CLASSES * channels, (channels, channels, channels, size, size, 1, 1, size, size)
    rows.append(Row("gap", "avgpool", (source,), *whole, 1, _NO_PAD, 0, 0))
    rows.append(
        Row("fc", "fc", ("gap",), 1, CLASSES, channels, 1, 1, 1, 1, 1, 1, 1, _NO_PAD, weights + CLASSES, weights)
    )
    return rows


def _bottleneck(name: str, source: str, channels: int, width: int, size: int, stride: int) -> list[Row]:
    """Three convolutions and their sum with the input, which is convolved where its shape is another."""
    wide, small = EXPANSION * width, size // stride
    rows = [
        _conv(f"{name}a", source, channels, width, size, stride=stride),
        _conv(f"{name}b", f"{name}a", width, width, small, kernel=3),
        _conv(f"{name}c", f"{name}b", width, wide, small),
    ]
    shortcut = source
    if channels != wide:
        shortcut = f"{name}_sc"
        rows.append(_conv(shortcut, source, channels, wide, size, stride=stride))
    operands = (f"{name}c", shortcut)
    rows.append(
        Row(f"{name}_add", "add", operands, wide, wide, wide, small, small, small, small, 1, 1, 1, _NO_PAD, 0, 0)
    )
    return rows


def _conv(name: str, source: str, C: int, K: int, size: int, kernel: int = 1, stride: int = 1) -> Row:
    """A convolution with batch-norm that keeps the map's size, or halves it."""
    out, pad, weights = size // stride, kernel // 2, K * C * kernel * kernel
    return Row(
        name, "conv", (source,), 1, K, C, size, size, out, out, kernel, kernel, stride, (pad, pad, pad, pad),
        weights + 2 * K, weights * out * out,
    )  # fmt: skip
