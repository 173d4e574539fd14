"""Which axis means what: ranks, known lengths, channels first and last."""

from __future__ import annotations

from specc import primitives as ops
from specc.fields import DataFormat
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Shape, show

_SPATIAL = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def expect_rank(shape: Shape, rank: int, meaning: str) -> None:
    """Check that a shape has `rank` axes; `meaning` names them for the message.

    Raises:
        ShapeError: it has more or fewer.
    """
    if len(shape) != rank:
        raise ShapeError(f"expected an input of {rank} axes {meaning}, found {show(shape)}")


def expect_image(shape: Shape, spatial: int, data_format: DataFormat) -> None:
    """Check that a shape is batch, `spatial` axes and channels in the order of `data_format`.

    Raises:
        ShapeError: it has more or fewer axes.
    """
    names = _SPATIAL[spatial]
    inner = (*names, "channels") if data_format == "channels_last" else ("channels", *names)
    expect_rank(shape, spatial + 2, f"(batch, {', '.join(inner)})")


def known(shape: Shape, axis: int) -> int:
    """The length of an axis that weights or windows depend on.

    Raises:
        ShapeError: it is unknown.
    """
    size = shape[axis]
    if size is None:
        raise ShapeError(f"axis {axis % len(shape)} of {show(shape)} needs a known length")
    return size


def spatial_axes(spatial: int, data_format: DataFormat) -> tuple[int, ...]:
    """Positions of the spatial axes, batch included in the count."""
    start = 1 if data_format == "channels_last" else 2
    return tuple(range(start, start + spatial))


def channels_axis(data_format: DataFormat) -> int:
    """Position of the channels: -1 or 1."""
    return -1 if data_format == "channels_last" else 1


def to_channels_last(x: Tensor, data_format: DataFormat) -> Tensor:
    """`x` with its channels as the last axis."""
    return x if data_format == "channels_last" else ops.move_axis(x, 1, -1)


def from_channels_last(y: Tensor, data_format: DataFormat) -> Tensor:
    """The inverse of `to_channels_last`."""
    return y if data_format == "channels_last" else ops.move_axis(y, -1, 1)
