"""Initial values of weights, with Keras' distributions, drawn from a seed and the weight's name.

Source of every rule and default: keras/src/initializers (3.15.1).
"""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from specc.family import Member
from specc.shapes import ShapeError
from specc.tensors import show
from specc.windows import Window, window

# Keras divides the wanted deviation of a normal truncated at two deviations by this.
TRUNCATED_DEVIATION = 0.8796256610342398


def generator(seed: int, name: str) -> np.random.Generator:
    """The random stream of one named thing: independent of every other name under the same seed."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


Axes: TypeAlias = tuple[int, ...] | None


def fans(
    shape: tuple[int, ...], input_axes: Axes = None, output_axes: Axes = None
) -> tuple[int, int]:
    """(fan in, fan out). 1-D: both n; 2-D: as is; more: receptive field times the last two axes.

    With both axes given: the products of the lengths of those axes.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


class Initializer(Member):
    """A rule for initial values."""

    family_name: ClassVar[str] = "initializer"

    seed: int | None = None
    """Overrides the training seed for this weight."""

    def create(self, shape: tuple[int, ...], seed: int, name: str) -> npt.NDArray[np.float32]:
        """Float32 values for a weight called `name`; the same for the same arguments, always."""
        stream = generator(seed if self.seed is None else self.seed, name)
        return np.asarray(self.draw(shape, stream), np.float32)

    @abstractmethod
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Values from the stream."""


class Zeros(Initializer):
    """All 0."""

    aliases: ClassVar[tuple[str, ...]] = ("zero",)

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    aliases: ClassVar[tuple[str, ...]] = ("one",)

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return np.ones(shape)


class Constant(Initializer):
    """All the same value."""

    value: float = 0.0
    """The value."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return np.full(shape, self.value)


class RandomNormal(Initializer):
    """Normal with a mean and a standard deviation."""

    aliases: ClassVar[tuple[str, ...]] = ("normal",)
    mean: float = 0.0
    """The mean."""

    stddev: float = 0.05
    """The standard deviation, before truncation if there is one."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return rng.normal(self.mean, self.stddev, shape)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    aliases: ClassVar[tuple[str, ...]] = ("uniform",)
    minval: float = -0.05
    """The lower limit."""

    maxval: float = 0.05
    """The upper limit."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return rng.uniform(self.minval, self.maxval, shape)


def truncated_normal(
    shape: tuple[int, ...], mean: float, stddev: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Normal with values beyond two deviations drawn again."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():  # noqa: PLR2004
        values[outside] = rng.standard_normal(int(outside.sum()))
    return mean + stddev * values


class TruncatedNormal(Initializer):
    """Normal with values beyond two deviations drawn again."""

    mean: float = 0.0
    """The mean."""

    stddev: float = 0.05
    """The standard deviation, before truncation if there is one."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return truncated_normal(shape, self.mean, self.stddev, rng)


class VarianceScaling(Initializer):
    """Variance scale / fan: Glorot, He and LeCun initializers are its special cases."""

    scale: Annotated[float, Field(gt=0)] = 1.0
    """The variance times the fan."""

    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    """Which fan divides the scale; fan_avg is the mean of both."""

    distribution: Literal["truncated_normal", "normal", "untruncated_normal", "uniform"] = (
        "truncated_normal"
    )
    """The distribution; Keras reads `normal` as `truncated_normal`."""

    input_axes: Axes = None
    """The axes whose lengths make the fan in; with output_axes, in place of the usual rule."""

    output_axes: Axes = None
    """The axes whose lengths make the fan out."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        fan = fans(shape, self.input_axes, self.output_axes)
        return scaled(shape, rng, fan, self.scale, self.mode, self.distribution)


def scaled(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    fan_in_out: tuple[int, int],
    scale: float,
    mode: str,
    distribution: str,
) -> npt.NDArray[np.float64]:
    """The rule of `VarianceScaling`; the uniform limit is sqrt(3 scale / fan)."""
    fan_in, fan_out = fan_in_out
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    variance = scale / max(1.0, fan)
    if distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return rng.uniform(-limit, limit, shape)
    if distribution == "untruncated_normal":
        return rng.normal(0.0, math.sqrt(variance), shape)
    return truncated_normal(shape, 0.0, math.sqrt(variance) / TRUNCATED_DEVIATION, rng)


class _Preset(Initializer):
    """A `VarianceScaling` with its settings fixed by name."""

    abstract: ClassVar[bool] = True
    scale_: ClassVar[float] = 1.0
    mode_: ClassVar[str] = "fan_in"
    distribution_: ClassVar[str] = "truncated_normal"

    input_axes: Axes = None
    """The axes whose lengths make the fan in; with output_axes, in place of the usual rule."""

    output_axes: Axes = None
    """The axes whose lengths make the fan out."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        fan = fans(shape, self.input_axes, self.output_axes)
        return scaled(shape, rng, fan, self.scale_, self.mode_, self.distribution_)


class GlorotUniform(_Preset):
    """Uniform within sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010)."""

    mode_: ClassVar[str] = "fan_avg"
    distribution_: ClassVar[str] = "uniform"


class GlorotNormal(_Preset):
    """Truncated normal of variance 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""

    mode_: ClassVar[str] = "fan_avg"


class HeUniform(_Preset):
    """Uniform within sqrt(6 / fan in) (He et al., 2015)."""

    scale_: ClassVar[float] = 2.0
    distribution_: ClassVar[str] = "uniform"


class HeNormal(_Preset):
    """Truncated normal of variance 2 / fan in (He et al., 2015)."""

    scale_: ClassVar[float] = 2.0


class LecunUniform(_Preset):
    """Uniform within sqrt(3 / fan in) (LeCun et al., 1998)."""

    distribution_: ClassVar[str] = "uniform"


class LecunNormal(_Preset):
    """Truncated normal of variance 1 / fan in (LeCun et al., 1998)."""


class Orthogonal(Initializer):
    """Orthonormal rows or columns: Q of a QR decomposition, signs from diag R (Saxe et al., 2013).

    More than two axes are folded into (all but the last, last).
    """

    gain: float = 1.0
    """Factor of the matrix."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        if len(shape) < 2:  # noqa: PLR2004
            raise ShapeError(f"orthogonal expects at least 2 axes, found a weight of {show(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draw = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(draw)
        q *= np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


class Identity(Initializer):
    """The identity matrix times `gain`; two axes only."""

    aliases: ClassVar[tuple[str, ...]] = ("identity_initializer",)
    gain: float = 1.0
    """Factor of the matrix."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        if len(shape) != 2:  # noqa: PLR2004
            raise ShapeError(f"identity expects 2 axes, found a weight of {show(shape)}")
        return self.gain * np.eye(*shape)


class STFT(Initializer):
    """Cosines or sines of all frequencies, faded by a window: the kernel of a Fourier transform.

    w[t, 0, k] = cos(2 pi t k / F) window[t] / norm, or -sin, where F = 2 (bins - 1). Shapes:
    (frame, 1, bins).

    Source: keras/src/initializers/constant_initializers.py, STFT (3.15.1).
    """

    side: Literal["real", "imag"] = "real"
    """Whether the kernel is the real or the imaginary part of e^(-i 2 pi t k / F)."""

    window: Window = "hann"
    """The window: a name, its values, or null for none and no norm."""

    scaling: Literal["density", "spectrum"] | None = "density"
    """What the norm is: the root of the window's sum of squares, its sum, or 1."""

    periodic: bool = False
    """Whether the window leaves out the last sample of a symmetric one that is longer by one."""

    @override
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        if len(shape) != 3 or shape[1] != 1:  # noqa: PLR2004
            raise ShapeError(f"stft expects (frame, 1, bins), found a weight of {show(shape)}")
        frame, _, bins = shape
        angle = -2.0 * np.pi * np.arange(frame)[:, None] * np.arange(bins) / max(2 * (bins - 1), 1)
        kernel = (np.cos(angle) if self.side == "real" else np.sin(angle))[:, None, :]
        if self.window is None:
            return kernel
        if isinstance(self.window, str):
            faded = window(self.window, frame, periodic=self.periodic)
        else:
            faded = np.asarray(self.window, np.float64)
        if faded.shape != (frame,):
            raise ShapeError(f"a window of {faded.size} values does not fit a frame of {frame}")
        norms = {"density": np.sqrt((faded**2).sum()), "spectrum": np.abs(faded).sum(), None: 1.0}
        return kernel * faded[:, None, None] / norms[self.scaling]
