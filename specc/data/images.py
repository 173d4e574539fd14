"""Image files as arrays: PNG and JPEG, at a model's size, with values in [0, 1]."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from specc.data.rows import Array
from specc.errors import DataError
from specc.tensors import Shape, show

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
# More pixels than any camera takes: a small file that claims them wants to fill the memory.
MAX_PIXELS = 100_000_000
# Pillow's mode for each number of channels.
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
ALPHA = 4
EIGHT_BITS, SIXTEEN_BITS = 255.0, 65535.0
# Files up to so many bytes are read at once: Pillow asks for the parts of a JPEG file in a dozen
# reads, which take a fifth of the time of a small one (Pillow 13).
READ_AT_ONCE = 2**20
# EXIF's tag for how the camera was held, and its values where height and width change places.
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)
# Pillow's modes without colour.
GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "F")


@dataclass(frozen=True, slots=True)
class Frame:
    """What an input makes of an image.

    Attributes:
        height, width: in pixels; None keeps the file's.
        channels: 1 grey, 3 red-green-blue, 4 with alpha.
        last: whether channels are the last axis (else the first).
        axis: whether there is a channel axis at all.
    """

    height: int | None
    width: int | None
    channels: int
    last: bool = True
    axis: bool = True


def frame(shape: Shape, name: str = "input") -> Frame:
    """The frame of an input of `shape` (batch axis first): (h, w), (h, w, c) or (c, h, w).

    Raises:
        DataError: the input is not an image's.
    """
    sizes = shape[1:]
    if len(sizes) == 2:  # noqa: PLR2004
        return Frame(sizes[0], sizes[1], 1, axis=False)
    if len(sizes) == 3:  # noqa: PLR2004
        if sizes[2] in MODES:
            return Frame(sizes[0], sizes[1], sizes[2])
        if sizes[0] in MODES:
            return Frame(sizes[1], sizes[2], sizes[0], last=False)
    raise DataError(
        f"{name}: expected an input of shape (height, width) with 1, 3 or 4 channels for images, "
        f"found {show(shape)}; pass .npy, .npz or .csv files"
    )


def read_image(path: Path, wanted: Frame) -> Array:
    """An image as float32 in [0, 1], shape (h, w, c), (c, h, w) or (h, w) as `wanted` says.

    The picture is turned upright as its EXIF orientation says, converted to grey by ITU-R 601
    weights (or grey to colour by repeating), alpha is dropped unless wanted, and then stretched
    to height and width by Pillow's bilinear filter, which averages when it shrinks. Eight bits
    are divided by 255, sixteen by 65535. Nothing is inverted.

    Raises:
        DataError: Pillow is missing, or the file is no image, damaged, or absurdly large.
    """
    with _quiet(), _opened(path) as image:
        return _axes(_unit(_upright(image), wanted), wanted)


def read_bytes(path: Path, wanted: Frame) -> Array:
    """As `read_image`, the nearest of 0 to 255 instead of 0 to 1: uint8.

    Any thread may call it; Pillow lets others run while it decodes.

    Raises:
        DataError: as `read_image`.
    """
    with _opened(path) as image:
        upright = _upright(image)
        if upright.mode.startswith("I"):
            pixels = np.rint(_unit(upright, wanted) * np.float32(EIGHT_BITS)).astype(np.uint8)
        else:
            pixels = _eight_bits(upright, wanted)
        return _axes(pixels, wanted)


def header(path: Path) -> tuple[int, int, int]:
    """(height, width, channels) of an upright image, from its header: 1 channel grey, else 3.

    Raises:
        DataError: Pillow is missing, or the file is no image.
    """
    with _quiet(), _opened(path, whole=False) as image:
        height, width = image.height, image.width
        if image.getexif().get(ORIENTATION) in SIDEWAYS:
            height, width = width, height
        return height, width, 1 if image.mode in GREY else 3


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Without Pillow's warning of what the limit refuses. Not for threads: filters are global."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Image size .* exceeds limit")
        yield


@contextlib.contextmanager
def _opened(path: Path, *, whole: bool = True) -> Generator[Image.Image]:
    """The image, nothing decoded yet; `whole` when all of the file will be read.

    Raises:
        DataError: as `read_image`; also for what goes wrong while it is used.
    """
    try:
        # Here, because only this optional dependency's users have it.
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415
    except ImportError as error:
        raise DataError(
            f"{path}: expected Pillow to read images, found it not installed; "
            "install it with the extra: pip install 'specc[image]'"
        ) from error
    try:
        whole = whole and path.stat().st_size <= READ_AT_ONCE
        source = io.BytesIO(path.read_bytes()) if whole else path
        with Image.open(source, formats=("PNG", "JPEG")) as image:
            pixels = image.width * image.height
            if pixels > MAX_PIXELS:
                raise DataError(
                    f"{path}: expected at most {MAX_PIXELS:,} pixels, found {pixels:,}; "
                    "shrink the image"
                )
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path}: expected at most {MAX_PIXELS:,} pixels; {error}") from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path}: expected a PNG or JPEG image, found another kind of file, or a damaged one; "
            "convert it, or take it away"
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: expected a PNG or JPEG image, {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    """The image, turned as its EXIF orientation says."""
    from PIL import ImageOps  # noqa: PLC0415 - as in `_opened`

    ImageOps.exif_transpose(image, in_place=True)  # or else one that is upright is copied
    return image


def _unit(image: Image.Image, wanted: Frame) -> Array:
    """The pixels as float32 in [0, 1], (h, w, channels)."""
    if image.mode.startswith("I"):
        return _sixteen_bits(image, wanted)
    return np.asarray(_eight_bits(image, wanted), np.float32) / np.float32(EIGHT_BITS)


def _eight_bits(image: Image.Image, wanted: Frame) -> Array:
    """The pixels as bytes, (h, w) or (h, w, channels)."""
    # A palette with transparency goes by way of RGBA; Pillow warns of the direct way.
    image = image.convert("RGBA") if image.mode == "P" else image
    mode = MODES[wanted.channels]
    # Converting to the same mode would copy.
    return np.asarray(_resized(image if image.mode == mode else image.convert(mode), wanted))


def _axes(pixels: Array, wanted: Frame) -> Array:
    """Pixels (h, w) or (h, w, channels) with the axes that are wanted."""
    pixels = pixels.reshape(*pixels.shape[:2], wanted.channels)
    if not wanted.axis:
        return pixels[..., 0]
    return pixels if wanted.last else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _sixteen_bits(image: Image.Image, wanted: Frame) -> Array:
    """Grey of sixteen bits, which Pillow's conversion to eight would clip instead of scale."""
    from PIL import Image  # noqa: PLC0415

    unit = Image.fromarray(np.asarray(image, np.float32) / np.float32(SIXTEEN_BITS))
    plane = np.asarray(_resized(unit, wanted))[..., np.newaxis]
    opaque = [np.ones_like(plane)] if wanted.channels == ALPHA else []
    return np.concatenate([plane] * (wanted.channels - len(opaque)) + opaque, axis=2)


def _resized(image: Image.Image, wanted: Frame) -> Image.Image:
    from PIL import Image  # noqa: PLC0415

    size = wanted.width or image.width, wanted.height or image.height
    return image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)
