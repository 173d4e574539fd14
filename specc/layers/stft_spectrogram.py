"""Spectrograms whose Fourier transform is a convolution with weights that training may change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import AfterValidator, PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.fields import DataFormat, Padding
from specc.initializers import STFT
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.axes import channels_axis, expect_rank, known, spatial_axes
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import pads_for, window_length
from specc.tensors import Shape, elements, product
from specc.windows import Window

# Keras' backend.epsilon(): the least power and magnitude.
EPSILON = 1e-7


def _known(name: Window) -> Window:
    if name is None:
        raise PydanticCustomError("window", "expected a window's name or its values, found null")
    return name


class STFTSpectrogram(Layer):
    """Frames of each channel, faded by a window, as strengths of their frequencies.

    With R and I the real and imaginary parts of a frame's Fourier transform: `psd` R^2 + I^2, twice
    that for all but the first and last frequency; `magnitude` sqrt(R^2 + I^2), at least 10^-3.5;
    `log` its logarithm; `real` R; `imag` I; `stft` both, R before I; `angle` atan2(I, R).

    Shapes: x (N, steps, c), result (N, frames, c bins), or (N, frames, bins, c) with `expand_dims`;
    with `channels_first` x (N, c, steps), result (N, c bins, frames) or (N, c, frames, bins).
    Weights real_kernel and imag_kernel (frame_length, 1, bins), as far as the mode needs them;
    bins is fft_length / 2 + 1, twice that for `stft`.

    Source: keras/src/layers/preprocessing/stft_spectrogram.py (3.15.1).
    """

    renamed: ClassVar[Mapping[str, str]] = {"window": "window_function"}

    mode: Literal["log", "magnitude", "psd", "real", "imag", "angle", "stft"] = "log"
    """What of the Fourier transform is returned."""
    frame_length: PositiveInt = 256
    """Number of samples in a frame."""
    frame_step: PositiveInt | None = None
    """Samples from one frame to the next; half a frame by default."""
    fft_length: PositiveInt | None = None
    """Length of the Fourier transform; by default the power of 2 that a frame fits in."""
    window_function: Annotated[Window, AfterValidator(_known)] = "hann"
    """What fades a frame in and out: a window's name, or its values."""
    periodic: bool = False
    """Whether the window leaves out the last sample of a symmetric one that is longer by one."""
    scaling: Literal["density", "spectrum"] | None = "density"
    """What windows are divided by: the root of the sum of squares, the sum, or nothing."""
    padding: Padding = "valid"
    """Whether only whole frames count, or zeros complete the outer ones (`same`)."""
    expand_dims: bool = False
    """Whether frequencies and channels get axes of their own."""
    data_format: DataFormat = "channels_last"
    """Where the channels stand."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.frame_step is not None and self.frame_step > self.frame_length:
            raise PydanticCustomError(
                "frame_step",
                "expected a frame_step of at most frame_length {length}, found {step}",
                {"length": self.frame_length, "step": self.frame_step},
            )
        if self.fft_length is not None and self.fft_length < self.frame_length:
            raise PydanticCustomError(
                "fft_length",
                "expected an fft_length of at least frame_length {length}, found {fft}",
                {"length": self.frame_length, "fft": self.fft_length},
            )
        return self

    @property
    def _step(self) -> int:
        return self.frame_step or max(self.frame_length // 2, 1)

    @property
    def _bins(self) -> int:
        """Frequencies of one real transform."""
        return (self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))) // 2 + 1

    def _sizes(self, shape: Shape) -> tuple[int, int | None, int]:
        """(channels, frames, frequencies) of the result."""
        expect_rank(shape, 3, "(batch, steps, channels) in the order of data_format")
        channels = known(shape, channels_axis(self.data_format))
        steps = shape[spatial_axes(1, self.data_format)[0]]
        frames = window_length(steps, self.frame_length, self._step, 1, self.padding)
        return channels, frames, self._bins * (2 if self.mode == "stft" else 1)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        c, frames, bins = self._sizes(x)
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return (x[0], frames, bins, c) if last else (x[0], c, frames, bins)
        return (x[0], frames, bins * c) if last else (x[0], bins * c, frames)

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        shape = (self.frame_length, 1, self._bins)
        sides: tuple[Literal["real", "imag"], ...] = ("real", "imag")
        return tuple(
            Weight(
                f"{side}_kernel", shape,
                STFT(
                    side=side, window=self.window_function, scaling=self.scaling,
                    periodic=self.periodic,
                ),
            )
            for side in sides
            if self.mode not in {"real", "imag"} - {side}
        )  # fmt: skip

    def _parts(self, low: Lowering, x: Tensor) -> list[Tensor]:
        """The parts that the mode needs. Shapes: x (N, c, steps), parts (N, c, frames, bins)."""
        (steps,) = ints(x.shape[2:])
        y = ops.reshape(x, (product(x.shape[:2]), steps, 1))
        pads = (pads_for(steps, self.frame_length, self._step, 1, self.padding),)
        names = [n for n in ("real", "imag") if self.mode not in {"real", "imag"} - {n}]
        made = [
            ops.conv(y, low.weight(f"{name}_kernel"), strides=(self._step,), pads=pads)
            for name in names
        ]
        return [ops.reshape(m, (*x.shape[:2], *m.shape[1:])) for m in made]

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        last = self.data_format == "channels_last"
        y = self._combined(self._parts(low, ops.move_axis(x, -1, 1) if last else x))
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1)) if last else y
        y = ops.transpose(y, (0, 1, 3, 2))
        lead, channels, bins, frames = y.shape
        (wide,) = ints((channels,))
        y = ops.reshape(y, (lead, wide * ints((bins,))[0], frames))
        return ops.transpose(y, (0, 2, 1)) if last else y

    def _combined(self, parts: list[Tensor]) -> Tensor:
        if self.mode in ("real", "imag"):
            return parts[0]
        real, imag = parts
        if self.mode == "stft":
            return ops.concat(parts, -1)
        if self.mode == "angle":
            return ops.arctan2(imag, real)
        power = real * real + imag * imag
        if self.mode == "psd":
            weights = [1.0] + [2.0] * (self._bins - 2) + [1.0] * (self._bins > 1)
            return power * power.trace.constant(np.asarray(weights), power.dtype)
        magnitude = ops.sqrt(ops.maximum(power, EPSILON))
        if self.mode == "magnitude":
            return magnitude
        return ops.log(ops.maximum(magnitude, EPSILON))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        made = elements(output[1:])
        both = 2 if self.mode in ("log", "magnitude", "psd", "angle") else 1
        return Cost(both * made * self.frame_length, 5 * made * (both - 1))
