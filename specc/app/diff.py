"""`specc diff`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from specc.app.options import Json
from specc.app.output import show, show_json
from specc.errors import SpecError


class Format(StrEnum):
    """How differences look."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def diff(
    old: Annotated[Path | None, typer.Argument(metavar="A", help="The spec before.")] = None,
    new: Annotated[Path | None, typer.Argument(metavar="B", help="The spec after.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How it looks.")] = Format.TEXT,
    textconv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Print one spec as lines for git to compare."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what changes from one spec to another.

    Layers added, removed and changed, with their shapes, parameters and MACs.

    To see specs so in `git diff` and `git log -p`:

    \b
        git config diff.specc.textconv "specc diff --textconv"
        echo "specs/*.yaml diff=specc" >> .gitattributes
    """  # noqa: D301 - the backspace keeps these lines apart
    if textconv is not None:
        if old is not None:
            raise typer.BadParameter("takes one file and no others", param_hint="--textconv")
        _textconv(textconv)
        return
    if old is None or new is None:
        raise typer.BadParameter("expected two specs", param_hint="A B")
    from specc.difference import diff as compared
    from specc.network import open_spec

    found = compared(open_spec(old)[0], open_spec(new)[0])
    if as_json or format_ is Format.JSON:
        show_json(found.to_dict())
    elif format_ is Format.MARKDOWN:
        show(found.markdown())
    else:
        show(found.text())


def _textconv(path: Path) -> None:
    """The canonical lines; the file itself while it is no valid spec, or git could show nothing."""
    from specc.difference import canonical
    from specc.spec.reader import load

    try:
        show(canonical(load(path)))
    except SpecError:
        show(path.read_bytes())
