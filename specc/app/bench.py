"""`specc bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import Assignments, Internal, Json
from specc.app.output import complain, show, show_json, show_rows

if TYPE_CHECKING:
    from specc.bench.timing import Times
    from specc.targets.blocks import InternalOps


def bench(
    spec: Annotated[Path | None, typer.Argument(metavar="SPEC", help="The spec to time.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Batch size; by default the spec's, else 32.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Of onnxruntime; by default all processors.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often the targets take turns.")] = 5,
    assignments: Assignments = None,
    *,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Measure what kernels cost here, for --calibrated."),
    ] = False,
    allow_internal_ops: Internal = False,
    as_json: Json = False,
) -> None:
    """Time a spec on this machine, or measure the machine.

    With SPEC: milliseconds that a training step and the inference of a batch of noise take on the
    CPU, for each target, which take turns. Where this machine was measured and its costs choose
    other graphs, those are timed too, and with --allow-internal-ops those that train with internal
    operators.

    With --calibrate: the constants by which target cpu chooses how a convolution is done, kept in
    the user's cache for this version of onnxruntime and number of threads. `specc compile
    --calibrated` and `specc train --calibrated` use them; nothing else does.
    """
    if calibrate == (spec is not None):
        raise typer.BadParameter("expected a spec or --calibrate", param_hint="SPEC")
    if calibrate:
        _calibrate(threads, as_json=as_json)
    elif spec is not None:
        internal = None
        if allow_internal_ops:
            from specc.internal import internal_ops

            internal = internal_ops()
        _compare(spec, batch, threads, rounds, assignments or (), internal, as_json=as_json)


def _calibrate(threads: int | None, *, as_json: bool) -> None:
    from specc.bench.cache import keep
    from specc.bench.calibration import calibrate as measure
    from specc.targets.costs import DEFAULT

    found = measure(threads)
    path = keep(found.costs, threads)
    if as_json:
        show_json({"file": str(path), **found.to_dict()})
        return
    before, after = DEFAULT.to_dict(), found.costs.to_dict()
    rows = [[name, f"{before[name]:g}", f"{after[name]:g}"] for name in after]
    rows.append(["misses by", f"{found.default_error:.0%}", f"{found.error:.0%}"])
    show_rows(("cost", "default", "measured"), rows)
    show(f"one product takes {1e12 * found.product:.2f} ps; costs are in products")
    complain(f"wrote {path}")


def _compare(
    spec: Path,
    batch: int | None,
    threads: int | None,
    rounds: int,
    assignments: list[str] | tuple[str, ...],
    internal: InternalOps | None,
    *,
    as_json: bool,
) -> None:
    from specc.bench.cache import calibrated_costs, path_of
    from specc.bench.steps import compare
    from specc.errors import RuntimeSetupError
    from specc.network import open_spec
    from specc.session import default_threads

    opened, network = open_spec(spec, assignments)
    train = opened.train
    size = batch or network.batch or (32 if train is None else train.batch_size)
    try:
        costs = calibrated_costs(threads)
    except RuntimeSetupError as error:
        if path_of(threads or default_threads()).is_file():
            complain(str(error))  # measured, and of no use
        costs = None
    found = compare(opened, network, size, costs, threads, rounds, internal)
    if as_json:
        show_json({"name": opened.name, "batch": size, "rounds": rounds,
                   "costs": None if costs is None else costs.sha256, "changed": found.changed,
                   "milliseconds": [each.to_dict() for each in found.candidates]})  # fmt: skip
        return
    rows = [[each.name, *_cells(each.train), *_cells(each.infer)] for each in found.candidates]
    show_rows(("target", "train, ms", "rounds", "infer, ms", "rounds"), rows)
    if found.changed is False:
        show("the costs of this machine choose the same graphs for cpu")


def _cells(times: Times | None) -> tuple[str, str]:
    if times is None:
        return "-", "-"
    found = times.to_dict()
    return f"{found['median']:.2f}", f"{found['low']:.2f}-{found['high']:.2f}"
