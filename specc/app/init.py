"""`specc init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.app.output import complain, show
from specc.errors import SpeccError

STDOUT = "-"


def init(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; - prints it.")
    ] = Path("my_model.yaml"),
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented spec to start from.

    It describes a small network for the 8 x 8 digits that come with scikit-learn.
    """
    from specc.files import replace
    from specc.spec.forms import name_problem
    from specc.spec.starter import starter

    text = starter() if name_problem(path.stem) else starter(path.stem)
    if str(path) == STDOUT:
        show(text.encode())
        return
    if path.exists() and not force:
        raise SpeccError(f"{path}: exists; name another file, or add --force")
    replace(path, text.encode())
    complain(f"wrote {path}; next: specc summary {path}, specc train {path}")
