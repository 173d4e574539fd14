"""`specc describe`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from specc.app.options import Json
from specc.app.output import show, show_json, show_rows

if TYPE_CHECKING:
    from specc.reference import Field, Kind

WIDTH = 88
# Names of those that have a field.
OWNERS = 8
# What the command line calls families, in the order of a spec: some have the name of a kind.
PLURALS = {
    "layers": "layer", "losses": "loss", "metrics": "metric", "optimizers": "optimizer",
    "schedules": "schedule", "callbacks": "callback", "initializers": "initializer",
    "regularizers": "regularizer", "constraints": "constraint", "activations": "activation",
    "datasets": "dataset", "columns": "column", "tokens": "tokens", "splits": "split",
}  # fmt: skip


def _names(incomplete: str) -> list[str]:
    """What a shell completes a name to: families, sections, kinds and fields."""
    from specc.reference import families, sections

    kinds = [kind for held in families().values() for kind in held]
    found = {*PLURALS, *(section.name for section in sections())}
    found |= {name for kind in kinds for name in (kind.name, *kind.aliases)}
    for kind in (*kinds, *sections()):
        found |= {field.name for field in (*kind.fields, *kind.shared)}
    return sorted(name for name in found if name.startswith(incomplete))


def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A name in specs, as conv2d, layers or epochs.",
            autocompletion=_names,
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what a name in a spec means, and which fields it has.

    Without a name the families are listed; the name of a family lists what it holds, that of a
    field what has it.
    """
    from specc.errors import SpeccError
    from specc.reference import families, find, holders, sections

    every = families() if name is None or name in PLURALS else {}
    if name is None:
        rows = [[plural, f"{len(every[family])}"] for plural, family in PLURALS.items()]
        if as_json:
            show_json({family: len(kinds) for family, kinds in every.items()})
            return
        show_rows(("family", "names"), rows)
        show(f"and the sections {' and '.join(section.name for section in sections())}")
        return
    try:
        kinds = every[PLURALS[name]] if name in PLURALS else find(name)
    except SpeccError:
        fields = holders(name)
        if not fields:
            raise
        if as_json:
            show_json([{**asdict(field), "of": owners} for field, owners in fields])
        else:
            show("\n\n".join(_field(field, owners) for field, owners in fields))
        return
    if as_json:
        show_json([kind.to_dict() for kind in kinds])
    elif name in PLURALS:
        show_rows(("name", "what it is"), [[kind.name, kind.text[0]] for kind in kinds], left=2)
    else:
        show("\n\n".join(_text(kind) for kind in kinds))


def _text(kind: Kind) -> str:
    also = f", also called {', '.join(kind.aliases)}" if kind.aliases else ""
    what = f"{kind.family} {kind.name}{also}" if kind.family else f"section {kind.name}:"
    parts = [what, *(textwrap.fill(part, WIDTH) for part in kind.text)]
    parts += [_field(field) for field in (*kind.fields, *kind.shared)]
    return "\n\n".join(parts)


def _field(field: Field, owners: Sequence[str] = ()) -> str:
    """A field, and what has it."""
    default = "must be given" if field.default is None else f"by default {field.default}"
    head = textwrap.fill(
        f"{field.name}: {field.values}; {default}", WIDTH,
        subsequent_indent="    ", break_on_hyphens=False,
    )  # fmt: skip
    indent = " " * 4
    more = f" and {len(owners) - OWNERS} others" if len(owners) > OWNERS else ""
    of = [f"Of {', '.join(owners[:OWNERS])}{more}."] if owners else []
    texts = [
        textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
        for text in (field.text, *of)
        if text
    ]
    return "\n".join([head, *texts])
