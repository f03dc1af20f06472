"""The shipped technologies, for the modules that look at them."""

from __future__ import annotations

from functools import lru_cache

from specs.errors import Problem, SpecError
from specs.library import LIBRARY
from specs.study import Technology
from specs.technology_reader import read_technology
from specs.yaml_reader import read_yaml


@lru_cache
def shipped(name: str) -> Technology:
    """Read a technology of the library."""
    problems: list[Problem] = []
    document = read_yaml(LIBRARY.file("technologies", name), problems)
    technology = read_technology(document) if document else None
    if technology is None:
        raise SpecError(problems)
    return technology
