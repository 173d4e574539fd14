"""`specc runs` and `specc reproduce`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import DataFolder, Json, RunFolder
from specc.app.outcome import USER_ERROR
from specc.app.output import complain, show, show_json, show_rows


def runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Runs or folders of runs; `runs`.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="RESULT", help="Rank by it; by default val_loss.")
    ] = None,
    *,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also show in what the specs differ.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List runs, best first, and compare them."""
    from specc.runs.listing import differences, entries, ranked

    found, used = ranked(entries(folders or [Path("runs")], complain), by)
    other = differences([each.path for each in found]) if compare else {}
    if as_json:
        rows = [each.to_dict() for each in found]
        show_json({"by": used, "runs": rows, **({"differences": other} if compare else {})})
        return
    names = list(dict.fromkeys([used, *(name for each in found for name in each.results)]))
    header = ("run", "epochs", "seed", *names)
    show_rows(
        header,
        [
            [
                str(each.path),
                f"{each.epochs[0]}/{each.epochs[1]}" + ("" if each.finished else " unfinished"),
                str(each.seed),
                *(f"{each.results[n]:.4f}" if n in each.results else "-" for n in names),
            ]
            for each in found
        ],
    )
    if compare:
        show("")
        rows = [[name, *map(str, values)] for name, values in other.items()]
        show_rows(("setting", *(each.path.name for each in found)), rows)


def reproduce(
    run: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="NEW",
            help="By default RUN-again, or with a number behind it.",
        ),
    ] = None,
    data: DataFolder = None,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Json = False,
) -> None:
    """Train a run again and say whether the bytes agree.

    Exits with 2 when they do not. What is another version or machine than then is listed: numbers
    of other versions may differ in their last digits.
    """
    from specc.runs.reproducing import reproduce as again
    from specc.terminal import make_progress

    progress = make_progress(sys.stderr, quiet)
    try:
        found = again(run, output, data, progress)
    finally:
        progress.close()
    if as_json:
        show_json({"run": str(found.folder), "same": found.same, "agree": found.agree,
                   "changed": found.changed})  # fmt: skip
    else:
        for name, (then, now) in found.changed.items():
            show(f"{name}: {then} then, {now} now")
        for name, same in found.agree.items():
            show(f"{name}: {'the same bytes' if same else 'other bytes'}")
    if not found.same:
        raise typer.Exit(USER_ERROR)
