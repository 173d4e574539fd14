"""`specc import`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from specc.app.output import complain, show


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
        typer.Option(metavar="OUT.safetensors", help="Also write its weights (.keras only)."),
    ] = None,
) -> None:
    """Turn a Keras model into a spec.

    Weights go into a safetensors file under their names in the spec, for `specc compile --weights`.
    """
    from specc.files import replace
    from specc.keras_import import from_keras
    from specc.network import build
    from specc.spec.write import dump

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        spec = from_keras(file)
    for note in noted:
        complain(str(note.message))
    # Shapes tell what a configuration alone does not: an operation along the batch, for one.
    network = build(spec)
    text = dump(spec).encode()
    if weights is not None:
        from specc.checkpoint import save
        from specc.keras_files import read_weights

        save(weights, read_weights(file, network), {})
    if output is None:
        show(text)
    else:
        replace(output, text)
        complain(f"wrote {output}")
    if weights is not None:
        complain(f"wrote {weights}")
