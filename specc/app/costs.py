"""`specc costs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import Assignments, Json, SpecFile
from specc.app.output import show, show_json, show_rows

if TYPE_CHECKING:
    from specc.costs import CallCost, Costs

HEADER = ("layer", "output", "params", "MACs", "memory", "sees")


def costs(
    spec: SpecFile,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Batch size; by default the spec's, else 1.")
    ] = None,
    assignments: Assignments = None,
    *,
    as_json: Json = False,
) -> None:
    """Count work, memory and receptive fields.

    Work is that of one forward pass of one sample; one MAC, a multiplication with its addition, is
    two FLOPs. Memory is that of a layer's output for a whole batch. The last column is how much of
    the input one element of the output sees.
    """
    from specc.costs import costs as counted
    from specc.network import open_spec

    opened, network = open_spec(spec, assignments or ())
    train = opened.train
    size = batch or (train.batch_size if train is not None else 1)
    found = counted(network, size, None if train is None else train.optimizer)
    if as_json:
        show_json(found.to_dict())
        return
    show_rows(HEADER, [_row(call) for call in found.calls], left=2)
    show("\n".join(_totals(found, trains=train is not None)))


def _row(call: CallCost) -> list[str]:
    from specc.summaries.rows import shape_text, size_text

    sees = {
        "x".join("all" if size is None else str(size) for size in field.sizes)
        for field in call.fields.values()
    }
    return [
        call.name,
        shape_text(call.output_shapes),
        f"{call.params:,}",
        f"{call.macs:,}",
        size_text(call.activation_bytes),
        ", ".join(sorted(sees)) or "-",
    ]


def _totals(found: Costs, *, trains: bool) -> list[str]:
    from specc.summaries.rows import size_text

    lines = [
        f"{found.name}: {found.params:,} parameters, {found.trainable_params:,} of them trained",
        f"one sample forward: {found.macs:,} MACs, {found.flops:,} FLOPs",
        f"weights: {size_text(found.weight_bytes)}",
        f"activations of a batch of {found.batch}: {size_text(found.activation_bytes)}",
    ]
    if trains:
        lines += [
            f"gradients: {size_text(found.gradient_bytes)}",
            f"optimizer: {size_text(found.optimizer_bytes)}",
            f"training takes at least: {size_text(found.training_bytes)}",
        ]
    return lines
