"""What a user says: studies, networks, accelerators and technologies, and the readers of their files."""

from specs.describe import describe
from specs.errors import SpecError
from specs.load import load, load_network

__all__ = ["SpecError", "describe", "load", "load_network"]
