"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

SpecFile: TypeAlias = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec, for example specs/mnist_cnn.yaml; or a run.")
]
RunFolder: TypeAlias = Annotated[
    Path, typer.Argument(metavar="RUN", help="A folder that `specc train` wrote.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Assignments: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change the spec first: --set train.epochs=2. May be repeated.",
    ),
]
Calibrated: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--calibrated",
        help="Let target cpu choose by the costs that `specc bench --calibrate` measured.",
    ),
]
Internal: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-internal-ops",
        help="Let target cpu use operators of this onnxruntime that are not ONNX's: such a training"
        " graph runs with this version, on this kind of processor.",
    ),
]
DataFolder: TypeAlias = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where the dataset's files are."),
]


Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, help="Of onnxruntime; as many as there are processors by default."
    ),
]


class Device(StrEnum):
    """Where graphs run."""

    CPU = "cpu"
    CUDA = "cuda"


OnDevice: TypeAlias = Annotated[
    Device, typer.Option("--device", help="Where to run; there is no fall-back.")
]
