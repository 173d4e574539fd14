"""MNIST and IDX files. Oracle: the arrays the files were written from."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from specc.data.download import fetch
from specc.data.idx_format import read_idx
from specc.data.mnist import FILES, Mnist
from specc.data.source import Source
from specc.errors import DataError
from tests.data.idx_files import CODES, idx_bytes, write_mnist

REAL = Path(os.environ.get("SPECC_TEST_DATA", "../shared/data")) / "mnist"


@pytest.mark.parametrize("code", sorted(CODES))
def test_idx_round_trip(tmp_path: Path, code: str) -> None:
    array = (np.arange(24).reshape(2, 3, 4) * 1.5).astype(code)
    path = tmp_path / "a.idx"
    path.write_bytes(idx_bytes(array))
    got = read_idx(path)
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got, array)


def broken(name: str) -> bytes:
    whole = idx_bytes(np.arange(60, dtype=np.uint8).reshape(3, 20))
    huge = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**31, 2**10, 2**10)
    return {
        "png": b"\x89PNG\r\n\x1a\n",
        "empty": b"",
        "short": whole[:-1],
        "long": whole + b"\0",
        "gzip short": gzip.compress(whole[:-1]),
        "gzip long": gzip.compress(whole + b"\0"),
        "gzip cut": gzip.compress(whole)[:-12],
        "header cut": whole[:6],
        "rank": b"\0\0\x08\xff" + b"\0" * 2000,
        "huge": huge,
        "gzip huge": gzip.compress(huge),
        "gzip beyond deflate": gzip.compress(struct.pack(">BBBB1I", 0, 0, 8, 1, 2**30)),
    }[name]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("png", "expected an IDX file"), ("empty", "found nothing"), ("short", "found 59"),
        ("long", "found 61"), ("gzip short", "fewer"), ("gzip long", "more"),
        ("gzip cut", "readable IDX file"), ("header cut", "header"), ("rank", "found 255"),
        ("huge", "at most .* bytes, found 2,251,799,813,685,248"), ("gzip huge", "split the data"),
        ("gzip beyond deflate", "expected 1,073,741,824 bytes"),
    ],
)  # fmt: skip
def test_broken_idx_is_refused_before_it_is_allocated(
    tmp_path: Path, name: str, match: str
) -> None:
    path = tmp_path / "bad.idx"
    path.write_bytes(broken(name))
    with pytest.raises(DataError, match=match) as caught:
        read_idx(path)
    assert "bad.idx" in str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "place", ["--data", "--data/mnist", "SPECC_DATA", "SPECC_DATA/mnist", "cache"]
)
def test_mnist_is_found(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch, place: str, packed: bool
) -> None:
    home = isolated if place == "cache" else tmp_path / "here"
    folder = home / "mnist" if place in ("cache", "--data/mnist", "SPECC_DATA/mnist") else home
    arrays = write_mnist(folder, packed=packed)
    if place.startswith("SPECC_DATA"):
        monkeypatch.setenv("SPECC_DATA", str(home))
    data = Source.parse("mnist").load(home if place.startswith("--data") else None)
    assert data.test is not None
    assert tuple(data.classes or ()) == tuple("0123456789")
    for split, kind in ((data.train, "train"), (data.test, "t10k")):
        (x,), (y,) = split.x, split.y
        pixels = arrays[f"{kind}-images-idx3-ubyte"]
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(x, (pixels / 255).astype(np.float32)[..., None])
        np.testing.assert_array_equal(y, arrays[f"{kind}-labels-idx1-ubyte"])


def test_dotted_names_are_found(tmp_path: Path) -> None:
    write_mnist(tmp_path, packed=False)
    for name in FILES:
        (tmp_path / name).rename(tmp_path / name.replace("-idx", ".idx"))
    assert len(Mnist().load(tmp_path).train) == 12


def test_offline_says_which_files_to_put_where(isolated: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Mnist().load(tmp_path / "empty")
    message = str(caught.value)
    assert all(f"{name}.gz" in message for name in FILES)
    assert str(isolated / "mnist") in message
    assert "--data" in message
    assert "no network" in message


def serve(monkeypatch: pytest.MonkeyPatch, content: dict[str, bytes]) -> list[str]:
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        del timeout
        asked.append(url)
        return io.BytesIO(content[url.rpartition("/")[2]])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_download_is_checked_and_cached(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "mirror")
    content = {p.name: p.read_bytes() for p in (tmp_path / "mirror").iterdir()}
    published = {
        name.removesuffix(".gz"): (len(data), hashlib.sha256(data).hexdigest())
        for name, data in content.items()
    }
    monkeypatch.setattr(Mnist, "published", published)
    asked = serve(monkeypatch, content)
    assert len(Mnist().load().train) == 12
    assert len(asked) == 4
    assert all(url.startswith("https://") for url in asked)
    assert sorted(p.name for p in (isolated / "mnist").iterdir()) == sorted(content)
    assert len(Mnist().load().train) == 12
    assert len(asked) == 4  # the second time from the cache


def test_a_wrong_download_is_refused(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, {f"{name}.gz": b"<html>moved</html>" for name in FILES})
    with pytest.raises(DataError, match=r"SHA-256 440fcabf.*received 18"):
        Mnist().load()
    assert not isolated.exists()


def test_half_a_cache_is_completed(
    tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(isolated / "mnist")
    labels = isolated / "mnist" / f"{FILES[3]}.gz"
    content = labels.read_bytes()
    labels.unlink()
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(Mnist, "published", {FILES[3]: (len(content), digest)})
    assert serve(monkeypatch, {labels.name: content}) == []
    assert len(Mnist().load(tmp_path).train) == 12
    assert labels.read_bytes() == content


def test_only_https() -> None:
    with pytest.raises(DataError, match="expected an https address"):
        fetch("file:///etc/hostname", Path("x"), "", 0)


def test_fashion_mnist_has_the_same_format(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    data = Source.parse("fashion_mnist").load(tmp_path)
    assert (data.classes or [])[9] == "Ankle boot"
    assert data.train.x[0].shape == (12, 28, 28, 1)


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        (FILES[0], np.zeros((12, 27, 28), np.uint8), r"expected uint8 images \(n, 28, 28\)"),
        (FILES[0], np.zeros((12, 28, 28), np.float32), "found float32"),
        (FILES[1], np.zeros(11, np.uint8), "expected 12 labels"),
        (FILES[3], np.array([0, 1, 10, 3, 4], np.uint8), "labels below 10, found 10 at sample 2"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, name: str, array: np.ndarray, match: str) -> None:
    write_mnist(tmp_path, packed=False)
    (tmp_path / name).write_bytes(idx_bytes(array))
    with pytest.raises(DataError, match=match):
        Mnist().load(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no MNIST at {REAL}")
def test_the_real_files() -> None:
    data = Mnist().load(REAL)
    assert data.test is not None
    assert data.train.x[0].shape == (60000, 28, 28, 1)
    assert data.test.x[0].shape == (10000, 28, 28, 1)
    # Published first labels, class counts and pixel mean (0.1307, widely used to normalise).
    assert data.train.y[0][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.test.y[0]).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert data.train.x[0][:].mean(dtype=np.float64) == pytest.approx(0.1307, abs=1e-4)
    assert (data.train.x[0][:].min(), data.train.x[0][:].max()) == (0, 1)
