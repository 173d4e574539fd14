"""`specc data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from specc.app.options import Assignments, DataFolder, Json, SpecFile
from specc.app.output import complain, show, show_json, show_rows

# Classes that a table lists.
MOST_CLASSES = 20


def data(
    spec: SpecFile,
    folder: DataFolder = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PNG", help="Draw the first batch of images."),
    ] = None,
    assignments: Assignments = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what a spec would be trained on.

    Counts of every split, shapes and ranges of inputs and targets, how frequent classes are; as a
    model gets them, after everything that the source does.
    """
    from specc.network import open_spec
    from specc.runs.loading import first_batch, look

    opened, network = open_spec(spec, assignments or ())
    dataset, found = look(opened, network, folder)
    if output is not None:
        from specc.files import replace

        replace(output, first_batch(opened, dataset))
        complain(f"wrote {output}")
    if as_json:
        show_json(found)
        return
    rows: list[list[str]] = []
    for split, facts in found.items():
        for kind in ("inputs", "targets"):
            for name, column in facts[kind].items():
                rows.append([split, name, *_column(facts["samples"], column)])
    show_rows(("split", "array", "samples", "shape", "type", "min", "mean", "max"), rows, left=2)
    _classes(found)
    if "example" in found["train"]:
        show(f"example: {found['train']['example']!r}")


def _column(samples: int, column: dict[str, Any]) -> list[str]:
    numbers = [f"{column[key]:.4g}" if key in column else "-" for key in ("min", "mean", "max")]
    shape = "x".join(map(str, column["shape"])) or "1"
    return [f"{samples:,}", shape, column["dtype"], *numbers]


def _classes(found: dict[str, Any]) -> None:
    """How frequent each class is in each split."""
    for name, column in found["train"]["targets"].items():
        classes: dict[str, int] = column.get("classes", {})
        if not classes:
            continue
        show(f"\nclasses of {name}")
        rows: list[list[str]] = []
        for each in list(classes)[:MOST_CLASSES]:
            row = [each]
            for facts in found.values():
                counts = facts["targets"][name].get("classes", {})
                share = counts.get(each, 0) / max(1, sum(counts.values()))
                row.append(f"{counts.get(each, 0):,} ({share:.1%})")
            rows.append(row)
        show_rows(("class", *found), rows)
        if len(classes) > MOST_CLASSES:
            show(f"and {len(classes) - MOST_CLASSES:,} more")
