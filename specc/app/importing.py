"""`specc import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.output import complain, show
from specc.errors import SpeccError


def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Keras model: .keras, or .json of to_json().")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="SPEC", help="Where to write; stdout by default."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="OUT.safetensors", help="Also write its weights."),
    ] = None,
) -> None:
    """Turn a Keras model into a spec."""
    from specc.files import replace
    from specc.keras_import import from_keras
    from specc.spec.write import dump

    if weights is not None:
        raise SpeccError(
            "--weights: this version imports the layers of a Keras model, but not its weights; "
            "leave the option out"
        )
    text = dump(from_keras(file)).encode()
    if output is None:
        show(text)
    else:
        replace(output, text)
        complain(f"wrote {output}")
