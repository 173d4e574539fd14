"""Results to stdout, problems to stderr, tables as text or JSON."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import typer

# Digits that a metric shows; below this size they are counted from the first that is not 0.
DIGITS, SMALL = 4, 1e-3


def show(text: str | bytes) -> None:
    """A result; text gets a newline at its end."""
    typer.echo(text, nl=isinstance(text, str))


def show_part(text: str) -> None:
    """A piece of a result that grows; it is seen at once."""
    typer.echo(text, nl=False)
    sys.stdout.flush()


def show_rows(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """A result as a table; its first `left` columns are aligned to the left."""
    from specc.terminal import show_table

    show_table(sys.stdout, header, rows, left=left)


def show_json(value: object, indent: int | None = 2) -> None:
    """A result as JSON; numbers that JSON cannot hold become null."""
    show(json.dumps(_finite(value), indent=indent, allow_nan=False))


def metric_lines(logs: Mapping[str, float], prefix: str = "") -> list[str]:
    """`accuracy 0.9913`: fractions with four decimals, small ones with four digits; loss first."""
    ordered = sorted(logs.items(), key=lambda log: log[0] != "loss")
    return [f"{prefix}{name} {_decimal(value)}" for name, value in ordered]


def _decimal(value: float) -> str:
    """Plain decimal notation, which every program reads."""
    small = math.isfinite(value) and 0 < abs(value) < SMALL
    places = DIGITS - 1 - math.floor(math.log10(abs(value))) if small else DIGITS
    return f"{value:.{places}f}"


def complain(text: str) -> None:
    """A problem, or anything else that is no result."""
    with contextlib.suppress(BrokenPipeError):
        typer.echo(text, err=True)


def prepare_streams() -> None:
    """Make stdout and stderr take everything.

    Characters that an encoding lacks become `?`; a stream that is closed (`>&-`) takes nothing.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        return {key: _finite(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in cast("list[object]", value)]
    return value
