"""`specc compile`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import Assignments, Calibrated, Internal, Json, SpecFile
from specc.app.output import complain, show_json, show_rows


class Target(StrEnum):
    """What graphs are made for."""

    PORTABLE = "portable"
    CPU = "cpu"
    CUDA = "cuda"


def compile_(
    spec: SpecFile,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to write into.")
    ],
    target: Annotated[
        Target, typer.Option(help="portable runs everywhere; cpu and cuda are faster there.")
    ] = Target.PORTABLE,
    opset: Annotated[
        int | None, typer.Option(min=1, help="ONNX opset; by default the target's.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN|FILE", help="A run's or a .safetensors file's weights, not drawn ones."
        ),
    ] = None,
    assignments: Assignments = None,
    *,
    calibrated: Calibrated = False,
    allow_internal_ops: Internal = False,
    as_json: Json = False,
) -> None:
    """Compile a spec to ONNX graphs that train, evaluate and infer.

    The folder gets train.onnx, eval.onnx, infer.onnx, model.onnx (weights inside),
    state.safetensors and manifest.json, which is all that a program in any language needs. Without
    a `train:` section there are no train.onnx and eval.onnx. With --calibrated (target cpu) the
    manifest says by which costs lowerings were chosen. With --allow-internal-ops (target cpu) there
    may be train_full.onnx beside train.onnx, for batches of train.batch_size samples; the manifest
    says which onnxruntime it is made for.
    """
    from specc.artifacts import write_compiled
    from specc.network import open_spec
    from specc.runs.weights import run_weights

    opened, _ = open_spec(spec, assignments or ())
    first = run_weights(weights) if weights is not None and weights.is_dir() else weights
    costs = None
    if calibrated:
        from specc.bench import calibrated_costs

        costs = calibrated_costs()
    internal = None
    if allow_internal_ops:
        from specc.internal import internal_ops

        internal = internal_ops()
    made = write_compiled(output, opened, target.value, opset, first, costs, internal)
    programs = [
        {
            "file": f"{name}.onnx",
            "ops": sum(program.nodes.values()),
            "bytes": len(program.model),
        }
        for name, program in made.programs.items()
    ]
    if as_json:
        show_json({"folder": str(output), "target": made.target, "opset": made.opset,
                   "programs": programs})  # fmt: skip
        return
    rows = [[str(p["file"]), f"{p['ops']:,}", f"{p['bytes']:,}"] for p in programs]
    show_rows(("graph", "ops", "bytes"), rows)
    complain(f"wrote {output} (target {made.target}, opset {made.opset})")
