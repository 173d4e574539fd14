"""`specc sweep` and `specc rate`: settings that are searched for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import Assignments, DataFolder, Device, Json, OnDevice, SpecFile
from specc.app.outcome import INTERRUPTED, USER_ERROR
from specc.app.output import complain, show, show_json, show_rows

if TYPE_CHECKING:
    from specc.runs.trials import Trial

# Rows of the table of rates.
ROWS = 20


def sweep(
    spec: SpecFile,
    ranges: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="PATH=VALUES",
            help="1e-4..1e-2:log, 16..128:16, relu,tanh; what is varied. May be repeated.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The sweep's folder.")
    ] = Path("sweep"),
    data: DataFolder = None,
    trials: Annotated[int, typer.Option(min=1, help="How many runs there shall be.")] = 20,
    by: Annotated[
        str, typer.Option(metavar="RESULT", help="What decides: val_loss, test_accuracy, ...")
    ] = "val_loss",
    parallel: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of each run; by default the processors, shared among the runs at a time."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is tried.")] = 0,
    *,
    as_json: Json = False,
) -> None:
    """Search for settings: many runs, chosen by Optuna.

    Called again with the same arguments it goes on where it stopped, after Ctrl-C or a kill: with
    the runs that had begun, too, and as many threads for a run. The folder gets the runs,
    sweep.csv, sweep.json and sweep.svg.
    """
    from specc.runs.spaces import Space
    from specc.runs.sweep import Sweep
    from specc.runs.trials import as_dict

    options = [] if data is None else ["--data", str(data)]
    spaces = [Space.of(each) for each in ranges]
    wanted = Sweep(spec, output, spaces, by, seed, options, complain, threads)
    stopped = False
    try:
        found = wanted.run(trials, parallel)
    except KeyboardInterrupt:
        found, stopped = wanted.found(), True
    if as_json:
        show_json([as_dict(each) for each in found])
    elif found:
        _table(found, [space.path for space in spaces], by)
    if stopped:
        complain(f"stopped after {len(found)} of {trials} trials; the same command goes on")
        raise typer.Exit(INTERRUPTED)
    if all(each.value is None for each in found):
        complain(f"{output}: expected a trial with a result, found that all {len(found)} failed")
        raise typer.Exit(USER_ERROR)


def _table(found: Sequence[Trial], names: Sequence[str], by: str) -> None:
    from specc.runs.spaces import shown

    rows = [
        [
            each.run.name,
            *(shown(each.settings.get(name, "-")) for name in names),
            "failed" if each.value is None else f"{each.value:.4f}",
        ]
        for each in found
    ]
    show_rows(("run", *names, by), rows)


def rate(
    spec: SpecFile,
    data: DataFolder = None,
    assignments: Assignments = None,
    low: Annotated[float, typer.Option(help="The first rate.")] = 1e-7,
    high: Annotated[float, typer.Option(help="The last rate.")] = 10.0,
    steps: Annotated[int, typer.Option(min=2, help="How many rates are tried.")] = 100,
    device: OnDevice = Device.CPU,
    *,
    as_json: Json = False,
) -> None:
    """Find a learning rate.

    Trains for some steps, each at a higher rate, and suggests the rate at which the loss falls
    most steeply. Nothing is kept.
    """
    from specc.network import open_spec
    from specc.runs.rates import find_rate

    if not 0 < low < high:
        raise typer.BadParameter("expected 0 < low < high", param_hint="--low, --high")
    opened, _ = open_spec(spec, assignments or ())
    found = find_rate(opened, data, low, high, steps, device.value)
    if as_json:
        show_json({"rates": found.rates, "losses": found.losses, "suggested": found.suggested})
        return
    every = max(1, len(found.rates) // ROWS)
    pairs = list(zip(found.rates, found.losses, strict=True))[::every]
    show_rows(("rate", "loss"), [[f"{r:.3g}", f"{loss:.4f}"] for r, loss in pairs])
    show("no rate lowers the loss" if found.suggested is None else f"try {found.suggested:.2g}")
