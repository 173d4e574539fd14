"""`specc export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.helping import Application
from specc.app.options import Assignments
from specc.app.output import complain

export = Application(
    help="Write a model for another framework.", no_args_is_help=True, rich_markup_mode=None
)


@export.command()
def keras(
    source: Annotated[
        Path, typer.Argument(metavar="SPEC|RUN", help="A spec, or the folder of a run.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The .keras file to write.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights by name (.safetensors) instead of drawn ones."),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(metavar="last|best", help="Which state of a run.")
    ] = "last",
    assignments: Assignments = None,
) -> None:
    """Write a .keras file that keras.models.load_model reads.

    A run gives its trained weights, a spec those of --weights or of its seed. The optimizer and the
    loss stay behind.
    """
    from specc.errors import SpeccError

    if output.suffix != ".keras":
        raise SpeccError(f"{output}: expected a name that ends in .keras; Keras goes by it")
    from specc.keras_files import export as write
    from specc.network import open_spec
    from specc.runs.weights import run_weights, spec_weights

    if source.is_dir():
        if weights is not None or assignments:
            raise SpeccError("--weights and --set go with a spec; a run has its own")
        spec, network = open_spec(source / "spec.yaml")
        arrays = run_weights(source, checkpoint)
    else:
        spec, network = open_spec(source, assignments or ())
        arrays = spec_weights(spec, weights)
    write(output, network, arrays)
    complain(f"wrote {output}")
