"""`specc report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import DataFolder, RunFolder
from specc.app.output import complain


def report(
    run: RunFolder,
    data: DataFolder = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to write; RUN/report.html by default."
        ),
    ] = None,
) -> None:
    """Write a page about a run, for any browser.

    Learning curves, confusion, scores, calibration, worst mistakes, filters and feature maps, what
    predictions rest on, the architecture, and where parameters and time go.
    """
    from specc.report import write_report

    complain(f"wrote {write_report(run, data, output)}")
