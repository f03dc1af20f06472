"""Which layers of the shipped networks are followed by an activation function that a gradient meets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specs.convert.rows import WEIGHTED, Row


@dataclass(frozen=True)
class Linear:
    """The layers that have no activation function; all other layers with weights, and additions, have one.

    Parameters
    ----------
    names
        Pattern of the whole names of the layers without.
    source
        Where the architecture's paper says so.
    """

    names: str
    source: str


_RESNET = "He, Zhang, Ren, Sun, CVPR 2016, figures 2 and 5: ReLU after all but a block's last, and after the sum"
_BASIC = Linear(r"conv\d+_\d+(b|_sc)|fc", _RESNET)
_BOTTLENECK = Linear(r"conv\d+_\d+(c|_sc)|fc", _RESNET)
_VGG = Linear("fc8", "Simonyan, Zisserman, ICLR 2015, section 2.1: all hidden layers have ReLU")
_SQUEEZENET = Linear("", "Iandola et al., arXiv 1602.07360, section 3; the released model has ReLU after conv10, too")

LINEAR = {
    "alexnet": Linear("fc8", "Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3.5"),
    "vgg16": _VGG,
    "vgg19": _VGG,
    "resnet18": _BASIC,
    "resnet34": _BASIC,
    "resnet50_v1": _BOTTLENECK,
    "resnet50_v1_5": _BOTTLENECK,
    "resnet101": _BOTTLENECK,
    "resnet152": _BOTTLENECK,
    "googlenet": Linear("fc", "Szegedy et al., CVPR 2015, section 5: all convolutions have ReLU"),
    "mobilenet_v1": Linear("fc", "Howard et al., arXiv 1704.04861, section 3.2"),
    "mobilenet_v2": Linear(r"b\d+_(prj|add)|fc", "Sandler et al., CVPR 2018, section 3: bottlenecks are linear; ReLU6"),
    "squeezenet_v1_0": _SQUEEZENET,
    "squeezenet_v1_1": _SQUEEZENET,
    "tiny_yolov2_voc": Linear("conv9", "Redmon, Farhadi, CVPR 2017, published configuration: leaky ReLU"),
    "fsrcnn_defines": Linear("L8", "Dong, Loy, Tang, ECCV 2016, section 3.2: PReLU after every convolution"),
    "mccnn_fast_defines": Linear("L4", "Zbontar, LeCun, JMLR 2016, section 3.1: ReLU after all but the last"),
}


def has_activation(network: str, row: Row) -> bool:
    """Tell whether an activation function follows a layer of a shipped network."""
    return (row.op in WEIGHTED or row.op == "add") and not re.fullmatch(LINEAR[network].names, row.name)
