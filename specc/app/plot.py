"""`specc plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import Assignments, SpecFile
from specc.app.output import complain, show


def plot(
    spec: SpecFile,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The .svg to write; else stdout."),
    ] = None,
    assignments: Assignments = None,
    *,
    expand: Annotated[
        bool, typer.Option("--expand", help="Draw the layers inside blocks, too.")
    ] = False,
) -> None:
    """Draw the architecture as SVG.

    Every layer is a box with its settings, output shape and parameters. A block is one box, and so
    are its repeats. Colours follow the reader's light or dark theme.
    """
    from specc.drawing import draw
    from specc.files import replace
    from specc.network import open_spec

    _, network = open_spec(spec, assignments or ())
    text = draw(network, expand=expand)
    if output is None:
        show(text.encode())
    else:
        replace(output, text.encode())
        complain(f"wrote {output}")
