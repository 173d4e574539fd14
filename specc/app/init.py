"""`specc init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.output import complain, show
from specc.errors import SpeccError

if TYPE_CHECKING:
    from specc.starters import Starter

STDOUT = "-"
USUAL = "my_model"


def init(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The file to write, by default called as the data; - prints it."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="For pictures, PNG or JPEG, in a folder for each class.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            "--csv",
            metavar="FILE",
            exists=True,
            help="For a .csv, .tsv, .parquet or .arrow file.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="With --table: what to predict; by default target, label, class, y, or the last.",
        ),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="For a text that is to be continued."
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented spec to start from.

    With --images, --table or --text it fits that data: shapes, classes and columns are looked up.
    Without, it describes a small network for the 8 x 8 digits that come with scikit-learn.
    """
    from specc.files import replace

    given = [each for each in (images, table, text) if each is not None]
    if len(given) > 1:
        raise typer.BadParameter("expected one of them", param_hint="--images, --table, --text")
    if target is not None and table is None:
        raise typer.BadParameter("belongs to --table", param_hint="--target")
    file = path or Path(f"{given[0].absolute().stem if given else USUAL}.yaml")
    printed = str(file) == STDOUT
    if file.exists() and not force and not printed:
        raise SpeccError(f"{file}: exists; name another file, or add --force")
    name = USUAL if printed else file.stem
    made = _from_data(images, table, target, text, name) if given else None
    content = _digits(name) if made is None else made.text
    if printed:
        show(content.encode())
        return
    replace(file, content.encode())
    if made is not None:
        complain(made.told)
    word = shlex.quote(str(file))
    complain(f"wrote {file}; next: specc summary {word}, specc train {word} --report")


def _digits(name: str) -> str:
    from specc.spec.emit import scalar
    from specc.spec.forms import name_problem
    from specc.spec.starter import starter

    # A name like `true` or `1` needs quotes.
    return starter() if name_problem(name) else starter(scalar(name))


def _from_data(
    images: Path | None, table: Path | None, target: str | None, text: Path | None, name: str
) -> Starter | None:
    from specc import starters

    if images is not None:
        return starters.images(images, name)
    if table is not None:
        return starters.table(table, name, target)
    return None if text is None else starters.text(text, name)
