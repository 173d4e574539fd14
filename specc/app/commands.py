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
app = typer.Typer(
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


app.command()(init.init)
app.command()(describe.describe)
app.command()(check.check)
app.command()(summary.summary)
app.command()(explain.explain)
app.command()(plot.plot)
app.command()(costs.costs)
app.command()(bench.bench)
app.command("compile")(compiling.compile_)
app.command()(data.data)
app.command()(training.train)
app.command()(predicting.evaluate)
app.command("run")(predicting.run)
app.command()(report.report)
app.command()(searching.rate)
app.command()(searching.sweep)
app.command()(runs.runs)
app.command()(runs.reproduce)
app.command("import")(importing.import_)
app.add_typer(exporting.export, name="export")
app.command()(diff.diff)
app.command()(fmt.fmt)
app.command()(schema.schema)
app.command()(doctor.doctor)


def run() -> None:
    """Run the command of this process and exit."""
    prepare_streams()
    # `app()` itself would also install a hook for exceptions.
    typer.main.get_command(app)(prog_name="specc")
