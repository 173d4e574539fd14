"""Digits, splits and `idx`. Oracle: scikit-learn's arrays, set arithmetic."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from specc.data.source import Source
from specc.data.split import set_aside, stratified
from specc.errors import DataError
from tests.data.idx_files import idx_bytes


def test_digits_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bundled = datasets.load_digits()
    data = Source.parse("digits").load()
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (1438, 359)
    assert data.train.x[0].shape[1:] == (8, 8, 1)
    assert data.train.x[0].dtype == np.float32
    both = np.concatenate([data.train.x[0], data.test.x[0]])[..., 0]
    labels = np.concatenate([data.train.y[0], data.test.y[0]])

    # Rows with their labels, as multisets: the split loses and invents nothing.
    def keys(x, y):
        return sorted((*row.ravel().tolist(), label) for row, label in zip(x, y, strict=True))

    assert keys(both, labels) == keys(bundled.images / 16, bundled.target)
    counts = np.bincount(bundled.target)
    np.testing.assert_allclose(np.bincount(data.test.y[0]), counts / 5, atol=0.5)


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"specc\[sklearn\]"):
        Source.parse("digits").load()


@pytest.mark.parametrize(("n", "share", "count"), [(10, 0.25, 2), (10, 0.0, 0), (7, 0.5, 4)])
def test_set_aside(n: int, share: float, count: int) -> None:
    keep, leave = set_aside(n, share, seed=1)
    assert len(leave) == count
    assert sorted([*keep, *leave]) == list(range(n))
    assert set_aside(n, share, seed=1)[1].tolist() == leave.tolist()


def test_stratified_keeps_every_share() -> None:
    labels = np.repeat([4, 7, 9], [10, 20, 5])
    keep, leave = stratified(labels, 0.2, seed=3)
    assert sorted([*keep, *leave]) == list(range(35))
    assert np.bincount(labels[leave]).tolist() == [0, 0, 0, 0, 2, 0, 0, 4, 0, 1]


def test_stratified_is_set_aside_class_by_class() -> None:
    """Oracle: a loop over classes of all sizes, in an order of their own."""
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.repeat(rng.permutation(400) - 200, np.arange(400) % 23))
    kept: list[int] = []
    aside: list[int] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        keep, leave = set_aside(len(rows), 0.3, seed=7)
        kept += rows[keep].tolist()
        aside += rows[leave].tolist()
    found = stratified(labels, 0.3, seed=7)
    assert [each.tolist() for each in found] == [sorted(kept), sorted(aside)]
    assert [len(each) for each in stratified(labels[:0], 0.3, seed=7)] == [0, 0]


def test_idx_files(tmp_path: Path) -> None:
    x = np.arange(24, dtype=np.uint8).reshape(4, 6)
    y = np.array([3, 1, 2, 0], np.uint8)
    (tmp_path / "x.idx").write_bytes(idx_bytes(x))
    (tmp_path / "y.idx.gz").write_bytes(gzip.compress(idx_bytes(y)))
    files = {"x": "x.idx", "y": "y.idx.gz"}
    data = Source.parse({"idx": {**files, "test_x": "x.idx", "test_y": "y.idx.gz"}}).load(tmp_path)
    assert data.test is not None
    np.testing.assert_array_equal(data.train.x[0], np.float32(x / 255))
    np.testing.assert_array_equal(data.test.y[0], y)
    raw = Source.parse({"idx": {**files, "unit_range": False}}).load(tmp_path)
    assert raw.test is None
    np.testing.assert_array_equal(raw.train.x[0], x)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"x": "x.idx", "y": "z.idx"}, r"as many samples .* shapes \(4,\) and \(3,\)"),
        ({"x": "x.idx", "y": "x.idx", "test_x": "x.idx"}, "test_x and test_y together"),
        ({"x": "x.idx", "y": "w.idx"}, "idx.y: expected a file"),
    ],
)
def test_wrong_idx_files(tmp_path: Path, fields: dict[str, str], match: str) -> None:
    (tmp_path / "x.idx").write_bytes(idx_bytes(np.zeros(4, np.float32)))
    (tmp_path / "z.idx").write_bytes(idx_bytes(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match=match):
        Source.parse({"idx": fields}).load(tmp_path)
