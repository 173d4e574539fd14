"""What a dataset holds: counts, ranges, classes; and pictures of a batch."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from specc.data.rows import Array, Column, Rows
from specc.data.source import Dataset, Samples
from specc.data.tokens import coder
from specc.errors import DataError

# Rows that are looked at where all would have to be read from files.
LOOKED_AT = 2000
# Characters of a text, and pictures of a batch, that are shown.
TEXT, PICTURES = 160, 64
# Pixels between pictures, and the least width of one.
GAP, LEAST = 4, 56


def described(
    dataset: Dataset, inputs: Sequence[str] = (), outputs: Sequence[str] = ()
) -> dict[str, Any]:
    """Every split as plain data.

    Args:
        dataset: the splits.
        inputs: names of the model's inputs; numbered when there are none.
        outputs: names of its outputs, likewise.
    """
    splits: dict[str, Samples | None] = {
        "train": dataset.train, "validation": dataset.validation, "test": dataset.test,
    }  # fmt: skip
    found: dict[str, Any] = {
        name: _split(samples, inputs, outputs, dataset.classes)
        for name, samples in splits.items()
        if samples is not None
    }
    text = (dataset.learned or {}).get("text")
    if text is not None and len(dataset.train):
        row = dataset.train.x[0][np.array([0])][0]
        found["train"]["example"] = coder(text["tokens"]).decode(row.tolist())[:TEXT]
    return found


def _split(
    samples: Samples,
    inputs: Sequence[str],
    outputs: Sequence[str],
    classes: Sequence[str] | None,
) -> dict[str, Any]:
    x = {_name(inputs, i, "x"): _column(c, None) for i, c in enumerate(samples.x)}
    y = {_name(outputs, i, "y"): _column(c, classes) for i, c in enumerate(samples.y)}
    return {"samples": len(samples), "inputs": x, "targets": y}


def _name(names: Sequence[str], i: int, usual: str) -> str:
    return names[i] if i < len(names) else f"{usual}{i}"


def _column(column: Column, classes: Sequence[str] | None) -> dict[str, Any]:
    """Shape, element type, range; the classes of ids."""
    values, part = _looked_at(column)
    found: dict[str, Any] = {"shape": list(column.shape[1:]), "dtype": str(column.dtype)}
    if part:
        found["looked_at"] = len(values)
    if values.size and values.dtype.kind in "biuf":
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        found["nan"] = int(values.size - finite.size)
        if finite.size:
            found |= {
                "min": finite.min().item(),
                "max": finite.max().item(),
                "mean": float(finite.mean(dtype=np.float64)),
            }
    if values.ndim == 1 and values.dtype.kind in "iu":
        ids, counts = np.unique(values, return_counts=True)
        found["classes"] = {
            _class(classes, int(i)): int(n) for i, n in zip(ids, counts, strict=True)
        }
    return found


def _class(classes: Sequence[str] | None, number: int) -> str:
    known = classes is not None and 0 <= number < len(classes)
    return classes[number] if known and classes is not None else str(number)


def _looked_at(column: Column) -> tuple[Array, bool]:
    """(rows in memory, whether they are only some, evenly spread)."""
    if not isinstance(column, Rows):
        return column, False
    count = min(len(column), LOOKED_AT)
    rows = np.linspace(0, len(column) - 1, count).astype(np.int64)
    return column[rows], count < len(column)


def picture(x: Array, labels: Sequence[str] = (), shown: Mapping[str, str] | None = None) -> bytes:
    """A batch of images side by side, as the bytes of a PNG file, each with its label below.

    Args:
        x: (n, height, width) or (n, height, width, channels) of 1, 3 or 4 channels.
        labels: one for each, or none.
        shown: further texts of the file's metadata.

    Raises:
        DataError: these are no images, or Pillow is missing.
    """
    try:
        from PIL import Image, ImageDraw, PngImagePlugin  # noqa: PLC0415 - optional
    except ImportError as error:
        raise DataError(
            "picture: expected Pillow, found it not installed; install it with the extra: "
            "pip install 'specc[image]'"
        ) from error
    pixels = _pixels(x[:PICTURES])
    count, height, width = pixels.shape[:3]
    scale = max(1, -(-LEAST // width))
    columns = max(1, round((count * height / width) ** 0.5))
    line = 14 if labels else 0
    step = (width * scale + GAP, height * scale + GAP + line)
    rows = -(-count // columns)
    sheet = Image.new("RGB", (columns * step[0] + GAP, rows * step[1] + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(pixels):
        place = (GAP + i % columns * step[0], GAP + i // columns * step[1])
        image = Image.fromarray(tile).resize(
            (width * scale, height * scale), Image.Resampling.NEAREST
        )
        sheet.paste(image, place)
        if labels:
            draw.text((place[0], place[1] + height * scale), labels[i][: width * scale // 6],
                      fill="black")  # fmt: skip
    info = PngImagePlugin.PngInfo()
    for key, value in (shown or {}).items():
        info.add_text(key, value)
    made = io.BytesIO()
    sheet.save(made, "PNG", pnginfo=info)
    return made.getvalue()


def _pixels(x: Array) -> Array:
    """Images as bytes (n, h, w, 3): 0 to 1 as 0 to 255, other ranges stretched over it."""
    if x.ndim == 3:  # noqa: PLR2004
        x = x[..., np.newaxis]
    if x.ndim != 4 or x.shape[-1] not in (1, 3, 4) or not len(x):  # noqa: PLR2004
        raise DataError(
            f"picture: expected images (n, height, width, channels) of 1, 3 or 4 channels, found "
            f"{x.shape}"
        )
    x = x[..., :3] if x.shape[-1] == 4 else x  # noqa: PLR2004
    if x.dtype != np.uint8:
        low, high = float(x.min()), float(x.max())
        if low >= 0 and high <= 1:
            low, high = 0.0, 1.0
        x = np.clip((x - low) / ((high - low) or 1.0) * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x
