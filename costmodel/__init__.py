"""What a design costs: tiling, traffic, time and energy, in integers."""

from costmodel.cost import Cost, GroupCost
from costmodel.design import Design, GroupDesign, Hardware
from costmodel.evaluate import evaluate as evaluate
from costmodel.execute import execute as execute
from costmodel.legal import DesignError

__all__ = ["Cost", "Design", "DesignError", "GroupCost", "GroupDesign", "Hardware", "evaluate", "execute"]
