"""NumPy files. Oracle: the arrays that were saved, and `numpy.load`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from specc.data.numpy_format import Npz, read_npy
from specc.data.rows import Array, Rows
from specc.data.source import Names, Samples, Source
from specc.errors import DataError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 3)).astype(np.float32), np.arange(6) % 3
ONE = Names(("image",), ("label",))
TWO = Names(("left", "right"), ("sum", "sign"))


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i8", "u1", "?", "f2", "<U3"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_round_trip(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(12).reshape(3, 4), dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", array)
    got = read_npy(tmp_path / "a.npy")
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, np.load(tmp_path / "a.npy"))


def test_large_arrays_are_read_by_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specc.data.numpy_format.LARGE", 150)
    np.savez(tmp_path / "a.npz", x=X, small=Y[:3].astype("u1"), f=np.asfortranarray(X))
    np.savez_compressed(tmp_path / "b.npz", x=X)
    with Npz(tmp_path / "a.npz") as file, Npz(tmp_path / "b.npz") as packed:
        rows = file.column("x")
        assert isinstance(rows, Rows)
        np.testing.assert_array_equal(rows[np.array([4, 0, 1])], X[[4, 0, 1]])
        assert isinstance(file.column("small"), np.ndarray)
        assert isinstance(packed.column("x"), np.ndarray)
        np.testing.assert_array_equal(file.column("f")[:], X)


def test_npy_scalar_and_long_header(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.float32(3))
    assert read_npy(tmp_path / "a.npy") == 3
    with (tmp_path / "b.npy").open("wb") as file:
        np.lib.format.write_array(file, X, version=(2, 0))
    np.testing.assert_array_equal(read_npy(tmp_path / "b.npy"), X)


def npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "expected the .npy format"),
        (b"PK\x03\x04aaaaaa", "expected the .npy format"),
        (npy(X)[:-1], "expected 72 bytes"),
        (npy(X) + b"\0", "found 73"),
        (npy(X)[:20], "expected the .npy format"),
        (npy(np.array([{"a": 1}], object)), "never unpickled"),
        (npy(np.zeros(2, "M8[s]")), "expected numbers"),
        (npy(X).replace(b"(6, 3)", b"(6, 9**9)"), "expected the .npy format"),
        (npy(X).replace(b"(6, 3), }  ", b"(6, 3), (  "), "expected the .npy format"),
        (npy(X).replace(b"(6, 3), }  ", b"(9999, 9999999), }"), "at most .* bytes"),
    ],
)
def test_broken_npy_is_refused(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"bad\.npy: .*{match}"):
        read_npy(path)


def test_missing_npy_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.npy"):
        read_npy(tmp_path / "gone.npy")


def test_npz_that_claims_what_nothing_packs_to(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", npy(np.zeros(10**6)))
    raw = path.read_bytes()
    size = len(npy(np.zeros(10**6))).to_bytes(4, "little")
    path.write_bytes(raw.replace(size, (2**31).to_bytes(4, "little")))
    with Npz(path) as file, pytest.raises(DataError, match="nothing packs to"):
        file.read("x")


def test_npz_shorter_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "short.npz"
    np.savez_compressed(path, x=np.arange(100))
    size = len(npy(np.arange(100)))
    path.write_bytes(
        path.read_bytes().replace(size.to_bytes(4, "little"), (size + 800).to_bytes(4, "little"))
    )
    with Npz(path) as file, pytest.raises(DataError, match="array 'x': expected"):
        file.read("x")


def test_broken_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(npy(X))
    with pytest.raises(DataError, match=r"expected a \.npz file"):
        Npz(path)
    np.savez(path, x=X)
    raw = bytearray(path.read_bytes())
    raw[100] ^= 255  # inside the entry: its checksum fails
    path.write_bytes(raw)
    with Npz(path) as file:
        with pytest.raises(DataError, match="array 'x': expected"):
            file.read("x")
        with pytest.raises(DataError, match=r"expected an array called 'X';.* valid: x"):
            file.read("X")


def check(samples: Samples | None, x: list[Array], y: list[Array]) -> None:
    assert samples is not None
    for got, expected in zip((*samples.x, *samples.y), (*x, *y), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_x_and_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    data = Source.parse({"npz": "d.npz"}).load(tmp_path, ONE)
    check(data.train, [X], [Y])
    assert data.test is None
    assert data.train.y[0].dtype == Y.dtype


def test_splits_in_one_file(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "mnist.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    data = Source.parse({"npz": "mnist.npz"}).load(tmp_path, ONE)
    check(data.train, [X], [Y])
    check(data.test, [X[:2]], [Y[:2]])
    assert data.validation is None


def test_splits_in_several_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.savez(tmp_path / "b.npz", x=X[1:], y=Y[1:])
    np.savez(tmp_path / "c.npz", x=X[2:], y=Y[2:])
    source = {"npz": {"path": "a.npz", "test": "b.npz", "validation": "c.npz"}}
    data = Source.parse(source).load(tmp_path)
    check(data.train, [X], [Y])
    check(data.test, [X[1:]], [Y[1:]])
    check(data.validation, [X[2:]], [Y[2:]])


def test_arrays_called_as_the_model_calls_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", right=X * 2, sign=Y, left=X, sum=X[:, 0])
    data = Source.parse({"npz": "d.npz"}).load(tmp_path, TWO)
    check(data.train, [X, X * 2], [X[:, 0], Y])


@pytest.mark.parametrize(
    "fields",
    [
        {"x": {"right": "b", "left": "a"}, "y": {"sum": "c", "sign": "d"}},
        {"x": ["a", "b"], "y": ["c", "d"]},
    ],
)
def test_arrays_by_mapping_or_list(tmp_path: Path, fields: dict[str, object]) -> None:
    np.savez(tmp_path / "d.npz", a=X, b=X * 2, c=X[:, 0], d=Y)
    data = Source.parse({"npz": {"path": "d.npz", **fields}}).load(tmp_path, TWO)
    check(data.train, [X, X * 2], [X[:, 0], Y])


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"x": "image"}, "expected an array called 'image'; did you mean 'images'"),
        ({"x": {"img": "images"}}, "npz.x: expected an input, found 'img'.*valid: image"),
        ({"x": "images", "y": {}}, "npz.y: expected an array for 'label'"),
        ({"x": "images", "y": "short"}, "as many samples each, found .*'images': 6, 'short': 5"),
        ({"x": "images", "y": "number"}, "'number': expected one row for each sample"),
        ({"test": "gone.npz", "x": "images", "y": "y"}, "npz.test: expected a file at .*gone.npz"),
        ({"path": "../d.npz"}, "npz.path: expected a path inside"),
        ({"path": "/etc/hostname"}, "npz.path: expected a path inside"),
        ({"path": "."}, "found a folder"),
    ],
)
def test_wrong_fields(tmp_path: Path, fields: dict[str, object], match: str) -> None:
    np.savez(tmp_path / "d.npz", images=X, y=Y, short=Y[:5], number=3)
    source = Source.parse({"npz": {"path": "d.npz", **fields}})
    with pytest.raises(DataError, match=match):
        source.load(tmp_path, ONE)


def test_unknown_field() -> None:
    with pytest.raises(ValidationError, match="allow_pickle"):
        Source.parse({"npz": {"path": "d.npz", "allow_pickle": True}})


def test_without_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    check(Source.parse({"npz": str(tmp_path / "d.npz")}).load().train, [X], [Y])
    monkeypatch.chdir(tmp_path)
    check(Source.parse({"npz": "d.npz"}).load().train, [X], [Y])
    with pytest.raises(DataError, match="inside"):
        Source.parse({"npz": f"../{tmp_path.name}x/d.npz"}).load()
