"""`specc summary`."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from typing import Annotated

import typer

from specc.app.options import Assignments, Json, SpecFile
from specc.app.output import show, show_json

# Keras' own limits on a wide terminal: a chain of layers, and a graph with its fourth column.
CHAIN_WIDTH, GRAPH_WIDTH = 88, 108
NARROWEST = 60


class Format(StrEnum):
    """How a summary looks."""

    KERAS = "keras"
    KERAS2 = "keras2"
    JSON = "json"
    MARKDOWN = "markdown"


def summary(
    spec: SpecFile,
    format_: Annotated[
        Format, typer.Option("--format", help="keras is Keras 3's table, keras2 the older look.")
    ] = Format.KERAS,
    line_length: Annotated[
        int | None,
        typer.Option(min=1, help="Width of the table; by default the terminal's, else 80."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Batch size to put in the place of None.")
    ] = None,
    assignments: Assignments = None,
    *,
    as_json: Json = False,
) -> None:
    """Show every layer with its output shape and parameters."""
    from specc.network import open_spec
    from specc.summaries import summary as summarise

    _, network = open_spec(spec, assignments or ())
    found = summarise(network, batch)
    if as_json or format_ is Format.JSON:
        show_json(found.to_dict())
    elif format_ is Format.MARKDOWN:
        show(found.markdown())
    elif format_ is Format.KERAS2:
        show(found.text(line_length, "keras2"))
    else:
        show(found.text(line_length or _width(chain=found.chain)))


def _width(*, chain: bool) -> int | None:
    """The terminal's width within limits; None, which is 80, where the output is no terminal."""
    if not sys.stdout.isatty():
        return None
    widest = CHAIN_WIDTH if chain else GRAPH_WIDTH
    return max(NARROWEST, min(widest, shutil.get_terminal_size().columns))
