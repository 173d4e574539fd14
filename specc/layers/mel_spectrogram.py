"""Mel spectrograms: a Fourier transform whose frequencies are gathered as ears do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.axes import expect_rank
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, elements, show
from specc.windows import Samples, Window, window


def _mel(hertz: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mel scale of HTK: 2595 log10(1 + f / 700), as 1127 ln."""
    one, pitch, factor = np.float32(1.0), np.float32(700.0), np.float32(1127.0)
    return np.asarray(factor * np.log(one + hertz / pitch), np.float32)


def _usual(value: Window) -> Window:
    if isinstance(value, str) and value not in ("hann", "hamming"):
        raise PydanticCustomError(
            "window", "expected hann, hamming, the window's values or null, found {name}",
            {"name": repr(value)},
        )  # fmt: skip
    return value


class MelSpectrogram(Layer):
    """Strengths |STFT|^mag_exp of frames, summed over triangles on the mel scale, in decibels.

    Frame i is centred at sample i sequence_stride; the signal is reflected at both ends. In
    decibels p becomes 10 log10(max(p, min_power) / max(|ref_power|, min_power)), not less than
    `top_db` below the batch's largest.

    Shapes: x (N, samples), result (N, num_mel_bins, samples // sequence_stride + 1).

    Source: keras/src/layers/preprocessing/mel_spectrogram.py (3.15.1).
    """

    renamed: ClassVar[Mapping[str, str]] = {"window": "window_function"}

    fft_length: PositiveInt = 2048
    """Length of the Fourier transform."""
    sequence_stride: PositiveInt = 512
    """Samples from one frame to the next."""
    sequence_length: PositiveInt | None = None
    """Number of samples in a frame; `fft_length` by default."""
    window_function: Annotated[Window, AfterValidator(_usual)] = "hann"
    """What fades a frame in and out: hann, hamming, values, or null for nothing."""
    sampling_rate: PositiveFloat = 16000
    """Samples in a second."""
    num_mel_bins: PositiveInt = 128
    """Number of triangles."""
    min_freq: NonNegativeFloat = 20.0
    """Where the first triangle begins, in hertz."""
    max_freq: PositiveFloat | None = None
    """Where the last triangle ends, in hertz; half the sampling rate by default."""
    power_to_db: bool = True
    """Whether the result is in decibels."""
    top_db: PositiveFloat = 80.0
    """How far values reach below the largest one, in decibels."""
    mag_exp: PositiveFloat = 2.0
    """Power of the magnitude: 1 for magnitudes, 2 for powers."""
    min_power: PositiveFloat = 1e-10
    """The least value that a logarithm is taken of."""
    ref_power: float = 1.0
    """What 0 decibels mean."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if (self.sequence_length or 0) > self.fft_length:
            raise PydanticCustomError(
                "sequence_length",
                "expected a sequence_length of at most fft_length {fft}, found {length}",
                {"fft": self.fft_length, "length": self.sequence_length},
            )
        given = (
            None
            if isinstance(self.window_function, str) or self.window_function is None
            else len(self.window_function)
        )
        if given is not None and given != self._length:
            raise PydanticCustomError(
                "window",
                "expected {length} values, as many as a frame has samples, found {count}",
                {"length": self._length, "count": given},
            )
        return self

    @property
    def _length(self) -> int:
        return self.sequence_length or self.fft_length

    @property
    def _bins(self) -> int:
        return self.fft_length // 2 + 1

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        (x,) = inputs
        expect_rank(x, 2, "(batch, samples)")
        if x[1] is None:
            return (x[0], self.num_mel_bins, None)
        if x[1] <= self.fft_length // 2:
            raise ShapeError(
                f"a signal of {x[1]} samples in {show(x)} is too short to be reflected by half of"
                f" fft_length {self.fft_length}"
            )
        padded = x[1] + 2 * (self.fft_length // 2)
        return (x[0], self.num_mel_bins, (padded - self.fft_length) // self.sequence_stride + 1)

    def _kernel(self) -> Samples:
        """Real and imaginary waves behind one another: (fft_length, 1, 2 bins)."""
        if isinstance(self.window_function, str):
            fade = window(self.window_function, self._length, periodic=True)
        else:
            fade = (
                np.ones(self._length)
                if self.window_function is None
                else np.asarray(self.window_function)
            )
        before = (self.fft_length - self._length) // 2
        fade = np.pad(fade, (before, self.fft_length - self._length - before))
        turns = np.arange(self.fft_length)[:, None] * np.arange(self._bins) / self.fft_length
        waves = np.concatenate((np.cos(2.0 * np.pi * turns), -np.sin(2.0 * np.pi * turns)), -1)
        return (waves * fade[:, None])[:, None, :]

    def _triangles(self) -> Samples:
        """(bins, mels): rising to 1 at a band's centre, straight in mels; no constant part."""
        # In float32, as Keras: slopes divide small differences, and 0.001 dB would be off.
        top, count = np.float32(self.sampling_rate / 2.0), self.num_mel_bins + 2
        points = _mel(np.linspace(np.float32(0.0), top, self._bins, dtype=np.float32)[1:])[:, None]
        ends = _mel(np.asarray((self.min_freq, self.max_freq or int(top)), np.float32))
        edges = np.linspace(ends[0], ends[1], count, dtype=np.float32)
        low, centre, high = edges[:-2], edges[1:-1], edges[2:]
        rise, fall = (points - low) / (centre - low), (high - points) / (high - centre)
        found = np.maximum(np.minimum(rise, fall), np.float32(0.0))
        return np.pad(found.astype(np.float64), ((1, 0), (0, 0)))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        half = self.fft_length // 2
        x = ops.expand_dims(ops.pad(x, ((0, 0), (half, half)), mode="reflect"), -1)
        kernel = x.trace.constant(self._kernel())
        y = ops.conv(x, kernel, strides=(self.sequence_stride,), pads=((0, 0),))
        real, imag = ops.split(y, (self._bins, self._bins), -1)
        power = real * real + imag * imag
        strength = power if self.mag_exp == 2.0 else ops.power(power, self.mag_exp / 2.0)  # noqa: PLR2004
        mels = ops.dense(strength, x.trace.constant(self._triangles()))
        if self.power_to_db:
            mels = self._decibels(mels)
        return ops.transpose(mels, (0, 2, 1))

    def _decibels(self, mels: Tensor) -> Tensor:
        unit = 10.0 / math.log(10.0)
        least = max(abs(self.ref_power), self.min_power)
        decibels = ops.log(ops.maximum(mels, self.min_power)) * unit - unit * math.log(least)
        return ops.maximum(decibels, ops.reduce_max(decibels) - self.top_db)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        frames = elements(output[2:])
        macs = frames * self._bins * (2 * self.fft_length + self.num_mel_bins)
        return Cost(macs, frames * (3 * self._bins + 4 * self.num_mel_bins * self.power_to_db))
