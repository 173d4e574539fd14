"""Typed columns. Oracles: values by hand, pandas-like loops in NumPy, and the served graph."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from specc.compiler.bundle import baked
from specc.data.columns import Category, Columns, Numeric, Words
from specc.data.csv_format import read_csv
from specc.data.preparation import Pixels, preparations, stored
from specc.data.source import Names, Source
from specc.data.splits import Time
from specc.errors import DataError
from specc.spec.reader import loads

TEXT = """day,age,job,note,rich
3,20,nurse,a small flat,no
1,30,clerk,a big  house,yes
2,,nurse,,yes
4,60,boss,a house and a cat,no
"""
TWO = {"age": {"numeric": {"missing": "mean"}}, "job": "category"}
KINDS = {**TWO, "note": {"text": {"length": 3}}}


def table(tmp_path, text=TEXT):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return read_csv(tmp_path / "t.csv")


def load(tmp_path, names=None, text=TEXT, **fields):
    table(tmp_path, text)
    return Source.parse({"csv": {"path": "t.csv", "target": "rich", **fields}}).load(
        tmp_path, names
    )


def learn(kind, read, name, rows):
    learning = kind.learning(name)
    learning.see(read, rows)
    return learning.done()


def learned(tmp_path, kind, name, rows=(0, 1, 2, 3)):
    read = table(tmp_path)
    kind = learn(kind, read, name, np.array(rows))
    return kind, kind.encode(kind.read(read, name))


def test_zscore_minmax_and_missing_numbers(tmp_path):
    known = np.array([20, 30, 60])
    kind, found = learned(tmp_path, Numeric(missing="mean"), "age")
    expected = (np.array([20, 30, known.mean(), 60]) - known.mean()) / known.std()
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    _, found = learned(tmp_path, Numeric(scale="minmax", missing=-20.0), "age")
    np.testing.assert_allclose(found[:, 0], [0, 0.25, -1, 1], rtol=1e-6)
    _, found = learned(tmp_path, Numeric(scale="none", missing="mean"), "age", (0, 1))
    np.testing.assert_array_equal(found[:, 0], [20, 30, 25, 60])
    assert kind.learned is not None
    with pytest.raises(DataError, match=r"t\.csv:4: column 'age': expected a value, found none"):
        learned(tmp_path, Numeric(), "age")


def test_a_constant_column_stays_finite(tmp_path):
    read = table(tmp_path, "a\n5\n5\n")
    for scale in ("zscore", "minmax"):
        kind = learn(Numeric(scale=scale), read, "a", np.arange(2))
        np.testing.assert_array_equal(kind.encode(kind.read(read, "a")), [[0], [0]])


@pytest.mark.parametrize("cell", ["inf", "-1e39", "1e300"])
def test_numbers_beyond_float32_are_refused(tmp_path, cell):
    read = table(tmp_path, f"a\n5\n{cell}\n")
    for scale in ("zscore", "minmax", "none"):
        with pytest.raises(DataError, match=r"t\.csv:3: column 'a': .* within float32"):
            learn(Numeric(scale=scale), read, "a", np.arange(2))


def test_categories(tmp_path):
    _, found = learned(tmp_path, Category(), "job")  # boss, clerk, nurse
    np.testing.assert_array_equal(found, [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    _, found = learned(tmp_path, Category(encoding="index"), "job", (0, 1, 2))  # clerk, nurse
    np.testing.assert_array_equal(found, [[2], [1], [2], [0]])
    _, found = learned(tmp_path, Category(vocabulary=1), "job")
    np.testing.assert_array_equal(found, [[1], [0], [1], [0]])
    with pytest.raises(DataError, match="column 'note': expected a value"):
        learned(tmp_path, Category(), "note")
    kind, found = learned(tmp_path, Category(missing="unknown"), "note")
    assert (kind.width, found.sum()) == (3, 3)
    kind, found = learned(tmp_path, Category(missing="value"), "note")
    assert (kind.width, found.sum()) == (4, 4)


def test_words(tmp_path):
    kind, found = learned(tmp_path, Words(length=3, vocabulary=3), "note")
    assert kind.learned == ("a", "house", "and")
    np.testing.assert_array_equal(found, [[2, 1, 1], [2, 1, 0], [0, 0, 0], [2, 3, 4]])


def test_numbers_are_told_as_the_cells_that_they_were(tmp_path):
    """The way back: rows 1 and 2 teach, so the others hold what is unknown."""
    kinds = {
        "age": Numeric(missing="mean"), "job": Category(), "note": Words(length=3),
    }  # fmt: skip
    read = table(tmp_path)
    columns = Columns(columns={n: learn(kind, read, n, np.array([0, 1])) for n, kind in
                               kinds.items()}, dtype="float32")  # fmt: skip
    rows = columns.apply([kind.read(read, name) for name, kind in columns.columns.items()])
    told = [dict(columns.told(row)) for row in rows]
    assert [each["age"] for each in told] == ["20", "30", "25", "60"]
    assert [each["job"] for each in told] == [
        cell if cell in {*read.texts("job")[:2]} else "?" for cell in read.texts("job")
    ]
    known = {word for cell in read.texts("note")[:2] for word in cell.split(" ")}
    for each, cell in zip(told, read.texts("note"), strict=True):
        words = [word if word in known else "?" for word in cell.split(" ")[:3]]
        assert each["note"] == " ".join(words if cell else []).strip()


def test_statistics_are_those_of_the_training_rows(tmp_path):
    names = Names(("x",), ("y",), split=Time(name="day", test=0.25, validation=0.25))
    data = load(tmp_path, names, features=["age", "job"], columns=TWO)
    assert data.train.y[0].tolist() == [1, 1]  # days 1 and 2
    assert data.validation.y[0].tolist() == [0]
    assert data.test.y[0].tolist() == [0]
    prepared = data.preparations["x"]
    assert prepared.columns["age"].learned[2] == 30.0
    assert prepared.columns["job"].learned == ("clerk", "nurse")
    np.testing.assert_array_equal(data.test.x[0][:, 1:], [[0, 0]])  # a boss is unknown


def test_what_was_learned_is_used_again(tmp_path):
    first = load(tmp_path, Names(("x",), ("y",)), features="job", columns={"job": "category"})
    other = "job,rich\nboss,no\n"
    names = Names(("x",), ("y",), learned=first.learned)
    again = load(tmp_path, names, other, features="job", columns={"job": "category"})
    np.testing.assert_array_equal(again.train.x[0], [[1, 0, 0]])
    assert again.classes == ["no", "yes"]
    with pytest.raises(DataError, match="expected a class that the model was trained with, found"):
        load(tmp_path, names, "job,rich\nboss,maybe\n", features="job")


def test_stored_preparations_read_back(tmp_path):
    data = load(tmp_path, Names(("x",), ("y",)), features=["age", "job"],
                columns={"age": {"numeric": {"missing": 0.1}}, "job": "category"})  # fmt: skip
    pixels = Pixels(shape=(2, 2, 1), mean=(0.1,), deviation=(3,))
    found = {**data.preparations, "image": pixels}
    assert preparations(stored(found)) == found


def test_rows_that_miss_something_are_dropped(tmp_path):
    data = load(tmp_path, features=["day", "age"], missing="drop")
    np.testing.assert_array_equal(data.train.x[0], [[3, 20], [1, 30], [4, 60]])
    assert data.train.y[0].tolist() == [0, 1, 0]
    data = load(tmp_path, features=["age"], columns={"age": {"numeric": {"missing": 0.0}}},
                missing="drop")  # fmt: skip
    assert len(data.train) == 4


SPEC = """
specc: 1
inputs: {row: [5], words: {shape: [3], dtype: int32}, plain: [1]}
layers:
  - {embedding: {input_dim: 12, output_dim: 2}, inputs: words}
  - flatten
  - {concatenate: {}, inputs: [row, flatten, plain]}
  - dense: 2
"""


def test_the_served_graph_takes_the_cells(tmp_path):
    """Oracle: the layers' graph on what NumPy prepared: equal bits, unknown values included."""
    spec = loads(SPEC)
    groups = {"row": ["age", "job", "day"], "words": "note", "plain": "day"}
    names = Names(("row", "words", "plain"), ("dense",))
    data = load(tmp_path, names, features=groups, columns=KINDS)
    weights = {
        name: np.random.default_rng(0).normal(size=shape).astype(np.float32)
        for name, shape in {"embedding/embeddings": (12, 2), "dense/kernel": (12, 2),
                            "dense/bias": (2,)}.items()
    }  # fmt: skip
    served = baked(spec, weights, None, None, data.preparations)
    assert [(p.name, p.dtype) for p in served.inputs if p.role == "input"] == [
        ("age", "float32"), ("job", "string"), ("day", "float32"), ("note", "string"),
        ("plain", "float32"),
    ]  # fmt: skip
    cells = {
        "age": np.array([[20], [np.nan], [33]], np.float32),
        "job": np.array([["boss"], ["pilot"], [""]], object),
        "day": np.array([[1], [2], [3]], np.float32),
        "note": np.array([["a  house boat"], [""], ["cat and a big house"]], object),
        "plain": np.array([[1], [2], [3]], np.float32),
    }
    session = onnxruntime.InferenceSession(served.model, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, cells)
    row, words = data.preparations["row"], data.preparations["words"]
    fed = {
        "row": row.apply([cells["age"], cells["job"], cells["day"]]),
        "words": words.apply([cells["note"]]),
        "plain": cells["plain"],
    }
    assert fed["words"].tolist()[1] == [0, 0, 0]
    plain = onnxruntime.InferenceSession(
        baked(spec, weights).model, providers=["CPUExecutionProvider"]
    )
    (expected,) = plain.run(None, fed)
    np.testing.assert_array_equal(found, expected)


def test_pixels_in_the_graph():
    spec = loads("{specc: 1, inputs: {image: [2, 3, 3]}, layers: [flatten]}")
    pixels = Pixels(shape=(2, 3, 3), mean=(0.5, 0.25, 0.125), deviation=(0.5, 2.0, 0.3))
    image = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 3), dtype=np.uint8)
    served = baked(spec, {}, None, None, {"image": pixels})
    session = onnxruntime.InferenceSession(served.model, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image})
    expected = (image / np.float32(255) - np.float32(pixels.mean)) / np.float32(pixels.deviation)
    np.testing.assert_allclose(found, expected.reshape(4, -1), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(pixels.apply([image]).reshape(4, -1), expected.reshape(4, -1))


def test_what_cannot_be(tmp_path):
    names = Names(("x",), ("y",), {"x": (None, 7)})
    with pytest.raises(DataError, match=r"make 4 numbers \(age 1, job 3\), but .* \{x: \[4\]\}"):
        load(tmp_path, names, features=["age", "job"], columns=TWO)
    with pytest.raises(
        DataError, match=r"csv\.columns: expected columns of the inputs, found 'job'"
    ):
        load(tmp_path, features="age", columns={"job": "category"})
    with pytest.raises(DataError, match="expected a column 'jop'; did you mean 'job'"):
        load(tmp_path, columns={"jop": "category"})
    with pytest.raises(DataError, match="call the column a category"):
        load(tmp_path, features="job")


def test_columns_of_whole_numbers_stay_whole():
    index = Category(encoding="index", learned=("a",))
    made = Columns(columns={"a": index, "b": index}, dtype="int32")
    cells = np.array([["a"], ["z"]], object)
    found = made.apply([cells, cells])
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, [[1, 1], [0, 0]])
