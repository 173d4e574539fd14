"""CIFAR, NumPy files read by rows, Parquet and Arrow. Oracles: what was written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from specc.data.numpy_format import open_npy
from specc.data.rows import whole
from specc.data.source import Names, Source
from specc.errors import DataError

ROOT = Path(__file__).parents[2]
CIFAR = Path(os.environ.get("SPECC_CIFAR10", ROOT.parent / "shared" / "data" / "cifar10"))


def records(path, labels, count, highest):
    rng = np.random.default_rng(len(path.name))
    found = rng.integers(0, 256, (count, labels + 3072), dtype=np.uint8)
    found[:, :labels] %= highest
    found.tofile(path)
    return found


def test_cifar10(tmp_path):
    first = records(tmp_path / "data_batch_1.bin", 1, 3, 10)
    third = records(tmp_path / "data_batch_3.bin", 1, 2, 10)
    test = records(tmp_path / "test_batch.bin", 1, 2, 10)
    data = Source.parse("cifar10").load(tmp_path)
    both = np.concatenate([first, third])
    assert data.train.y[0].tolist() == both[:, 0].tolist()
    assert data.classes[3] == "cat"
    x = whole(data.train.x[0])
    for n, y, c in ((0, 0, 0), (4, 31, 2), (3, 7, 1)):
        expected = both[n, 1 + c * 1024 + y * 32 : 1 + c * 1024 + y * 32 + 32] / np.float32(255)
        np.testing.assert_array_equal(x[n, y, :, c], expected)
    assert len(data.test) == len(test)


def test_cifar100(tmp_path):
    train = records(tmp_path / "train.bin", 2, 4, 20)
    records(tmp_path / "test.bin", 2, 1, 20)
    (tmp_path / "coarse_label_names.txt").write_text("fish\nflowers\n")
    fine = Source.parse("cifar100").load(tmp_path)
    coarse = Source.parse({"cifar100": "coarse"}).load(tmp_path)
    assert fine.train.y[0].tolist() == train[:, 1].tolist()
    assert coarse.train.y[0].tolist() == train[:, 0].tolist()
    assert (fine.classes, coarse.classes) == (None, ("fish", "flowers"))


def test_cifar_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"unpack cifar-10-binary\.tar\.gz .* there"):
        Source.parse("cifar10").load(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3000))
    (tmp_path / "test_batch.bin").write_bytes(bytes(3073))
    with pytest.raises(DataError, match=r"expected records of 3,073 bytes .* found 3,000"):
        Source.parse("cifar10").load(tmp_path)


@pytest.mark.skipif(not CIFAR.is_dir(), reason="there is no copy of CIFAR-10")
def test_the_real_cifar10():
    data = Source.parse("cifar10").load(CIFAR)
    assert np.bincount(data.train.y[0], minlength=10).min() > 900
    # Photographs are smooth: neighbours differ less than pixels at random.
    x = data.train.x[0][np.arange(20)]
    assert abs(np.diff(x, axis=2)).mean() < 0.1 < abs(x - x[:, ::-1, ::-1]).mean()


@pytest.mark.parametrize("dtype", ["f4", ">i8", "u1"])
def test_rows_of_a_file(tmp_path, dtype):
    array = np.arange(60).reshape(10, 2, 3).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    rows = open_npy(tmp_path / "a.npy")
    for numbers in ([3], [9, 0, 0, 4, 5, 6], [], [2, 3]):
        index = np.array(numbers, np.int64)
        np.testing.assert_array_equal(rows[index], array[index])
    np.testing.assert_array_equal(rows[2:7:2], array[2:7:2])
    assert (rows.shape, rows.dtype) == (array.shape, array.dtype)


def test_files_that_are_cut_or_lie_otherwise(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    np.save(tmp_path / "f.npy", np.asfortranarray(np.zeros((4, 4))))
    rows = open_npy(tmp_path / "a.npy")
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-8])
    with pytest.raises(DataError, match="became shorter"):
        rows[np.array([3])]
    with pytest.raises(DataError, match=r"expected 128 bytes for shape \(4, 4\), found 120"):
        open_npy(tmp_path / "a.npy")
    with pytest.raises(DataError, match="save it with order C"):
        open_npy(tmp_path / "f.npy")


def test_npy_source(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(6, 2)), np.arange(6)
    for name, array in (("x", x), ("y", y), ("tx", x[:2]), ("ty", y[:2])):
        np.save(tmp_path / f"{name}.npy", array)
    fields = {"x": "x.npy", "y": "y.npy", "test_x": "tx.npy", "test_y": ["ty.npy"]}
    data = Source.parse({"npy": fields}).load(tmp_path)
    np.testing.assert_array_equal(data.train.x[0][1:3], x[1:3])
    np.testing.assert_array_equal(whole(data.test.y[0]), [0, 1])
    with pytest.raises(DataError, match="expected validation_x and validation_y together"):
        Source.parse({"npy": {**fields, "validation_x": "x.npy"}}).load(tmp_path)
    with pytest.raises(DataError, match=r"as many samples in x as in y, found \[2, 6\]"):
        Source.parse({"npy": {"x": "x.npy", "y": "ty.npy"}}).load(tmp_path)


CELLS = {
    "age": [20, None, 40, 60], "job": ["nurse", "boss", None, "nurse"],
    "rich": ["no", "yes", "no", "yes"],
}  # fmt: skip
FIELDS = {
    "target": "rich",
    "columns": {"age": {"numeric": {"missing": "mean", "scale": "none"}},
                "job": {"category": {"missing": "unknown"}}},
}  # fmt: skip


def expect(data):
    expected = [[20, 0, 1], [40, 1, 0], [40, 0, 0], [60, 0, 1]]  # boss, nurse
    np.testing.assert_array_equal(whole(data.train.x[0]), expected)
    assert data.train.y[0].tolist() == [0, 1, 0, 1]
    assert data.classes == ["no", "yes"]


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table(CELLS), tmp_path / "t.parquet", row_group_size=2)
    expect(Source.parse({"parquet": {"path": "t.parquet", **FIELDS}}).load(tmp_path))
    with pytest.raises(DataError, match="column 'job': expected numbers, found string"):
        Source.parse({"parquet": {"path": "t.parquet", "target": "rich", "features": "job"}}).load(
            tmp_path
        )
    with pytest.raises(DataError, match="column 'age': expected a value, found none"):
        Source.parse({"parquet": {"path": "t.parquet", "target": "rich",
                                  "features": "age"}}).load(tmp_path)  # fmt: skip
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match="expected a Parquet file"):
        Source.parse({"parquet": {"path": "t.parquet", **FIELDS}}).load(tmp_path)


@pytest.mark.parametrize("kind", ["file", "stream", "splits"])
def test_arrow(tmp_path, kind):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.ipc

    table = pa.table(CELLS)
    path = {"file": "t.arrow", "stream": "set/data-00000.arrow", "splits": "set/train/a.arrow"}[
        kind
    ]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    new = pyarrow.ipc.new_file if kind == "file" else pyarrow.ipc.new_stream
    with new(str(tmp_path / path), table.schema) as writer:
        writer.write_table(table)
    if kind == "splits":
        (tmp_path / "set" / "test").mkdir()
        (tmp_path / "set" / "test" / "a.arrow").write_bytes((tmp_path / path).read_bytes())
    name = "t.arrow" if kind == "file" else "set"
    data = Source.parse({"arrow": {"path": name, **FIELDS}}).load(tmp_path)
    expect(data)
    assert (data.test is not None) == (kind == "splits")


def test_class_names_of_a_saved_dataset(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather

    info = {"info": {"features": {"y": {"names": ["zebra", "ant"], "_type": "ClassLabel"}}}}
    schema = pa.schema([("x", pa.float32()), ("y", pa.int64())],
                       metadata={"huggingface": json.dumps(info)})  # fmt: skip
    table = pa.table({"x": [1.0, 2.0], "y": [1, 0]}, schema=schema)
    pyarrow.feather.write_feather(table, tmp_path / "t.feather", compression="uncompressed")
    data = Source.parse({"arrow": {"path": "t.feather", "target": "y"}}).load(tmp_path, Names())
    assert data.classes == ["ant", "zebra"]
    assert data.train.y[0].tolist() == [0, 1]
