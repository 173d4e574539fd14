"""Images and other inputs. Oracle: pixels computed by hand, means of blocks, saved arrays."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from specc.data.images import Frame, frame, read_image
from specc.errors import DataError
from specc.inputs import load_inputs
from specc.tensors import DType, Shape

Image = pytest.importorskip("PIL.Image")

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=2)


def png(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((None, 6, 8), GREY / 255),
        ((None, 6, 8, 1), GREY[..., None] / 255),
        ((None, 6, 8, 3), np.repeat(GREY[..., None], 3, 2) / 255),
        ((None, 3, 6, 8), np.repeat(GREY[None], 3, 0) / 255),
        ((None, None, None, 1), GREY[..., None] / 255),
    ],
)
def test_grey_images(tmp_path: Path, shape: Shape, expected: np.ndarray) -> None:
    got = read_image(png(tmp_path / "a.png", GREY), frame(shape))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-7)


def test_colour_images(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", COLOUR)
    np.testing.assert_allclose(read_image(path, frame((None, 6, 8, 3))), COLOUR / 255, atol=1e-7)
    alpha = read_image(path, frame((None, 6, 8, 4)))
    np.testing.assert_allclose(alpha[..., :3], COLOUR / 255, atol=1e-7)
    assert (alpha[..., 3] == 1).all()
    # ITU-R 601 luma; Pillow rounds to whole grey values.
    luma = COLOUR @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(
        read_image(path, frame((None, 6, 8, 1)))[..., 0], luma / 255, atol=1 / 255
    )


def test_alpha_is_dropped(tmp_path: Path) -> None:
    with_alpha = np.concatenate([COLOUR, GREY[..., None]], axis=2)
    got = read_image(png(tmp_path / "a.png", with_alpha), frame((None, 6, 8, 3)))
    np.testing.assert_allclose(got, COLOUR / 255, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_scaled(tmp_path: Path, channels: int) -> None:
    deep = (np.arange(48, dtype=np.uint16) * 1394).reshape(6, 8)
    got = read_image(png(tmp_path / "a.png", deep), frame((None, 6, 8, channels)))
    for channel in range(min(channels, 3)):
        np.testing.assert_allclose(got[..., channel], deep / 65535, atol=1e-6)
    if channels == 4:
        assert (got[..., 3] == 1).all()


def test_palettes_and_bilevel(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.save(tmp_path / "p.png", transparency=b"\x00\xff")
    got = read_image(tmp_path / "p.png", frame((None, 2, 2, 3)))
    assert got.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 0, 1], [1, 0, 0]]]
    png(tmp_path / "b.png", np.array([[True, False]]))
    assert read_image(tmp_path / "b.png", frame((None, 1, 2))).tolist() == [[1, 0]]


def triangle(size: int, out: int) -> np.ndarray:
    """Weights (out, size) of a bilinear filter that widens when it shrinks."""
    scale = size / out
    reach = max(scale, 1.0)
    centre = (np.arange(out) + 0.5) * scale
    weights = np.maximum(0, 1 - abs(np.arange(size) + 0.5 - centre[:, None]) / reach)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (7, 5), (1, 1), (40, 90)])
def test_other_sizes_are_filtered(tmp_path: Path, height: int, width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48)).astype(np.uint8)
    got = read_image(png(tmp_path / "a.png", pixels), frame((None, height, width)))
    expected = triangle(32, height) @ pixels @ triangle(48, width).T
    # Pillow rounds to whole grey values after each of the two passes.
    np.testing.assert_allclose(got, expected / 255, atol=1.1 / 255)
    deep = read_image(
        png(tmp_path / "b.png", pixels.astype(np.uint16) * 257), frame((None, height, width))
    )
    np.testing.assert_allclose(deep, expected / 255, atol=1e-5)


def test_jpeg_and_orientation(tmp_path: Path) -> None:
    tall = np.zeros((16, 8), np.uint8)
    tall[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees to see it upright
    Image.fromarray(tall).save(tmp_path / "a.JPG", format="JPEG", quality=95, exif=exif)
    got = read_image(tmp_path / "a.JPG", frame((None, None, None)))
    assert got.shape == (8, 16)
    np.testing.assert_allclose(got, np.rot90(tall, -1) / 255, atol=0.05)


def bomb(width: int, height: int) -> bytes:
    """A PNG header that claims a size, and the start of its pixels."""
    header = struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)
    crc = zlib.crc32(b"IHDR" + header)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    return head + struct.pack(">I", crc) + struct.pack(">I", 99) + b"IDAT"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (bomb(10_001, 10_000), "at most 100,000,000 pixels"),
        (bomb(60_000, 60_000), "at most 100,000,000 pixels"),
        (b"", "expected a PNG or JPEG"),
        (b"GIF89a" + bytes(100), "expected a PNG or JPEG"),
        (bomb(6, 8), "expected a PNG or JPEG"),
    ],
)
def test_bad_images(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"bad\.png: .*{match}"):
        read_image(path, Frame(6, 8, 1))


def test_truncated_images(tmp_path: Path) -> None:
    path = png(
        tmp_path / "bad.png", np.random.default_rng(0).integers(0, 255, (40, 40)).astype("u1")
    )
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="expected a PNG or JPEG"):
        read_image(path, Frame(6, 8, 1))


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"a\.png: expected Pillow.*specc\[image\]"):
        read_image(tmp_path / "a.png", Frame(6, 8, 1))


@pytest.mark.parametrize("shape", [(None, 10), (None, 6, 8, 2), (None, 2, 3, 4, 5)])
def test_inputs_that_are_no_images(shape: Shape) -> None:
    with pytest.raises(DataError, match=r"img: expected an input of shape .* pass \.npy"):
        frame(shape, "img")


SHAPE: Shape = (None, 6, 8, 1)


def one(*paths: Path, shape: Shape = SHAPE, dtype: DType = "float32"):
    rows = load_inputs(paths, [shape], [dtype], ["image"])
    assert len(rows.arrays) == 1
    assert len(rows.labels) == len(rows.arrays[0])
    return rows.labels, rows.arrays[0]


def test_images_are_labelled_by_their_files(tmp_path: Path) -> None:
    paths = [png(tmp_path / "a.png", GREY), png(tmp_path / "b.PNG", 255 - GREY)]
    labels, array = one(*paths)
    assert labels == [str(path) for path in paths]
    np.testing.assert_allclose(array[..., 0], np.stack([GREY, 255 - GREY]) / 255, atol=1e-7)


def test_a_folder_stands_for_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name, value in (("deep/er/a.png", 1), ("deep/b.png", 2), ("c.png", 3)):
        png(tmp_path / name, np.full(SHAPE[1:3], value, np.uint8))
    (tmp_path / "deep" / "notes.txt").touch()
    rows = load_inputs([tmp_path / "deep", tmp_path / "c.png"], [SHAPE], ["int32"])
    assert [Path(each).name for each in rows.labels] == ["b.png", "a.png", "c.png"]
    assert rows.arrays[0][:, 0, 0, 0].tolist() == [2, 1, 3]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected pictures"):
        load_inputs([tmp_path / "empty"], [SHAPE], ["int32"])


def test_integer_inputs_get_pixel_values(tmp_path: Path) -> None:
    _, array = one(png(tmp_path / "a.png", GREY), dtype="uint8")
    np.testing.assert_array_equal(array[0, ..., 0], GREY)


def test_arrays(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(3, 6, 8, 1)).astype(np.float32)
    np.save(tmp_path / "many.npy", x)
    np.save(tmp_path / "single.npy", x[0])
    np.save(tmp_path / "plain.npy", x[..., 0])
    np.savez(tmp_path / "x.npz", x=x, y=x)
    np.savez(tmp_path / "named.npz", image=x, x=x * 2)
    np.savez(tmp_path / "other.npz", anything=x)
    for name in ("many.npy", "plain.npy", "x.npz", "named.npz", "other.npz"):
        labels, array = one(tmp_path / name)
        assert labels == ["0", "1", "2"]
        np.testing.assert_array_equal(array, x)
    labels, array = one(tmp_path / "single.npy", tmp_path / "many.npy")
    assert labels[:2] == [f"{tmp_path}/single.npy[0]", f"{tmp_path}/many.npy[0]"]
    np.testing.assert_array_equal(array, np.concatenate([x[:1], x]))


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    assert one(path, shape=(None, 4))[1].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert one(path, shape=(None, 2, 2))[1].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert one(path, shape=(None, None))[1].shape == (2, 4)


def test_several_inputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", left=np.zeros((2, 3)), right=np.ones((2, 4)))
    rows = load_inputs(
        [tmp_path / "a.npz"], [(None, 4), (None, 3)], ["float32", "float32"], ["right", "left"]
    )
    assert [array.tolist() for array in rows.arrays] == [[[1.0] * 4] * 2, [[0.0] * 3] * 2]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("gone.npy", r"gone\.npy: expected a file, found none"),
        ("folder", "expected pictures"),
        ("a.txt", r"expected \.png, .* found \.txt"),
        ("wrong.npy", r"wrong\.npy: expected shape \(None, 6, 8, 1\), received \(3, 5\)"),
        ("keys.npz", "expected an array called 'x'; valid: a, b"),
        ("t.csv", "expected 48 columns"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, name: str, match: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.txt").touch()
    np.save(tmp_path / "wrong.npy", np.zeros((3, 5)))
    np.savez(tmp_path / "keys.npz", a=1, b=2)
    (tmp_path / "t.csv").write_text("1,2\n")
    with pytest.raises(DataError, match=match):
        one(tmp_path / name)


def test_other_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="at least one file"):
        load_inputs([], [SHAPE], ["float32"])
    small, large = png(tmp_path / "a.png", GREY), png(tmp_path / "b.png", GREY[:3])
    with pytest.raises(DataError, match=r"b\.png: expected samples of shape \(6, 8, 1\)"):
        one(small, large, shape=(None, None, None, 1))
    two = ([(None, 3), (None, 4)], ["float32", "float32"], ["left", "right"])
    with pytest.raises(DataError, match=r"\.npz file with arrays called left, right"):
        load_inputs([small], *two)  # type: ignore[arg-type]
    np.savez(tmp_path / "c.npz", left=np.zeros((2, 3)), right=np.ones((1, 4)))
    with pytest.raises(DataError, match="as many samples each"):
        load_inputs([tmp_path / "c.npz"], *two)  # type: ignore[arg-type]
    monkeypatch.setattr("specc.data.location.MAX_BYTES", 300)
    with pytest.raises(DataError, match="inputs of at most 300 bytes, found 384"):
        one(small, small)
