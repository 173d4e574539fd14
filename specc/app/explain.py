"""`specc explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import Assignments, Json, SpecFile
from specc.app.output import complain, show, show_json


def explain(
    spec: SpecFile,
    layer: Annotated[
        str | None, typer.Argument(metavar="LAYER", help="Name of one layer; all by default.")
    ] = None,
    assignments: Assignments = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a page on which LAYER's window slides over an image."
        ),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --html: a PNG or JPEG to slide over.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --html: filters by name (.safetensors)."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show the arithmetic behind every shape and parameter.

    Also how many connections a layer has against a dense one, and what its outputs see.
    """
    from specc.explanation import explain as explained
    from specc.explanation import explain_json
    from specc.network import open_spec

    opened, network = open_spec(spec, assignments or ())
    if html is None:
        if image is not None or weights is not None:
            raise typer.BadParameter("belongs to --html", param_hint="--image, --weights")
        if as_json:
            show_json(explain_json(network, layer))
        else:
            show(explained(network, layer))
        return
    if layer is None:
        raise typer.BadParameter("expected the name of a layer", param_hint="--html")
    from specc.files import replace
    from specc.walkthrough import walkthrough

    seed = 0 if opened.train is None else opened.train.seed
    replace(html, walkthrough(network, layer, seed, weights, image).encode())
    complain(f"wrote {html}")
