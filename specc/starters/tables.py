"""A network for a table: numbers and categories side by side, texts word by word."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.columns import Columns, Words
from specc.data.csv_format import is_number
from specc.data.source import Dataset, Names, Source
from specc.data.table import Table
from specc.data.tabular import Tabular
from specc.errors import DataError
from specc.spec.data import DataSpec
from specc.spec.forms import name_problem
from specc.starters.columns import Features, Goal, features, goal
from specc.starters.frame import (
    HELD_OUT,
    UNEVEN,
    Starter,
    counted,
    finished,
    in_spec,
    loop,
    model_name,
    yaml,
)

# Sources by the end of a file's name.
SOURCES = {
    ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
DELIMITERS = ",;\t|"
ROW = "row"
# Rows from which on steps are larger, and the layers wider.
MANY, WIDE = 5000, 20


def table(path: Path, name: str, target: str | None = None) -> Starter:
    """A network of two hidden layers that predicts one column of a table from the others.

    Args:
        path: a CSV, TSV, Parquet or Arrow file.
        name: of the model.
        target: the column to predict; by default one called target, label, class, y or output,
            else the last.

    Raises:
        DataError: the file is no table that can be read, or there is nothing to predict.
    """
    key, fields = _source(path)
    read = _parsed(key, fields | {"target": 0})
    opened = read.read(str(fields["path"]), None, "--table")
    wanted = goal(opened, target)
    found = features(opened, wanted.name)
    fields |= _fields(wanted, found)
    split = {"stratified" if wanted.classes else "random": HELD_OUT}
    loaded = DataSpec.model_validate({"dataset": {key: fields}, "split": split}).load(
        None, Names(tuple(_inputs(found)), ("output",))
    )
    return _written(opened, name, key, fields, split, wanted, found, loaded)


def _source(path: Path) -> tuple[str, dict[str, Any]]:
    """(the source's key, its fields that say how the file is read)."""
    key = SOURCES.get(path.suffix.lower())
    if key is None:
        raise DataError(
            f"{path}: expected a table whose name ends in one of {', '.join(SOURCES)}; rename it"
        )
    fields: dict[str, Any] = {"path": in_spec(path)}
    if key == "csv" and path.is_file():
        fields |= _csv_form(path)
    return key, fields


def _csv_form(path: Path) -> dict[str, Any]:
    """The delimiter where it is no comma, and whether there are names, from the first line."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(2**20)
    delimiter = max(DELIMITERS, key=line.count)
    (cells,) = csv.reader([line], delimiter=delimiter) if line.strip() else ([],)
    form: dict[str, Any] = {} if delimiter == "," or len(cells) < 2 else {"delimiter": delimiter}  # noqa: PLR2004
    if cells and all(map(is_number, cells)):
        form["header"] = False
    return form


def _parsed(key: str, fields: Mapping[str, Any]) -> Tabular:
    source = Source.parse({key: fields})
    if not isinstance(source, Tabular):
        raise DataError(f"{key}: expected a source of tables")
    return source


def _input_names(found: Features) -> dict[str, str]:
    """What the input of each text column is called: as the column where that is a name."""
    return {
        column: f"text_{i}" if name_problem(column) or column == ROW else column
        for i, column in enumerate(found.texts)
    }


def _inputs(found: Features) -> dict[str, list[str]]:
    """The columns of each input."""
    row = {ROW: [*found.row]} if found.row else {}
    return row | {name: [column] for column, name in _input_names(found).items()}


def _fields(wanted: Goal, found: Features) -> dict[str, Any]:
    """The fields of the source that say what columns mean."""
    fields: dict[str, Any] = {"target": wanted.name}
    inputs = _inputs(found)
    if found.left_out or len(inputs) > 1:
        fields["features"] = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    fields["columns"] = {**found.row, **found.texts}
    if wanted.incomplete:
        fields["missing"] = "drop"
    return fields


def _written(
    opened: Table,
    name: str,
    key: str,
    fields: Mapping[str, Any],
    split: Mapping[str, Any],
    wanted: Goal,
    found: Features,
    loaded: Dataset,
) -> Starter:
    prepared = {
        name: each for name, each in loaded.preparations.items() if isinstance(each, Columns)
    }
    samples = len(loaded.train)
    units = 64 if sum(each.width for each in prepared.values()) > WIDE else 32
    left = "".join(f"# Left out: {column} ({why}).\n" for column, why in found.left_out.items())
    text = f"""\
# Predicts {wanted.name}, {_kind(wanted)}.
{left}specc: 1
name: {model_name(name)}
inputs:
{_input_lines(prepared)}layers:
{_reading(found, prepared)}\
  - dense: {{units: {units}, activation: relu}}
  - dropout: 0.2
  - dense: {{units: {units}, activation: relu}}
{_head(wanted)}train:
{_goal_lines(wanted, loaded)}{loop(samples, 32 if samples < MANY else 128)}data:
  {key}: {yaml(fields)}
  split: {yaml(split)}
"""
    read = [
        *([counted(len(found.row), "column")] if found.row else []),
        *([f"texts ({', '.join(found.texts)})"] if found.texts else []),
    ]
    out = f"; left out: {', '.join(found.left_out)}" if found.left_out else ""
    told = (
        f"{counted(len(opened), 'row')}; predicts {wanted.name} ({_kind(wanted)}) from "
        f"{' and '.join(read)}{out}"
    )
    return finished(text, told)


def _kind(wanted: Goal) -> str:
    return f"one of {wanted.classes} classes" if wanted.classes else "a number"


def _input_lines(prepared: Mapping[str, Columns]) -> str:
    lines: list[str] = []
    for name, each in prepared.items():
        shape = f"[{each.width}]"
        if each.dtype != "float32":
            shape = f"{{shape: {shape}, dtype: {each.dtype}}}"
        told = "numbers, and one for each value of a category" if name == ROW else "words"
        lines.append(f"  {yaml(name)}: {shape}    # {told}\n")
    return "".join(lines)


def _reading(found: Features, prepared: Mapping[str, Columns]) -> str:
    """Layers that bring texts and the row together."""
    lines: list[str] = []
    parts = [ROW] if found.row else []
    for name in _input_names(found).values():
        (kind,) = prepared[name].columns.values()
        words = len(kind.learned or ()) if isinstance(kind, Words) else 0
        # Two more: 0 is no word, 1 an unknown one.
        lines.append(
            f"  - embedding: {{input_dim: {words + 2}, output_dim: 32, mask_zero: true}}\n"
            f"    inputs: {yaml(name)}\n"
            f"  - global_average_pooling1d:    # the mean of the vectors of its words\n"
            f"    name: {yaml(f'mean_{name}')}\n"
        )
        parts.append(f"mean_{name}")
    if len(parts) > 1:
        lines.append(f"  - concatenate:\n    inputs: {yaml(parts)}\n")
    return "".join(lines)


def _head(wanted: Goal) -> str:
    if wanted.classes:
        return f"  - dense: {{units: {wanted.classes}, activation: softmax}}\n"
    scale, offset = (float(f"{value:.4g}") for value in (wanted.deviation, wanted.mean))
    return (
        "  - dense: 1\n"
        f"  - rescaling: {{scale: {scale}, offset: {offset}}}"
        f"    # to the spread and the mean of the target\n"
    )


def _goal_lines(wanted: Goal, loaded: Dataset) -> str:
    """Loss, optimizer and metrics."""
    adam = "  optimizer: {adam: {learning_rate: 0.002}}\n"
    if not wanted.classes:
        return f"  loss: mse\n{adam}  metrics: [mae, r2_score]\n"
    lines = f"  loss: sparse_categorical_crossentropy\n{adam}  metrics: [accuracy]\n"
    counts = np.bincount(np.asarray(loaded.train.y[0]), minlength=wanted.classes)
    there = counts[counts > 0]
    if there.max() > UNEVEN * there.min():
        lines += "  class_weight: balanced    # some classes are much rarer than others\n"
    return lines
