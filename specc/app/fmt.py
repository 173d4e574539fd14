"""`specc fmt`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.app.outcome import USER_ERROR
from specc.app.output import complain, show
from specc.errors import SpecError

STDIN = "-"


def fmt(
    specs: Annotated[
        list[Path],
        typer.Argument(metavar="SPEC", help="Specs; - reads stdin, prints to stdout."),
    ],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 2 if something would be.")
    ] = False,
) -> None:
    """Bring specs into their normal layout, in place.

    Comments are kept, and so is what the spec means.
    """
    wrong = 0
    for path in specs:
        try:
            wrong += _one(path, check=check)
        except SpecError as error:
            complain(str(error))
            wrong += 1
    if wrong:
        raise typer.Exit(USER_ERROR)


def _one(path: Path, *, check: bool) -> bool:
    """Format one file; True when it should have been formatted before."""
    from specc.files import replace
    from specc.spec.fmt import format_text
    from specc.spec.reader import decoded, read_bytes

    stdin = str(path) == STDIN
    name = "<stdin>" if stdin else str(path)
    before = sys.stdin.buffer.read() if stdin else read_bytes(path)
    after = format_text(decoded(before, name), name).encode()
    if check:
        if before != after:
            complain(f"{name}: would be formatted")
        return before != after
    if stdin:
        show(after)
    elif before != after:
        # A link stays one, and the file keeps its permissions.
        file = path.resolve()
        mode = file.stat().st_mode
        replace(file, after)
        file.chmod(mode)
        complain(f"{name}: formatted")
    return False
