"""What an unquoted word in YAML means.

YAML 1.1 as PyYAML loads it reads ``no`` as false, ``12:30`` as 750, ``010`` as 8 and ``1e6`` as text.
Here ``no`` and ``12:30`` are text, ``010`` is 10 and ``1e6`` is 1000000.
"""

from __future__ import annotations

import re
from decimal import Decimal

_INTEGER = re.compile(r"[-+]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,2})?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    "-.inf": float("-inf"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def plain_scalar(text: str) -> object:
    """Read an unquoted scalar: nothing, a truth value, a number, or else text.

    A whole number stays exact however it is written: ``1e6`` is the integer 1000000, ``1.0`` is not an integer.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text):
        return text
    value = Decimal(text)
    has_exponent = "e" in text.lower()
    return int(value) if has_exponent and value == value.to_integral_value() else float(text)
