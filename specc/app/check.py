"""`specc check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from specc.app.options import Assignments, Json
from specc.app.outcome import USER_ERROR
from specc.app.output import complain, show_json
from specc.errors import Problem


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC", help="The specs to check.")],
    assignments: Assignments = None,
    *,
    as_json: Json = False,
) -> None:
    """Validate specs: names, fields, shapes, sizes, losses.

    Prints nothing but problems, all that there are, each with its file, line and column.
    """
    from specc.errors import SpecError
    from specc.network import open_spec

    problems: list[Problem] = []
    for path in specs:
        try:
            open_spec(path, assignments or ())
        except SpecError as error:
            problems += error.problems
    if as_json:
        show_json([_fields(problem) for problem in problems])
    else:
        for problem in problems:
            complain(str(problem))
    if problems:
        raise typer.Exit(USER_ERROR)


def _fields(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line or None,
        "column": place.column or None,
        "path": problem.path,
        "message": problem.message,
    }
