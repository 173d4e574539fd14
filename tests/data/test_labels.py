"""Classes of samples that lie in files. Oracle: the same samples in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc.artifacts import compiled
from specc.data.labels import class_ids
from specc.data.rows import Array, Index, Rows, whole
from specc.data.source import Names
from specc.feeding import weights
from specc.runs.loading import dataset_of, fitted
from specc.runs.places import Places
from specc.runs.training import train
from specc.spec.reader import loads

COUNT = 3000
SPEC = """
specc: 1
inputs: {x: [3]}
layers: [{dense: {units: 4, activation: softmax}}]
train: {loss: sparse_categorical_crossentropy, batch_size: 100, class_weight: balanced}
"""
SPLIT = "{stratified: {test: 0.2, validation: 0.1}}"
NAMES = Names(("x",), ("dense",), {"x": (None, 3)}, {"x": "float32"})


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of some kilobytes are large, and labels are read a hundred at a time."""
    monkeypatch.setattr("specc.data.labels.AT_ONCE", 100)
    monkeypatch.setattr("specc.data.numpy_format.LARGE", 2**10)
    monkeypatch.setattr("specc.data.spool.HELD", 2**10)
    for module in ("csv_large", "arrow_table"):
        monkeypatch.setattr(f"specc.data.{module}.LARGE", 2**12)
        monkeypatch.setattr(f"specc.data.{module}.PART", 2**12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same samples, 0 to 3 of different frequency, in every format."""
    root = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(COUNT, 3)).round(3).astype(np.float32)
    y = np.repeat(np.arange(4), [1500, 900, 400, 200])[rng.permutation(COUNT)]
    np.save(root / "x.npy", x)
    np.save(root / "y.npy", y)
    np.save(root / "column.npy", y[:, np.newaxis].astype(np.uint8))
    np.save(root / "hot.npy", np.eye(4, dtype=np.float32)[y])
    np.savez(root / "a.npz", x=x, y=y)
    lines = [",".join([*map(str, row), str(label)]) for row, label in zip(x, y, strict=True)]
    (root / "t.csv").write_text("\n".join(["a,b,c,kind", *lines]) + "\n")
    hot = [
        ",".join(map(str, [*row, *np.eye(4, dtype=int)[k]])) for row, k in zip(x, y, strict=True)
    ]
    (root / "hot.csv").write_text("\n".join(["a,b,c,k0,k1,k2,k3", *hot]) + "\n")
    return root


def parquet(folder: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet

    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "kind": y})
    pyarrow.parquet.write_table(table, folder / "t.parquet", row_group_size=500)
    pyarrow.feather.write_feather(table, folder / "t.feather", chunksize=500)


SOURCES = [
    "npy: {x: x.npy, y: y.npy}",
    "npy: {x: x.npy, y: column.npy}",
    "npz: a.npz",
    "npy: {x: x.npy, y: hot.npy}",
    "csv: {path: hot.csv, target: [k0, k1, k2, k3]}",
    "csv: {path: t.csv, target: kind}",
    "parquet: {path: t.parquet, target: kind}",
    "arrow: {path: t.feather, target: kind}",
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("split", [SPLIT, None])
@pytest.mark.parametrize("balance", ["oversample", "undersample", None])
def test_files_are_divided_and_balanced_like_arrays(folder, lowered, source, split, balance):
    if "parquet" in source or "arrow" in source:
        parquet(folder)
    options = "".join(
        f"  {name}: {value}\n" for name, value in (("split", split), ("balance", balance)) if value
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specc.data.numpy_format.LARGE", 2**20)
        small = loads(f"{SPEC}data:\n  npz: a.npz\n{options}").data.load(folder, NAMES)
    assert isinstance(small.train.y[0], np.ndarray)
    found = loads(f"{SPEC}data:\n  {source}\n{options}").data.load(folder, NAMES)
    assert isinstance(found.train.y[0], Rows)
    for part in ("train", "validation", "test"):
        one, other = getattr(found, part), getattr(small, part)
        if other is None:
            assert one is None
            continue
        np.testing.assert_array_equal(whole(one.x[0]), whole(other.x[0]))
        y = whole(one.y[0])
        ids = y.argmax(axis=1) if "hot" in source else np.ravel(y)
        np.testing.assert_array_equal(ids, whole(other.y[0]))


@pytest.mark.parametrize("source", SOURCES[:3])
def test_balanced_class_weights_of_files(folder, lowered, source):
    """n / (classes count), whatever is in memory; the run trains."""
    made = loads(f"{SPEC}data:\n  {source}\n  split: {SPLIT}\n")
    bundle = compiled(made, weighs=True).bundle
    data = fitted(bundle, dataset_of(made, bundle, Places(folder)).train)
    labels = np.ravel(whole(data.y[0]))
    (found,) = weights(bundle, data.y, None, "balanced")
    np.testing.assert_allclose(found, len(labels) / (4 * np.bincount(labels)[labels]), rtol=1e-6)
    assert train(made, folder / f"run{SOURCES.index(source)}", data=folder).test["loss"] > 0


class Counted(Rows):
    """Rows that remember how many were asked for at once."""

    def __init__(self, array: Array) -> None:
        self.array, self.most = array, 0
        self.shape, self.dtype = array.shape, array.dtype

    def take(self, rows: Index) -> Array:
        self.most = max(self.most, len(rows))
        return self.array[rows]


def test_labels_are_read_a_part_at_a_time(monkeypatch):
    monkeypatch.setattr("specc.data.labels.AT_ONCE", 64)
    labels = np.random.default_rng(0).integers(0, 5, 1000).astype(np.uint8)
    rows = Counted(labels)
    found = class_ids(rows)
    np.testing.assert_array_equal(found, labels)
    assert (found.dtype, rows.most) == (np.uint8, 64)
    hot = Counted(np.eye(5, dtype=np.float32)[labels])
    np.testing.assert_array_equal(class_ids(hot), labels)
    assert hot.most == 64
    for other in (np.zeros(4, np.float32), np.zeros((4, 2), np.int64), np.zeros((4, 1, 1), int)):
        assert class_ids(Counted(other)) is None


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64])
def test_one_hot_rows_are_divided_and_balanced_like_ids(dtype):
    labels = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [50, 30, 20]))
    hot = np.eye(3)[labels].astype(dtype)
    np.testing.assert_array_equal(class_ids(hot), labels)


@pytest.mark.parametrize(
    "row", [[0.5, 0.5], [1, 1], [0, 0], [2, 0], [1, -1], [np.nan, 1], [1, np.nan]], ids=str
)
@pytest.mark.parametrize("option", ["split: {stratified: {test: 0.5}}", "balance: oversample"])
def test_rows_that_are_not_one_hot_name_no_class(tmp_path, row, option):
    y = np.eye(2)[np.arange(8) % 2]
    y[3] = row
    np.savez(tmp_path / "soft.npz", x=np.zeros((8, 3), np.float32), y=y)
    made = loads(f"{SPEC}data:\n  npz: soft.npz\n  {option}\n")
    with pytest.raises(specc.DataError, match="an id or a one-hot row, found other targets"):
        made.data.load(tmp_path, NAMES)
