"""What an unquoted YAML 1.2 scalar means (core schema): null, boolean, integer, float or text.

Unlike YAML 1.1, `yes`, `no`, `on` and `off` are text, `1e-3` is a float and `010` is ten.
Source: yaml.org/spec/1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re

from specc.spec.nodes import Value

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})
# int64 is the largest integer that any field can use.
LARGEST = 2**63 - 1
MOST_DIGITS = 40


class NumberError(ValueError):
    """A number that a spec cannot hold; the message says why."""


def resolve(text: str) -> Value:
    """The value of an unquoted scalar.

    Raises:
        NumberError: beyond int64 or float64, or not a number.
    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if INTEGER.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise NumberError(f"{text} is beyond the largest float, 1.8e308")
        return value
    if INFINITY.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    if text in NOT_A_NUMBER:
        raise NumberError(f"{text} is not a number; no field of a spec can be it")
    return text


def _integer(text: str) -> int:
    """Decimal, or octal after 0o, or hexadecimal after 0x."""
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    value = int(text, base) if len(text) <= MOST_DIGITS else LARGEST + 1
    if not -LARGEST <= value <= LARGEST:
        raise NumberError(f"{text[:MOST_DIGITS]} is beyond 64-bit integers")
    return value


def is_text(text: str) -> bool:
    """Whether `text` would stay text when written without quotes, as far as its value goes."""
    try:
        return isinstance(resolve(text), str)
    except NumberError:
        return False
