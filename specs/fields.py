"""The kinds of value that a spec's keys hold, each refusing in one sentence.

Every reader here raises ``ValueError`` with a sentence that continues "KEY ...".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from specs.errors import alternatives, did_you_mean, show
from specs.units import AREA, ENERGY, FREQUENCY, SIZE

LARGEST_COUNT = 2**31 - 1
LARGEST_WEIGHT = 1000
WEIGHT_DIGITS = 10**4

T = TypeVar("T")


def whole_number(minimum: int, maximum: int = LARGEST_COUNT) -> Callable[[object], int]:
    """Make a reader of integers in a range; truth values and numbers with a fraction are refused."""

    def read(value: object) -> int:
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if is_integer and minimum <= value <= maximum:  # type: ignore[operator]
            return value  # type: ignore[return-value]
        if is_integer and value > maximum == LARGEST_COUNT:  # type: ignore[operator]
            raise ValueError(f"must be at most {maximum}, not {show(value)}")
        raise ValueError(f"must be {_range_text(minimum, maximum)}, not {show(value)}")

    return read


def _range_text(minimum: int, maximum: int) -> str:
    if maximum < LARGEST_COUNT:
        return f"a whole number from {minimum} to {maximum}"
    return "a positive whole number" if minimum == 1 else f"a whole number of at least {minimum}"


def choice(allowed: Sequence[T], *, not_yet: Sequence[str] = (), noun: str = "") -> Callable[[object], T]:
    """Make a reader of one of some words or numbers; `not_yet` are words that later versions will have."""
    texts = alternatives([f"{value}" for value in allowed]) + noun

    def read(value: object) -> T:
        if not isinstance(value, bool | float) and value in allowed:
            return value  # type: ignore[return-value]
        if value in not_yet:
            raise ValueError(f"must be {texts}: {show(value)} is not available in this version")
        hint = did_you_mean(value, [str(word) for word in allowed]) if isinstance(value, str) else ""
        raise ValueError(f"must be {texts}, not {show(value)}{hint}")

    return read


def text(value: object) -> str:
    """Read text that is not empty."""
    if isinstance(value, str) and value.strip():
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    hint = " (put it in quotes)" if is_number else ""
    raise ValueError(f"must be text, not {show(value)}{hint}")


def truth(value: object) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, not {show(value)}")


def positive_number(value: object) -> float:
    """Read a positive finite number without a unit."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value):
        return float(value)
    raise ValueError(f"must be a positive number, not {show(value)}")


def weight(value: object) -> Fraction:
    """Read a positive number exactly as it is written, with up to four digits behind the point."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        exact = Fraction(str(value))
        if 0 < exact <= LARGEST_WEIGHT and WEIGHT_DIGITS % exact.denominator == 0:
            return exact
    raise ValueError(
        f"must be a positive number of at most {LARGEST_WEIGHT}, with up to four digits behind the point, "
        f"not {show(value)}"
    )


def one_or_more(value: object) -> Sequence[object]:
    """Let a lone value stand for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def sorted_once(values: tuple[int, ...]) -> tuple[int, ...]:
    """Sort numbers and drop repetitions."""
    return tuple(sorted(set(values)))


def each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Drop repetitions, keep the order."""
    return tuple(dict.fromkeys(values))


def _picojoules(value: object) -> float:
    return float(ENERGY.exact(value) / 1000)


def _square_micrometres(value: object) -> float:
    return float(AREA.exact(value))


def ints_or_pair(minimum: int) -> Callable[[object], tuple[int, int]]:
    """Make a reader of one number for rows and columns, or of [rows, columns]."""
    number = whole_number(minimum)

    def read(value: object) -> tuple[int, int]:
        if not isinstance(value, list | tuple):
            return number(value), number(value)
        if len(value) != 2:
            raise ValueError(f"must be one number or [rows, columns], not {show(value)}")
        return number(value[0]), number(value[1])

    return read


def pads(value: object) -> tuple[int, int, int, int]:
    """Read the zeros around an input: one number, or [top, left, bottom, right]."""
    number = whole_number(0)
    if not isinstance(value, list | tuple):
        return (number(value),) * 4
    if len(value) != 4:
        raise ValueError(f"must be one number or [top, left, bottom, right], not {show(value)}")
    top, left, bottom, right = (number(item) for item in value)
    return top, left, bottom, right


Text = Annotated[str, BeforeValidator(text)]
Truth = Annotated[bool, BeforeValidator(truth)]
Count = Annotated[int, BeforeValidator(whole_number(1))]
Total = Annotated[int, BeforeValidator(whole_number(0, 10**18))]
Number = Annotated[float, BeforeValidator(positive_number)]
Weight = Annotated[Fraction, BeforeValidator(weight)]
Pair = Annotated[tuple[int, int], BeforeValidator(ints_or_pair(1))]
Pads = Annotated[tuple[int, int, int, int], BeforeValidator(pads)]
Picojoules = Annotated[float, BeforeValidator(_picojoules)]
SquareMicrometres = Annotated[float, BeforeValidator(_square_micrometres)]

_Many = Field(min_length=1)
Counts = Annotated[tuple[Count, ...], BeforeValidator(one_or_more), AfterValidator(sorted_once), _Many]
Sizes = Annotated[
    tuple[Annotated[int, BeforeValidator(SIZE.whole)], ...],
    BeforeValidator(one_or_more),
    AfterValidator(sorted_once),
    _Many,
]
Clocks = Annotated[
    tuple[Annotated[int, BeforeValidator(FREQUENCY.whole)], ...],
    BeforeValidator(one_or_more),
    AfterValidator(sorted_once),
    _Many,
]
Names = Annotated[tuple[Text, ...], BeforeValidator(one_or_more), _Many]
