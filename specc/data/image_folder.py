"""Pictures in files, sorted into folders or listed in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from typing_extensions import override

from specc.data.csv_format import read_csv
from specc.data.images import SUFFIXES, Frame, frame
from specc.data.learned import texts
from specc.data.location import locate, locate_folder
from specc.data.pictures import Pictures
from specc.data.preparation import Pixels, stored
from specc.data.rows import Converted, Rows
from specc.data.source import Dataset, Names, Samples, Source
from specc.errors import DataError, cut, nearest
from specc.tensors import FLOATS

CLASSES = "classes"
SPLITS = ("train", "test", "validation")
# Means and deviations of red, green and blue over ImageNet's training pictures, in [0, 1].
# Source: torchvision.transforms, the numbers of its pretrained models.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class ImageFolder(Source):
    """PNG and JPEG files in a folder for each class, or listed in a table.

    Below `path` stand the folders of the classes, or `train`, `test` and `validation` with these
    folders in them. Pictures are stretched to the size of the model's input. An input of floats
    gets pixels from 0 to 1, and `model.onnx` takes bytes; an input of whole numbers gets bytes.
    """

    path: str
    """The folder, in that of `--data`."""

    table: str | None = None
    """A CSV file in it with columns `path` and `class`, and perhaps `split`, instead of folders."""

    scale: Literal["unit", "imagenet"] = "unit"
    """unit: from 0 to 1; imagenet: then minus the mean of ImageNet's pictures, by the deviation."""

    @override
    def load(self, folder: Path | None = None, names: Names | None = None) -> Dataset:
        names = names or Names()
        root = locate_folder(self.path, folder, "data.image_folder.path")
        if len(names.inputs) != 1:
            raise DataError("data.image_folder: expected a model with one input")
        name = names.inputs[0]
        shape = names.shapes[name]
        if None in shape[1:]:
            raise DataError(f"data.image_folder: expected an input of known size, found {shape}")
        wanted = frame(shape, name)
        found = self._listed(root) if self.table is not None else _foldered(root)
        stored_ones = (names.learned or {}).get(CLASSES)
        known = None if stored_ones is None else texts(stored_ones, CLASSES)
        classes = known or sorted({label for pairs in found.values() for _, label in pairs})
        floats = names.dtypes[name] in FLOATS
        pixels = self._pixels(tuple(d for d in shape[1:] if d is not None), wanted)
        splits = {
            split: _samples(pairs, classes, wanted, pixels if floats else None)
            for split, pairs in found.items()
        }
        prepared = {name: pixels} if floats else {}
        return Dataset(
            splits["train"],
            splits.get("test"),
            splits.get("validation"),
            classes,
            {CLASSES: list(classes), **stored(prepared)},
            prepared,
        )

    def _pixels(self, shape: tuple[int, ...], wanted: Frame) -> Pixels:
        if self.scale == "unit":
            return Pixels(shape=shape)
        if wanted.channels != len(IMAGENET[0]) or not wanted.last:
            raise DataError(
                f"data.image_folder.scale: expected an input (height, width, 3) for imagenet, "
                f"found {shape}; use unit"
            )
        return Pixels(shape=shape, mean=IMAGENET[0], deviation=IMAGENET[1])

    def _listed(self, root: Path) -> dict[str, list[tuple[Path, str]]]:
        path = locate(str(self.table), root, "data.image_folder.table")
        table = read_csv(path)
        files, labels = table.texts("path"), table.texts("class")
        parts = table.texts("split") if "split" in table.names else ["train"] * len(table)
        found: dict[str, list[tuple[Path, str]]] = {}
        for row, (file, label, part) in enumerate(zip(files, labels, parts, strict=True)):
            if part not in SPLITS or not label:
                raise DataError(
                    f"{table.place(row)}: expected a class, and train, test or validation in "
                    f"column 'split', found {cut(label)!r} and {cut(part)!r}"
                )
            place = locate(file, root, table.place(row))
            found.setdefault(part, []).append((place, label))
        if "train" not in found:
            raise DataError(f"{path}: expected rows of the training split, found none")
        return found


def _foldered(root: Path) -> dict[str, list[tuple[Path, str]]]:
    """The pictures of each split with their classes, by path."""
    inner = sorted(each.name for each in root.iterdir() if each.is_dir())
    parts = [name for name in SPLITS if name in inner]
    if "train" not in parts:
        return {"train": _classes(root)}
    return {name: _classes(root / name) for name in parts}


def _classes(folder: Path) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for inner in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = sorted(f for f in inner.rglob("*") if f.suffix.lower() in SUFFIXES)
        found += [(file, inner.name) for file in files]
    if not found:
        raise DataError(
            f"{folder}: expected a folder for each class with PNG or JPEG files, found none"
        )
    return found


def _samples(
    pairs: Sequence[tuple[Path, str]], classes: Sequence[str], wanted: Frame, pixels: Pixels | None
) -> Samples:
    ids = {name: i for i, name in enumerate(classes)}
    for path, label in pairs:
        if label not in ids:
            raise DataError(
                f"{path}: expected a class that the model was trained with, found {cut(label)!r};"
                f"{nearest(label, classes)}"
            )
    rows: Rows = Pictures([path for path, _ in pairs], wanted)
    if pixels is not None:
        prepared = pixels
        rows = Converted(rows, lambda array, _: prepared.apply([array]))
    return Samples((rows,), (np.array([ids[label] for _, label in pairs], np.int64),))
