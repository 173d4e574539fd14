"""What a page about a sliding window shows of a layer: its geometry, kernels and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.errors import SpeccError
from specc.layer import Layer, Window
from specc.layers.conv import Convolution
from specc.layers.padding import ZeroPadding
from specc.layers.pooling import AveragePooling2D, MaxPooling2D
from specc.network import Call
from specc.walkthrough.pictures import KERNELS, pictures

Array = npt.NDArray[Any]
# More cells could not be read; a larger input is cut to its top left part.
MOST_CELLS, MOST_CHANNELS, MOST_FILTERS = 12, 3, 4
COLOURS = ("red", "green", "blue")
PLANE = 2


@dataclass(frozen=True, slots=True)
class Scene:
    """One layer and what it slides over.

    Attributes:
        kind: conv, max or average.
        channels, depth: how many input channels are shown, how many there are.
        size, whole: of the input that is shown, and of the layer's own.
        padding: ((top, bottom), (left, right)).
        kernels: (name, weights (channels, h, w), bias).
        images: (name, pixels (channels, h, w)).
    """

    layer: str
    kind: str
    channels: int
    depth: int
    size: tuple[int, int]
    whole: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    activation: str
    kernels: tuple[tuple[str, Array, float], ...]
    images: tuple[tuple[str, Array], ...]

    def to_dict(self) -> dict[str, Any]:
        """What the page's script reads."""
        names = COLOURS if self.channels == len(COLOURS) else ()
        return {
            "kind": self.kind,
            "channels": [
                names[k] if names else f"channel {k + 1}" for k in range(self.channels)
            ],
            "size": self.size, "kernel": self.kernel, "strides": self.strides,
            "dilation": self.dilation, "padding": self.padding, "activation": self.activation,
            "kernels": [
                {"name": name, "weights": weights.round(2).tolist(), "bias": round(bias, 2)}
                for name, weights, bias in self.kernels
            ],
            "images": [{"name": n, "pixels": p.round(1).tolist()} for n, p in self.images],
        }  # fmt: skip


def scene(call: Call, weights: Mapping[str, Array], picture: Array | None = None) -> Scene:
    """The scene of a call; `picture` (h, w, channels) stands before the built-in ones.

    Raises:
        SpeccError: the layer slides no window over an image, or one too large to be drawn.
    """
    layer, window = _sliding(call)
    rows, columns = window.axes
    shape = call.input_shapes[0]
    pads, (high, wide) = _padding(call, window)
    depth = shape[({1, 2, 3} - {rows, columns}).pop()] or 1
    kernel, dilation = window.kernel or (1, 1), window.dilations
    size = (min(high, MOST_CELLS), min(wide, MOST_CELLS))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if max(spans) > MOST_CELLS:
        raise SpeccError(
            f"{call.name}: expected a window of at most {MOST_CELLS} cells to draw, found"
            f" {max(spans)}; choose another layer"
        )
    channels = min(depth, MOST_CHANNELS)
    drawn = pictures(*size, channels)
    if picture is not None:
        own = np.moveaxis(picture[: size[0], : size[1], :channels], -1, 0)
        drawn = {"the picture": np.round(own, 1), **drawn}
    kind = "max" if isinstance(layer, MaxPooling2D) else "average"
    kernels: list[tuple[str, Array, float]] = []
    activation = "linear"
    if isinstance(layer, Convolution):
        kind = "conv"
        activation = str(layer.activation or "linear")
        kernels = _kernels(call, weights, channels, (kernel[0], kernel[1]))
    return Scene(
        call.name, kind, channels, depth, size, (high, wide), (kernel[0], kernel[1]),
        (window.strides[0], window.strides[1]), (dilation[0], dilation[1]), pads, activation,
        tuple(kernels), tuple(drawn.items()),
    )  # fmt: skip


def _sliding(call: Call) -> tuple[Layer, Window]:
    layer = call.called
    if isinstance(layer, Convolution | MaxPooling2D | AveragePooling2D):
        window = layer.window(call.input_shapes)
        grouped = isinstance(layer, Convolution) and layer.groups > 1
        if len(window.axes) == PLANE and not grouped:
            return layer, window
    raise SpeccError(
        f"{call.name}: expected a layer that slides a window over an image (conv2d without groups,"
        f" max_pooling2d, average_pooling2d), found {call.node.type_name}; choose another layer"
    )


def _padding(
    call: Call, window: Window
) -> tuple[tuple[tuple[int, int], tuple[int, int]], tuple[int, int]]:
    """Zeros on each side, those of a zero_padding2d right above included, and the size inside."""
    top, left = window.pads
    shape = call.input_shapes[0]
    above = call.inputs[0].call if call.inputs[0] is not None else None
    if above is not None and above.inputs and isinstance(above.called, ZeroPadding):
        more = above.called.padding
        top, left = ((a + c, b + d) for (a, b), (c, d) in zip((top, left), more, strict=True))
        shape = above.input_shapes[0]
    sizes = [shape[axis] for axis in window.axes]
    if None in sizes:
        raise SpeccError(f"{call.name}: expected an input of known height and width")
    high, wide = (size or 1 for size in sizes)
    return ((top[0], top[1]), (left[0], left[1])), (high, wide)


def _kernels(
    call: Call, weights: Mapping[str, Array], channels: int, size: tuple[int, int]
) -> list[tuple[str, Array, float]]:
    """Kernels that find edges (of 3 x 3 windows), and the first of the layer's own."""
    found: list[tuple[str, Array, float]] = []
    if size == (3, 3):
        for name, rows in KERNELS.items():
            plane = np.array(rows)
            found.append((name, np.stack([plane] * channels), 0.0))
    own = {w.weight.name: weights[w.name] for w in call.node.weights}
    kernel = np.moveaxis(own["kernel"], (2, 3), (1, 0))  # (filters, channels, h, w)
    bias = own.get("bias", np.zeros(len(kernel)))
    name = call.node.name
    return found + [
        (f"filter {k + 1} of {name}", kernel[k, :channels], float(bias[k]))
        for k in range(min(MOST_FILTERS, len(kernel)))
    ]
