"""Specs for folders of pictures: what they say is what lies there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from specc.data.source import Names
from specc.errors import DataError
from specc.network import build
from specc.spec.fmt import format_text
from specc.spec.reader import loads
from specc.starters import images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pictures"


def draw(folder, count, size, mode="RGB", ending="png", exif=None):
    """Pictures of (width, height)."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for i in range(count):
        pixels = generator.integers(0, 256, (*size[::-1], 3), np.uint8)
        options = {} if exif is None else {"exif": exif}
        Image.fromarray(pixels).convert(mode).save(folder / f"{i}.{ending}", **options)


def opened(made, classes):
    """The spec, after what holds for all starters is checked."""
    assert format_text(made.text) == made.text
    spec = loads(made.text)
    network = build(spec)
    assert network.outputs[0].shape == (None, classes)
    return spec, network


def test_small_grey_pictures_keep_their_size(folder):
    for name in ("one", "two", "three"):
        draw(folder / name, 8, (28, 20), "L")
    made = images(folder, "numbers")
    spec, network = opened(made, 3)
    assert network.inputs[0].shape == (None, 20, 28, 1)
    assert made.told == "24 pictures, 3 classes (one, three, two), input 20 x 28 x 1"
    assert "path: pictures}" in made.text
    assert "class_weight" not in made.text
    shapes = {"image": network.inputs[0].shape}
    found = spec.data.load(None, Names(("image",), ("dense",), shapes, {"image": "float32"}))
    assert found.classes == ["one", "three", "two"]
    assert (len(found.train), len(found.validation), len(found.test)) == (18, 3, 3)


def test_large_pictures_shrink_and_keep_their_sides(folder):
    """400 x 300: the longer side becomes 96, the other one 72, where 4 stages end at 4 x 6."""
    for name in ("cat", "dog"):
        draw(folder / name, 4, (400, 300), ending="jpg")
    _, network = opened(images(folder, "pets"), 2)
    assert network.inputs[0].shape == (None, 72, 96, 3)
    last = [call for call in network.calls if call.name.endswith("max_pooling2d")][-1]
    assert last.output_shapes[0] == (None, 4, 6, 128)


def test_a_picture_taken_sideways_counts_upright(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        draw(folder / name, 2, (32, 16), ending="jpg", exif=exif)
    _, network = opened(images(folder, "m"), 2)
    assert network.inputs[0].shape == (None, 32, 16, 3)


@pytest.mark.parametrize(
    ("splits", "held_out"),
    [
        (("train", "test", "validation"), None),
        (("train", "test"), "split: {stratified: {validation: 0.15}}"),
        (("train", "validation"), "split: {stratified: {test: 0.15}}"),
    ],
)
def test_splits_that_are_there_stay(folder, splits, held_out):
    for split in splits:
        for name in ("a", "b"):
            draw(folder / split / name, 7, (16, 16))
    made = images(folder, "m")
    opened(made, 2)
    assert (held_out is None) == ("split:" not in made.text)
    assert held_out is None or held_out in made.text


def test_rare_classes_weigh_more(folder):
    draw(folder / "often", 20, (16, 16))
    draw(folder / "rarely", 5, (16, 16))
    made = images(folder, "m")
    spec, _ = opened(made, 2)
    assert spec.train.class_weight == "balanced"


def test_a_single_class_is_nothing_to_tell_apart(folder):
    draw(folder / "only", 2, (8, 8))
    with pytest.raises(DataError, match=r"pictures: expected a folder for each of two classes"):
        images(folder, "m")


def test_a_folder_elsewhere_is_named_in_full(folder, tmp_path, monkeypatch):
    for name in ("a", "b"):
        draw(folder / name, 2, (8, 8))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = images(folder, "yes")
    assert f"path: {folder.as_posix()}}}" in made.text
    assert loads(made.text).name == "yes"
