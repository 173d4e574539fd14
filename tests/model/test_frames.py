"""Tables and tensors of other libraries give what their NumPy arrays give."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import specc
from specc.errors import DataError
from specc.spec.reader import loads

SPEC = """
specc: 1
inputs: {x: [3]}
layers: [{dense: {units: 2, activation: softmax}}]
train: {loss: sparse_categorical_crossentropy, optimizer: {sgd: 0.1}}
"""
TWO = """
specc: 1
inputs: {a: [1], b: [1]}
layers: [{concatenate: {}, inputs: [a, b]}, {dense: 1}]
train: {loss: mse}
"""
TEXT = """
specc: 1
inputs: {t: {shape: [1], dtype: string}}
layers: [{string_lookup: {vocabulary: [a, b]}}, {embedding: {input_dim: 3, output_dim: 4}}, flatten]
"""
X = np.random.default_rng(0).normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(np.int64)


class Tensor:
    """As PyTorch's: arrays only after `detach` and `cpu`."""

    def __init__(self, array, state="on the device with a gradient"):
        self._array, self._state, self.shape = array, state, array.shape

    def detach(self):
        return Tensor(self._array, "on the device")

    def cpu(self):
        assert self._state == "on the device"
        return Tensor(self._array, "plain")

    def __array__(self, dtype=None, copy=None):
        if self._state != "plain":
            raise RuntimeError("can't convert a tensor that requires grad")
        return np.array(self._array, dtype)


class Frame:
    """As pandas': columns by name, objects where their types differ."""

    def __init__(self, array, columns):
        self._array, self.columns, self.shape = array, columns, array.shape

    def to_numpy(self):
        return self._array.astype(object)

    def __getitem__(self, name):
        return self._array[:, self.columns.index(name)]


def trained(x, y):
    model = specc.Model(loads(SPEC))
    history = model.fit(x, y, epochs=2, validation_split=0.2, verbose=0).history
    return history, model.predict(x)


def same(x, y):
    history, predicted = trained(x, y)
    wanted, expected = trained(X, Y)
    assert history == wanted
    np.testing.assert_array_equal(predicted, expected)


def test_tensors_with_gradients():
    same(Tensor(X), Tensor(Y))
    same([Tensor(X)], Tensor(Y))


def test_frames_of_objects():
    same(Frame(X, ["a", "b", "c"]), Frame(Y[:, np.newaxis], ["y"]))


def test_columns_are_inputs_by_name():
    model, other = specc.Model(loads(TWO)), specc.Model(loads(TWO))
    frame = Frame(X, ["c", "b", "a"])
    one = model.fit(frame, Y * 1.0, verbose=0).history
    assert one == other.fit({"a": X[:, 2], "b": X[:, 1]}, Y * 1.0, verbose=0).history
    with pytest.raises(DataError, match="expected columns a, b; missing a"):
        model.predict(Frame(X, ["b", "c", "d"]))


def test_text_is_still_refused():
    with pytest.raises(DataError, match="expected numbers, received object"):
        trained(Frame(np.array([["red", "1", "2"]] * 20), list("abc")), Y)


def test_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=list("abc"))
    same(frame, pandas.Series(Y))
    same(frame.astype("Float64"), pandas.Series(Y).astype("Int64"))


def test_polars():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    same(polars.DataFrame(X), polars.Series(Y))
    same(polars.Series(X.tolist()), polars.Series(Y > 0))


@pytest.fixture
def lazily(monkeypatch):
    """Makes lazy frames: those of polars, or of a stand-in with what is used of them."""
    try:
        import polars
    except ImportError:
        monkeypatch.setitem(sys.modules, "polars", STAND_IN)
        return Lazy
    return lambda cells: polars.DataFrame(cells).lazy()


class Lazy:
    """As polars': no array and no shape, only a frame once it is asked for."""

    def __init__(self, cells):
        self._cells = cells

    def collect_schema(self):
        return SimpleNamespace(names=lambda: list(self._cells))

    def select(self, wanted):
        return SimpleNamespace(collect=lambda: np.array(len(next(iter(self._cells.values())))))

    def collect(self):
        return Frame(np.stack(list(self._cells.values()), 1), list(self._cells))

    def __getitem__(self, item):
        raise TypeError("LazyFrame is not subscriptable")


STAND_IN = SimpleNamespace(
    LazyFrame=Lazy, len=lambda: None, exceptions=SimpleNamespace(PolarsError=KeyError)
)


def test_lazy_frames(lazily, monkeypatch):
    cells = {name: X[:, i] for i, name in enumerate("abc")}
    same(lazily(cells), lazily({"y": Y}))
    model, other = specc.Model(loads(TWO)), specc.Model(loads(TWO))
    one = model.fit(lazily(cells), Y * 1.0, verbose=0).history
    assert one == other.fit([X[:, 0], X[:, 1]], Y * 1.0, verbose=0).history
    monkeypatch.setattr("specc.data.lazy.MAX_BYTES", 20 * 3 * 8)
    np.testing.assert_array_equal(model.predict(lazily(cells)), other.predict([X[:, 0], X[:, 1]]))
    monkeypatch.setattr("specc.data.lazy.MAX_BYTES", 20 * 3 * 8 - 1)
    with pytest.raises(DataError, match="found 20 rows of 3 columns, about 480; select what"):
        model.predict(lazily(cells))


def test_lazy_frames_that_cannot_be_computed(tmp_path):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    for lazy in (
        polars.LazyFrame({"a": [1.0]}).select("b"),
        polars.scan_csv(tmp_path / "none.csv"),
    ):
        with pytest.raises(DataError, match="LazyFrame: expected one that can be collected, "):
            specc.Model(loads(SPEC)).predict(lazy)


def test_arrow():
    """Tables, batches, arrays of numbers, truths and lists; by name for several inputs."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = pa.table({name: X[:, i] for i, name in enumerate("abc")})
    same(table, pa.array(Y))
    same(table.to_batches()[0], pa.chunked_array([Y[:7], Y[7:]]))
    same(pa.array(X.tolist()), pa.array(Y > 0))
    same(pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 3), pa.table({"y": Y}))
    model, other = specc.Model(loads(TWO)), specc.Model(loads(TWO))
    one = model.fit(table, Y * 1.0, verbose=0).history
    assert one == other.fit([X[:, 0], X[:, 1]], Y * 1.0, verbose=0).history
    with pytest.raises(DataError, match="expected columns a, b; missing a"):
        model.predict(table.drop_columns(["a"]))
    np.testing.assert_array_equal(
        model.predict(table.to_batches()[0]), model.predict([X[:, 0], X[:, 1]])
    )


def test_texts_of_arrow():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    model = specc.Model(loads(TEXT))
    cells = ["a", "b", "c", "a"]
    wanted = model.predict(np.array(cells, object))
    for texts in (pa.array(cells), pa.chunked_array([cells[:1], cells[1:]]),
                  pa.array(cells).dictionary_encode(), pa.table({"t": cells})):  # fmt: skip
        np.testing.assert_array_equal(model.predict(texts), wanted)


class Brain(Tensor):
    """As PyTorch's of bfloat16, which NumPy does not have."""

    dtype = "torch.bfloat16"

    def detach(self):
        return self

    def cpu(self):
        return self

    def float(self):
        return Tensor(self._array.astype(np.float32), "on the device").cpu()

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


def test_numbers_that_numpy_does_not_have():
    short = X.astype(np.float32)
    model = specc.Model(loads(SPEC))
    np.testing.assert_array_equal(model.predict(Brain(short)), model.predict(short))
