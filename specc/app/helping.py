"""How a command's help names what an option takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand
from typing_extensions import override

# What typer (0.29) writes behind the name of an argument or option: `<path>`, `<int range>`.
TYPE = re.compile(r" ?<([^<>]+)>(\.\.\.)?$")
NAMES = {"int": "INTEGER", "float": "NUMBER", "path": "FILE", "str": "TEXT"}


class Command(TyperCommand):
    """A command in whose help types have names that are not Python's."""

    @override
    def format_options(self, ctx: Any, formatter: Any) -> None:
        write = formatter.write_dl

        def named(rows: Sequence[tuple[str, str]], *rest: Any, **options: Any) -> None:
            write([(_named(name), text) for name, text in rows], *rest, **options)

        formatter.write_dl = named
        super().format_options(ctx, formatter)
        formatter.write_dl = write


class Application(typer.Typer):
    """Commands with such a help."""

    @override
    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **options: Any
    ) -> Callable[..., Any]:
        return super().command(name, cls=cls or Command, **options)


def _named(name: str) -> str:
    """`--threads <int range>` as `--threads INTEGER`, `--device <cpu|cuda>` as `... cpu|cuda`.

    An argument has its own name, such as SPEC, and needs none for its type.
    """
    found = TYPE.search(name)
    if found is None:
        return name
    before, kind = name[: found.start()], found[1]
    if "|" in kind:
        return f"{before} {kind}"
    if not before.startswith("-"):
        return before
    return f"{before} {NAMES.get(kind.removesuffix(' range'), kind.upper())}"
