"""Forms of the summary, and the table's geometry."""

import json

import numpy as np
import pytest
import rich.console
import rich.markup
import rich.table

from specc.errors import SpeccError
from specc.keras_import import from_keras
from specc.summaries import CHAIN, GRAPH, summary, table
from specc.summaries.rows import size_text
from tests.golden import app, graphs


def digits():
    return summary(from_keras(app("digits_cnn")["config.json"]))


def test_a_batch_size_fills_the_open_axis():
    info = summary(from_keras(app("digits_cnn")["config.json"]), batch=64)
    assert info.to_dict()["layers"][0]["output_shape"] == [64, 26, 26, 32]
    assert "(64, 26, 26, 32)" in str(info)


def test_several_outputs_give_a_list_of_shapes():
    info = summary(from_keras(graphs()["nested_with_two_outputs"]["config"]))
    (pair,) = [row for row in info.to_dict()["layers"] if row["name"] == "pair"]
    assert pair["output_shape"] == [[None, 4], [None, 3]]


def test_json_is_the_dict():
    assert json.loads(digits().json()) == digits().to_dict()


def test_markdown_has_a_row_for_each_layer_and_the_totals():
    lines = digits().markdown().splitlines()
    assert lines[:4] == [
        "**sequential**",
        "",
        "| Layer (type) | Output Shape | Param # |",
        "|---|---|---:|",
    ]
    assert lines[4] == "| conv2d (Conv2D) | (None, 26, 26, 32) | 320 |"
    assert lines[-3] == "Total params: 93,322 (364.54 KB)  "


@pytest.mark.parametrize("width", [5, 10, 15])
def test_a_line_too_short_is_refused_and_the_advice_is_right(width):
    with pytest.raises(SpeccError, match="use --line-length") as error:
        digits().text(width)
    advised = int(str(error.value).split("--line-length ")[1].split()[0])
    assert digits().text(advised)
    with pytest.raises(SpeccError):
        digits().text(advised - 1)


def drawn_by_rich(columns, rows, line_length):
    """The table as Keras' print_summary makes it."""
    ends = [0, *(int(column.end * line_length) for column in columns)]
    made = rich.table.Table(
        *[
            rich.table.Column(column.heading, justify=column.align, width=ends[i + 1] - ends[i])
            for i, column in enumerate(columns)
        ],
        width=line_length,
        show_lines=True,
    )
    for row in rows:
        made.add_row(*[rich.markup.escape(cell) for cell in row])
    console = rich.console.Console(
        width=line_length,
        highlight=False,
        force_terminal=False,
        color_system=None,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(made)
    return capture.get().rstrip("\n")


@pytest.mark.parametrize("seed", range(40))
def test_tables_against_rich(seed):
    """Oracle: rich itself, on words of random lengths at a random width, some of wide letters."""
    rng = np.random.default_rng(seed)
    columns = [CHAIN, GRAPH][seed % 2]
    width = int(rng.integers(30, 140))
    letters = ["x", "x", "層", "é", "e\u0301", "😀"]
    rows = [
        [
            " ".join(
                "".join(rng.choice(letters, n)) if seed % 4 > 1 else "x" * int(n)
                for n in rng.integers(1, 30, rng.integers(1, 5))
            )
            for _ in columns
        ]
        for _ in range(4)
    ]
    assert table.draw(columns, rows, width) == drawn_by_rich(columns, rows, width)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.00 B"),
        (1023, "1023.00 B"),
        (1024, "1.00 KB"),
        (373288, "364.54 KB"),
        (2**60, "1024.00 PB"),
    ],
)
def test_sizes(size, text):
    """Oracle: Keras' readable_memory_size (1024 PB stays PB)."""
    assert size_text(size) == text
