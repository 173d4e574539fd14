"""The application: all commands, in the order in which `specc --help` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from specc.app import (
    bench,
    check,
    compiling,
    costs,
    data,
    describe,
    diff,
    doctor,
    explain,
    exporting,
    fmt,
    helping,
    importing,
    init,
    outcome,
    plot,
    predicting,
    report,
    runs,
    schema,
    searching,
    summary,
    training,
)
from specc.app.output import prepare_streams, show
from specc.version import __version__

# Colours and boxes in the help would cost a third of a second at every start.
app = helping.Application(
    name="specc",
    cls=outcome.Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        show(f"specc {__version__}")
        raise typer.Exit


@app.callback()
def specc(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Neural networks as data: describe a model in YAML, train and run it as ONNX.

    Start with `specc init`, then `specc summary` and `specc train`.
    """
    del version


SPEC, LOOK, TRAIN = "Write a spec", "Look at a model", "Train"
RUNS, OTHERS, MACHINE = "Use a run", "Other formats", "This machine"

app.command(rich_help_panel=SPEC)(init.init)
app.command(rich_help_panel=SPEC)(describe.describe)
app.command(rich_help_panel=SPEC)(check.check)
app.command(rich_help_panel=SPEC)(fmt.fmt)
app.command(rich_help_panel=SPEC)(schema.schema)
app.command(rich_help_panel=LOOK)(summary.summary)
app.command(rich_help_panel=LOOK)(explain.explain)
app.command(rich_help_panel=LOOK)(plot.plot)
app.command(rich_help_panel=LOOK)(costs.costs)
app.command(rich_help_panel=LOOK)(diff.diff)
app.command(rich_help_panel=TRAIN)(data.data)
app.command(rich_help_panel=TRAIN)(training.train)
app.command(rich_help_panel=TRAIN)(searching.rate)
app.command(rich_help_panel=TRAIN)(searching.sweep)
app.command(rich_help_panel=RUNS)(predicting.evaluate)
app.command("run", rich_help_panel=RUNS)(predicting.run)
app.command(rich_help_panel=RUNS)(report.report)
app.command(rich_help_panel=RUNS)(runs.runs)
app.command(rich_help_panel=RUNS)(runs.reproduce)
app.command("compile", rich_help_panel=OTHERS)(compiling.compile_)
app.command("import", rich_help_panel=OTHERS)(importing.import_)
app.add_typer(exporting.export, name="export", rich_help_panel=OTHERS)
app.command(rich_help_panel=MACHINE)(bench.bench)
app.command(rich_help_panel=MACHINE)(doctor.doctor)


def run() -> None:
    """Run the command of this process and exit."""
    prepare_streams()
    # `app()` itself would also install a hook for exceptions.
    typer.main.get_command(app)(prog_name="specc")
