"""`specc train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import (
    Assignments,
    Calibrated,
    DataFolder,
    Device,
    Internal,
    Json,
    OnDevice,
    SpecFile,
    Threads,
)
from specc.app.outcome import INTERRUPTED, drop_unread
from specc.app.output import complain, metric_lines, show, show_json

if TYPE_CHECKING:
    from specc.runs.training import Trained


def train(
    spec: SpecFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="RUN", help="The run's folder; by default runs/NAME-DATE-N."
        ),
    ] = None,
    data: DataFolder = None,
    assignments: Assignments = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides everything random; the spec's by default.")
    ] = None,
    device: OnDevice = Device.CPU,
    threads: Threads = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="End training after so many minutes.")
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN|FILE", help="Begin with weights of a run, .safetensors or .keras file."
        ),
    ] = None,
    *,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a run that was stopped: SPEC, or the newest of it."
        ),
    ] = False,
    calibrated: Calibrated = False,
    allow_internal_ops: Internal = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html into the run at the end.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Train a spec; the result is a run folder.

    Ctrl-C stops after a checkpoint. Whatever stops a run, --resume goes on as if nothing had
    happened: the trained model has the same bytes. The bytes depend on the number of threads, so a
    run that goes on keeps it.
    """
    from specc.network import open_spec
    from specc.runs.folder import RECORD, new_folder, newest_folder
    from specc.runs.training import train as trained
    from specc.terminal import make_progress

    overrides = list(assignments or ())
    if seed is not None:
        overrides.append(f"train.seed={seed}")
    opened, _ = open_spec(spec, overrides)
    again = spec if resume and (spec / RECORD).is_file() else None
    run = output or again or (newest_folder if resume else new_folder)(opened.name)
    costs = internal = None
    fresh = not (run / RECORD).is_file()  # a run that goes on keeps its graphs
    if calibrated and fresh:
        from specc.bench import calibrated_costs

        costs = calibrated_costs(threads)
    if allow_internal_ops and fresh:
        from specc.internal import internal_ops

        internal = internal_ops()
    progress = make_progress(sys.stderr, quiet)
    try:
        progress.note(f"training {opened.name} in {run}")
        found = trained(
            opened, run, data=data, device=device.value, resume=resume, progress=progress,
            max_minutes=max_minutes, start_from=start_from, costs=costs,
            internal=internal, threads=threads,
        )  # fmt: skip
    except BrokenPipeError:  # nobody reads the progress any more: `specc train x 2>&1 | head`
        drop_unread()
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        progress.close()
        if not (run / RECORD).is_file():
            raise
        command = ["specc", "train", str(spec), "-o", str(run), "--resume"]
        command += [f"--set={assignment}" for assignment in assignments or ()]
        command += [] if seed is None else [f"--seed={seed}"]
        command += ["--report"] if report else []
        complain(f"stopped; to go on: {shlex.join(command)}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        progress.close()
    _show(found, as_json=as_json)
    if report:
        from specc.report import write_report

        complain(f"wrote {write_report(found.folder, data)}")


def _show(found: Trained, *, as_json: bool) -> None:
    if as_json:
        show_json({"run": str(found.folder), "history": found.history.history, "test": found.test})
        return
    show("\n".join([f"run {found.folder}", *metric_lines(found.test, "test_")]))
