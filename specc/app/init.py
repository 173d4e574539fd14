"""`specc init`."""

from __future__ import annotations

import shlex
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
    from specc.spec.emit import flow
    from specc.spec.forms import name_problem
    from specc.spec.nodes import Scalar
    from specc.spec.starter import starter

    if str(path) == STDOUT:
        show(starter().encode())
        return
    if path.exists() and not force:
        raise SpeccError(f"{path}: exists; name another file, or add --force")
    # A name like `true` or `1` needs quotes.
    text = starter() if name_problem(path.stem) else starter(flow(Scalar(path.stem)))
    replace(path, text.encode())
    name = shlex.quote(str(path))
    complain(f"wrote {path}; next: specc summary {name}, specc train {name}")
