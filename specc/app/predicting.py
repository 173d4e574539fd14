"""`specc evaluate` and `specc run`: what to do with a trained model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import DataFolder, Device, Json, OnDevice, RunFolder
from specc.app.output import complain, metric_lines, show, show_json, show_part, show_rows

if TYPE_CHECKING:
    from specc.runs.generating import Sampling


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
        list[Path] | None,
        typer.Argument(
            metavar="INPUT", help="PNG, JPEG, .npy, .npz or .csv files; folders of pictures."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="OUT", help="Write to a .csv, .json, .npy or .npz file."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 3,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help="A text to continue, instead of files."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="How many tokens to continue it by.")] = 200,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0 takes the likeliest token, 1 draws as learned.")
    ] = 1.0,
    among: Annotated[
        int | None, typer.Option("--among", min=1, help="Draw from so many likeliest tokens.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn.")] = 0,
    device: OnDevice = Device.CPU,
    *,
    as_json: Json = False,
) -> None:
    """Predict: show or write the outputs, or continue a text.

    An image is one sample, a folder stands for those in it; a .npy, .npz or .csv file holds any
    number. Outputs that are no distribution over classes are shown as they are. A model of a `text`
    source continues what --prompt gives.
    """
    from specc.runs.generating import Sampling
    from specc.runs.predictions import as_dict, table, write
    from specc.runs.using import predict

    if prompt is not None:
        if inputs or output:
            raise typer.BadParameter("takes no files", param_hint="--prompt")
        _continue(folder, Sampling(prompt, tokens, temperature, among, seed), device, as_json)
        return
    if not inputs:
        raise typer.BadParameter("expected files, or a text with --prompt", param_hint="INPUT")
    found = predict(folder, inputs, device.value)
    if output is not None:
        write(output, found, top)
        complain(f"wrote {output}")
    elif as_json:
        show_json(as_dict(found, top), indent=None)  # else every number has its own line
    else:
        show_rows(*table(found, top))


def _continue(folder: Path, sampling: Sampling, device: Device, as_json: bool) -> None:
    """The text and what follows it, each piece as soon as it is there."""
    from specc.runs.generating import generate

    pieces = generate(folder, sampling, device.value)
    if as_json:
        show_json({"prompt": sampling.prompt, "text": "".join(pieces)})
        return
    show_part(sampling.prompt)
    for piece in pieces:
        show_part(piece)
    show("")
