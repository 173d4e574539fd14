"""`specc explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from specc.app.options import Assignments, SpecFile
from specc.app.output import show


def explain(
    spec: SpecFile,
    layer: Annotated[
        str | None, typer.Argument(metavar="LAYER", help="Name of one layer; all by default.")
    ] = None,
    assignments: Assignments = None,
) -> None:
    """Show the arithmetic behind every shape and parameter.

    Also how many connections a layer has against a dense one, and what its outputs see.
    """
    from specc.explanation import explain as explained
    from specc.network import open_spec

    _, network = open_spec(spec, assignments or ())
    show(explained(network, layer))
