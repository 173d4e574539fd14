"""Primitives without inputs: graph inputs, state, and random numbers."""

from __future__ import annotations

from specc.primitives.tensor import Tensor, Trace
from specc.tensors import Dims, DType


def graph_input(trace: Trace, name: str, shape: Dims, dtype: DType) -> Tensor:
    """A tensor that the caller of the graph supplies at each run."""
    return trace.emit("input", (), shape, dtype, name=name)


def state(trace: Trace, name: str, shape: Dims, dtype: DType, *, trainable: bool) -> Tensor:
    """A tensor that outlives the run: a weight, a moving statistic, a counter."""
    return trace.emit("state", (), shape, dtype, name=name, trainable=trainable)


def random_uniform(like: Tensor, shape: Dims, step: Tensor, *, seed: int, stream: str) -> Tensor:
    """Numbers in [0, 1), a pure function of (seed, stream, step, position).

    Shapes: step () int64; `like` is any tensor with the batch when `shape` has one. Position is
    counted in the logical, row-major order, so every target and layout draws the same numbers.
    """
    return like.trace.emit(
        "random_uniform", (like, step), shape, like.trace.floatx, seed=seed, stream=stream
    )


def random_normal(like: Tensor, shape: Dims, step: Tensor, *, seed: int, stream: str) -> Tensor:
    """Standard normal numbers by Box and Muller's transform of two uniform streams."""
    return like.trace.emit(
        "random_normal", (like, step), shape, like.trace.floatx, seed=seed, stream=stream
    )
