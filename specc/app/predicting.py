"""`specc evaluate` and `specc run`: what to do with a trained model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import DataFolder, Device, Json, OnDevice, RunFolder
from specc.app.output import complain, metric_lines, show, show_json, show_rows


class Checkpoint(StrEnum):
    """Which state of a run."""

    LAST = "last"
    BEST = "best"


def evaluate(
    run: RunFolder,
    data: DataFolder = None,
    checkpoint: Annotated[
        Checkpoint, typer.Option(help="The last state, or the one with the lowest loss.")
    ] = Checkpoint.LAST,
    device: OnDevice = Device.CPU,
    *,
    as_json: Json = False,
) -> None:
    """Measure a run on the test split, one line for each metric."""
    from specc.runs.using import evaluate as evaluated

    logs = evaluated(run, data, checkpoint.value, device.value)
    if as_json:
        show_json(logs)
    else:
        show("\n".join(metric_lines(logs)))


def run(
    folder: RunFolder,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT", help="PNG, JPEG, .npy, .npz or .csv files.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT", help="Write to a .csv, .json, .npy or .npz file."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 3,
    device: OnDevice = Device.CPU,
    *,
    as_json: Json = False,
) -> None:
    """Predict: show the likeliest classes, or write the outputs.

    An image is one sample; a .npy, .npz or .csv file holds any number. Outputs that are no
    distribution over classes are shown as they are.
    """
    from specc.runs.predictions import as_dict, table, write
    from specc.runs.using import predict

    found = predict(folder, inputs, device.value)
    if output is not None:
        write(output, found, top)
        complain(f"wrote {output}")
    elif as_json:
        show_json(as_dict(found, top), indent=None)  # else every number has its own line
    else:
        show_rows(*table(found, top))
