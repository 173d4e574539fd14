"""A classifier of pictures, for a folder of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from specc.data.image_folder import ImageFolder
from specc.data.images import SUFFIXES, header
from specc.data.source import Dataset, Names
from specc.errors import DataError
from specc.starters.frame import (
    HELD_OUT,
    UNEVEN,
    Starter,
    counted,
    finished,
    in_spec,
    loop,
    model_name,
    yaml,
)

# Pictures whose headers are looked at, or a few more, evenly spread.
LOOKED_AT = 200
# Longer sides are shrunk: a CPU trains on pictures of this size in minutes.
LONGEST = 96
# Shrunk sides are multiples of it, so that every stage halves them exactly.
STEP = 8
# Side of the maps that the last stage gives, at least.
LAST = 4
MOST_STAGES = 4
MOST_FILTERS = 128
# Filters of the first stage, by whether the input is small.
SMALL, FEW, MANY = 32, 16, 32


def images(folder: Path, name: str) -> Starter:
    """A small convolutional network for the pictures in a folder.

    Raises:
        DataError: Pillow is missing, or there are no pictures of at least two classes.
    """
    path = in_spec(folder)
    found = _loaded(path)
    classes = list(found.classes or ())
    if len(classes) < 2:  # noqa: PLR2004
        raise DataError(
            f"{folder}: expected a folder for each of two classes or more, found {classes}"
        )
    height, width, channels = _shape(folder)
    counts = np.bincount(np.asarray(found.train.y[0][:]), minlength=len(classes))
    samples = int(counts.sum())
    told = (
        f"{counted(samples, 'picture')}, {len(classes)} classes "
        f"({_listed(classes)}), input {height} x {width} x {channels}"
    )
    uneven = "  class_weight: balanced    # some classes have many more pictures than others\n"
    weights = uneven if counts.max() > UNEVEN * max(1, counts.min()) else ""
    stages = "\n".join(f"  - stage: {filters}" for filters in _filters(height, width))
    text = f"""\
# Tells pictures of {len(classes)} classes apart.
specc: 1
name: {model_name(name)}
# Height, width and channels; pictures are stretched to it.
inputs: {{image: [{height}, {width}, {channels}]}}
blocks:
  # Looks for patterns, then halves height and width.
  stage:
    args: {{filters: null}}
    layers:
      - conv2d: {{filters: "${{filters}}", kernel_size: 3, padding: same, use_bias: false}}
      - batch_normalization: {{momentum: 0.9}}    # its averages are of the last some ten steps
      - activation: relu
      - max_pooling2d: 2
layers:
  # Where a mirrored picture is one of the same class, this makes more of them:
  # - random_flip: horizontal
{stages}
  - flatten
  - dropout: 0.3
  - dense: {{units: {len(classes)}, activation: softmax}}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: 0.002}}}}
  metrics: [accuracy]
{weights}{loop(samples, 32)}\
data:
  image_folder: {{path: {yaml(path)}}}
{_split(found)}"""
    return finished(text, told)


def _loaded(path: str) -> Dataset:
    """The folder as training will read it; nothing is decoded."""
    names = Names(("image",), shapes={"image": (None, 1, 1, 1)}, dtypes={"image": "uint8"})
    return ImageFolder(path=path).load(None, names)


def _shape(folder: Path) -> tuple[int, int, int]:
    """(height, width, channels) of the usual picture; grey only where all are."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    every = max(1, len(files) // LOOKED_AT)
    seen = [header(file) for file in files[::every]]
    heights, widths, channels = zip(*seen, strict=True)
    height, width = statistics.median_low(heights), statistics.median_low(widths)
    longest = max(height, width)
    if longest > LONGEST:
        height, width = (
            max(STEP, round(side * LONGEST / longest / STEP) * STEP) for side in (height, width)
        )
    return height, width, max(channels)


def _filters(height: int, width: int) -> list[int]:
    """Filters of each stage: twice as many where the maps have half the sides."""
    side = min(height, width)
    first = MANY if max(height, width) <= SMALL else FEW
    found: list[int] = []
    while len(found) < MOST_STAGES and (side // 2 >= LAST or not found):
        found.append(min(MOST_FILTERS, first * 2 ** len(found)))
        side //= 2
    return found


def _split(found: Dataset) -> str:
    """What the folder does not divide itself."""
    there = {"test": found.test, "validation": found.validation}
    shares = {split: HELD_OUT[split] for split, samples in there.items() if samples is None}
    return f"  split: {yaml({'stratified': shares})}\n" if shares else ""


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
