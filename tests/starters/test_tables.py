"""Specs for tables: columns are what their cells say, and a run accepts them as they are."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from specc.data.source import Names
from specc.errors import DataError
from specc.network import build
from specc.spec.fmt import format_text
from specc.spec.reader import loads
from specc.starters import table

COLOURS = ("red", "green", "blue")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, header, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([header, *rows] if header else rows)
    return path


def opened(made):
    """(the spec, its network, its data), after what holds for all starters is checked."""
    assert format_text(made.text) == made.text
    spec = loads(made.text)
    network = build(spec)
    names = [ref.call.node.name for ref in network.inputs]
    shapes = {name: ref.shape for name, ref in zip(names, network.inputs, strict=True)}
    found = spec.data.load(None, Names(tuple(names), tuple(network.output_names), shapes))
    for column, ref in zip(found.train.x, network.inputs, strict=True):
        assert column.shape[1:] == ref.shape[1:]
    return spec, network, found


def test_numbers_and_categories_to_a_class(tmp_path):
    rows = [
        [i, i % 7 / 7, COLOURS[i % 3], "" if i % 5 == 0 else i % 4, "same", f"name {i}", i % 2]
        for i in range(60)
    ]
    rows = [[*row[:-1], "no" if row[-1] else "yes"] for row in rows]
    header = ["id", "size", "colour", "rooms", "constant", "who", "sold"]
    made = table(write(tmp_path / "houses.csv", header, rows), "houses")
    spec, network, found = opened(made)
    kinds = {name: kind.written() for name, kind in spec.data.dataset.columns.items()}
    assert kinds == {
        "size": "numeric", "colour": "category", "rooms": {"numeric": {"missing": "mean"}},
    }  # fmt: skip
    assert network.inputs[0].shape == (None, 1 + 3 + 1)
    assert network.outputs[0].shape == (None, 2)
    assert found.classes == ["no", "yes"]
    assert (len(found.train), len(found.validation), len(found.test)) == (42, 10, 8)
    assert made.told == (
        "60 rows; predicts sold (one of 2 classes) from 3 columns; left out: id, constant, who"
    )
    assert "# Left out: constant (one value).\n" in made.text


def test_a_number_is_scaled_back(tmp_path):
    """The last layer brings outputs near 0 to the target's mean and deviation."""
    prices = np.random.default_rng(0).normal(200_000, 50_000, 80)
    rows = [[i % 9, price] for i, price in enumerate(prices)]
    spec, network, _ = opened(table(write(tmp_path / "p.csv", ["a", "price"], rows), "p"))
    last = network.calls[-1].node.layer
    assert last.scale == pytest.approx(prices.std(), rel=1e-3)
    assert last.offset == pytest.approx(prices.mean(), rel=1e-3)
    assert [metric.key for metric in spec.train.metrics] == ["mean_absolute_error", "r2_score"]


def test_texts_are_read_word_by_word(tmp_path):
    words = ["good film", "bad film", "a film"]
    rows = [
        [f"it is {words[i % 2]} that I {'saw' if i % 3 else 'like'} number {i}", i % 5, i % 2]
        for i in range(40)
    ]
    header = ["what they say", "stars", "label"]
    made = table(write(tmp_path / "r.tsv", header, rows, "\t"), "r")
    spec, network, found = opened(made)
    assert [ref.shape for ref in network.inputs] == [(None, 1), (None, 16)]
    kind = spec.data.dataset.columns["what they say"]
    assert (kind.key, kind.length) == ("text", 16)
    embedding = next(call.node.layer for call in network.calls if "embedding" in call.name)
    learned = found.preparations["what they say"].columns["what they say"].learned
    assert embedding.input_dim == len(learned) + 2


@pytest.mark.parametrize(
    ("cells", "target", "classes"),
    [
        (["0", "1", "2"] * 10, "zero to two", 3),
        (["3", "5", "8"] * 10, "up to eight", 9),
        (["-1", "1"] * 15, "with signs", 0),
        ([str(i) for i in range(30)], "many", 0),
        (["0.5", "1"] * 15, "fractions", 0),
        (["a", "b", ""] * 10, "with gaps", 2),
    ],
)
def test_what_a_target_means(tmp_path, cells, target, classes):
    rows = [[cell, i % 4] for i, cell in enumerate(cells)]
    made = table(write(tmp_path / "t.csv", [target, "x"], rows), "t", target)
    _, network, found = opened(made)
    assert network.outputs[0].shape == (None, classes or 1)
    assert ("softmax" in made.text) == bool(classes)
    gaps = sum(not cell for cell in cells)
    assert ("missing: drop" in made.text) == bool(gaps)
    assert len(found.train) + len(found.test) + len(found.validation) == 30 - gaps


def test_the_target_is_named_or_the_last(tmp_path):
    rows = [[i % 2, i % 3, i % 5 / 2] for i in range(30)]
    named = table(write(tmp_path / "a.csv", ["x", "Label", "z"], rows), "a")
    assert "predicts Label " in named.told
    last = table(write(tmp_path / "b.csv", ["x", "y1", "z"], rows), "b")
    assert "predicts z " in last.told


def test_files_without_names_and_with_other_delimiters(tmp_path):
    rows = [[i / 7, i % 3] for i in range(30)]
    spec, _, _ = opened(table(write(tmp_path / "s.csv", None, rows, ";"), "s"))
    source = spec.data.dataset
    assert (source.header, source.delimiter, source.target) == (False, ";", "1")


def test_parquet_and_uneven_classes(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"x": np.linspace(0, 1, 100), "fraud": [i % 10 == 0 for i in range(100)]}
    parquet.write_table(arrow.table(columns), tmp_path / "pay.parquet")
    spec, _, found = opened(table(tmp_path / "pay.parquet", "pay"))
    assert spec.data.dataset.key == "parquet"
    assert spec.train.class_weight == "balanced"
    assert found.classes == ["false", "true"]


@pytest.mark.parametrize(
    ("header", "rows", "target", "message"),
    [
        (["a", "b"], [["x y", 1]] * 30, "a", r"column 'a': expected something to predict"),
        (["a", "b"], [[f"n{i}", 1] for i in range(90)], "a", r"found 90 different texts; name"),
        (["a", "b"], [["same", i] for i in range(30)], "b", r"expected columns to predict from"),
        (["a", "b"], [[1, 2], [2, 3]], "c", r"expected a column 'c'"),
    ],
)
def test_tables_that_cannot_be_learned(tmp_path, header, rows, target, message):
    with pytest.raises(DataError, match=message):
        table(write(tmp_path / "t.csv", header, rows), "t", target)


def test_files_of_no_known_kind(tmp_path):
    with pytest.raises(DataError, match=r"t\.xlsx: expected a table whose name ends in one of"):
        table(tmp_path / "t.xlsx", "t")
