"""Folders of pictures. Oracle: the pixels that were saved."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

from specc.data import pictures
from specc.data.images import Frame, read_image
from specc.data.preparation import Pixels
from specc.data.rows import whole
from specc.data.source import Names, Source
from specc.errors import DataError
from specc.runs.training import train
from specc.spec.reader import loads
from tests.app.console import invoke

Image = pytest.importorskip("PIL.Image")
NAMES = Names(("image",), ("y",), {"image": (None, 4, 5, 3)}, {"image": "float32"})


def picture(path, seed, size=(4, 5)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def load(folder, names=NAMES, **fields):
    return Source.parse({"image_folder": {"path": ".", **fields}}).load(folder, names)


def test_a_folder_for_each_class(tmp_path):
    saved = [picture(tmp_path / name, i) for i, name in
             enumerate(["cat/a.png", "cat/deep/b.png", "dog/c.png"])]  # fmt: skip
    (tmp_path / "cat" / "notes.txt").touch()
    data = load(tmp_path)
    assert data.classes == ["cat", "dog"]
    assert data.train.y[0].tolist() == [0, 0, 1]
    x = data.train.x[0]
    assert (x.shape, x.dtype) == ((3, 4, 5, 3), np.float32)
    some = np.array([2, 0, 2])
    expected = np.stack(saved) / np.float32(255)
    np.testing.assert_array_equal(x[some], expected[some])
    np.testing.assert_array_equal(whole(x), expected)
    assert data.preparations == {"image": Pixels(shape=(4, 5, 3))}


def test_bytes_for_an_input_of_whole_numbers(tmp_path):
    saved = picture(tmp_path / "a" / "a.png", 1)
    names = Names(("image",), ("y",), {"image": (None, 4, 5, 3)}, {"image": "uint8"})
    data = load(tmp_path, names)
    np.testing.assert_array_equal(whole(data.train.x[0]), saved[None])
    assert not data.preparations


KINDS = {
    "grey.jpg": ("L", {"quality": 70}),
    "colour.jpg": ("RGB", {"quality": 70}),
    "turned.jpg": ("RGB", {"quality": 90, "exif": 6}),
    "alpha.png": ("RGBA", {}),
    "palette.png": ("P", {}),
    "sixteen.png": ("I;16", {}),
    "two.png": ("1", {}),
}


def kinds(folder):
    """Files of every kind of pixels; 48 x 64 pixels."""
    paths = []
    for number, (name, (mode, options)) in enumerate(KINDS.items()):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        if mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 251)
        else:
            image = Image.fromarray(pixels).convert(mode)
        if "exif" in options:
            exif = Image.Exif()
            exif[0x0112] = options["exif"]
            image.save(folder / name, **{**options, "exif": exif})
        else:
            image.save(folder / name, **options)
        paths.append(folder / name)
    return paths


@pytest.mark.parametrize(
    "wanted",
    [Frame(48, 64, 3), Frame(20, 20, 1, axis=False), Frame(48, 64, 3, last=False)],
    ids=["as it is", "shrunk to grey", "channels first"],
)
@pytest.mark.parametrize("kept", [True, False])
def test_any_number_of_threads_decodes_the_same_bytes(tmp_path, monkeypatch, wanted, kept):
    """Oracle: each file by itself, as floats, times 255."""
    paths = kinds(tmp_path)
    monkeypatch.setattr(pictures, "SMALL", 0)
    if not kept:
        monkeypatch.setattr(pictures, "MAX_KEPT_BYTES", 0)
    expected = np.stack([np.rint(read_image(p, wanted) * 255).astype(np.uint8) for p in paths])
    order = np.array([6, 0, 3, 5, 1, 0, 2, 4])
    for threads in (1, 2, 3, 16):
        found = pictures.Pictures(paths, wanted, threads)
        for rows in (order[:0], order[:2], order, np.arange(7)):
            np.testing.assert_array_equal(found.take(rows), expected[rows])


def test_a_picture_that_is_damaged_or_gone_is_named_by_any_thread(tmp_path):
    paths = kinds(tmp_path)
    found = pictures.Pictures(paths, Frame(8, 8, 3), 3)
    paths[4].write_bytes(paths[4].read_bytes()[:300] + b"x" * 2000)
    with pytest.raises(DataError, match=r"palette\.png: expected a PNG or JPEG image"):
        found.take(np.arange(7))
    paths[4].unlink()
    for rows in (np.arange(7), np.array([4])):
        with pytest.raises(DataError, match=r"palette\.png: expected a PNG or JPEG image"):
            found.take(rows)


def test_folders_of_splits_and_the_scale_of_imagenet(tmp_path):
    picture(tmp_path / "train" / "b" / "1.png", 1)
    picture(tmp_path / "train" / "a" / "1.png", 2)
    saved = picture(tmp_path / "test" / "b" / "1.png", 3)
    data = load(tmp_path, scale="imagenet")
    assert data.test.y[0].tolist() == [1]
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    expected = (saved / np.float32(255) - mean) / deviation
    np.testing.assert_array_equal(whole(data.test.x[0])[0], expected)
    assert data.validation is None


def test_a_table_of_paths(tmp_path):
    for i in range(3):
        picture(tmp_path / f"{i}.png", i)
    (tmp_path / "t.csv").write_text("path,class,split\n2.png,x,train\n0.png,y,test\n1.png,y,train")
    data = load(tmp_path, table="t.csv")
    assert (data.train.y[0].tolist(), data.test.y[0].tolist()) == ([0, 1], [1])
    (tmp_path / "t.csv").write_text("path,class\n../2.png,x\n")
    with pytest.raises(DataError, match=r"t\.csv:2: expected a path inside"):
        load(tmp_path, table="t.csv")
    (tmp_path / "t.csv").write_text("path,class,split\n2.png,x,tain\n")
    with pytest.raises(DataError, match="found 'x' and 'tain'"):
        load(tmp_path, table="t.csv")


def test_what_cannot_be(tmp_path):
    with pytest.raises(DataError, match="expected a folder for each class"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"expected a folder at .* found none"):
        load(tmp_path, path="none")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png: expected a PNG or JPEG image, found another"):
        load(tmp_path)
    learned = Names(NAMES.inputs, NAMES.outputs, NAMES.shapes, NAMES.dtypes, {"classes": ["cow"]})
    with pytest.raises(DataError, match="a class that the model was trained with, found 'cat'"):
        load(tmp_path, learned)


SPEC = """
specc: 1
name: colours
inputs: {image: [6, 6, 3]}
layers: [{conv2d: {filters: 4, kernel_size: 3}}, global_average_pooling2d,
         {dense: {units: 2, activation: softmax}}]
train: {loss: sparse_categorical_crossentropy, optimizer: {adam: 0.1}, epochs: 8, batch_size: 8}
data:
  image_folder: {path: pictures}
  split: {stratified: {test: 0.25}}
"""


def test_from_a_folder_to_a_model_that_takes_bytes(tmp_path):
    """Red and blue pictures of other sizes; the served model names the class of raw pixels."""
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = rng.integers(0, 60, (9, 7, 3), dtype=np.uint8)
        pixels[..., 0 if i % 2 else 2] += 150
        path = tmp_path / "pictures" / ("red" if i % 2 else "blue") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    done = train(loads(SPEC), tmp_path / "run", data=tmp_path)
    assert done.test["loss"] < 0.3
    session = onnxruntime.InferenceSession(tmp_path / "run" / "model.onnx")
    assert session.get_inputs()[0].type == "tensor(uint8)"
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    red = np.zeros((1, 6, 6, 3), np.uint8) + np.uint8([200, 30, 30])
    (scores,) = session.run(None, {"image": red})
    assert classes[int(scores.argmax())] == "red"
    shown = invoke("run", tmp_path / "run", tmp_path / "pictures" / "red" / "1.png", "--top=1")
    assert shown.stdout.splitlines()[-1].split()[1] == "red"
