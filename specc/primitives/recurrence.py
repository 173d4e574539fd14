"""Whole recurrences: every step of a sequence, each from its input and the state before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specc.errors import InternalError
from specc.primitives.tensor import Tensor, ints
from specc.tensors import Dim

# Functions of gates and states that targets know in recurrences, by Keras' names.
FUNCTIONS = ("tanh", "sigmoid", "relu", "linear", "hard_sigmoid")


@dataclass(frozen=True, slots=True)
class Recurrent:
    """What every recurrence reads.

    Shapes: x (N, T, d), kernel (d, gates units), recurrent (units, gates units); start: states
    before the first step (N, units), zeros when empty; mask (N, T), true (not 0) where a step
    counts: others keep the states.
    """

    x: Tensor
    kernel: Tensor
    recurrent: Tensor
    bias: Tensor | None = None
    start: Sequence[Tensor] = ()
    mask: Tensor | None = None


def simple_rnn(given: Recurrent, activation: str) -> Tensor:
    """h' = activation(x W + h R + b) at each step. Shapes: bias (units), result (N, T, units)."""
    return _emit("simple_rnn", given, 1, 0, activation=activation)


def lstm(
    given: Recurrent, activation: str, recurrent_activation: str, *, cell: bool = False
) -> Tensor:
    """c' = sigma(f) c + sigma(i) tanh(g), h' = sigma(o) tanh(c'); i, f, g, o = x W + h R + b.

    Shapes: bias (4 units), result h (N, T, units), with `cell` (N, T + 1, units), the last c
    behind all h.
    """
    functions = {"activation": activation, "recurrent_activation": recurrent_activation}
    return _emit("lstm", given, 4, int(cell), **functions)


def gru(
    given: Recurrent, activation: str, recurrent_activation: str, *, reset_after: bool
) -> Tensor:
    """h' = z h + (1 - z) tanh(candidate), z and r = sigma(x W + h R + b).

    The candidate is x W + b + r (h R + b'), without `reset_after` x W + b + (r h) R.

    Shapes: bias (2, 3 units), of which b' is the second row, or (3 units) without `reset_after`;
    gates in the order z, r, candidate; result (N, T, units).
    """
    functions = {"activation": activation, "recurrent_activation": recurrent_activation}
    return _emit("gru", given, 3, 0, reset_after=reset_after, **functions)


def _emit(op: str, given: Recurrent, gates: int, more: int, **attrs: object) -> Tensor:
    x, kernel, recurrent = given.x, given.kernel, given.recurrent
    units, wide = ints(recurrent.shape)
    steps: Dim = ints(x.shape[1:2])[0]
    if wide != gates * units or kernel.shape != (x.shape[2], wide):
        raise InternalError(f"{op} of {x.shape}, {kernel.shape}, {recurrent.shape}")
    optional = [*given.start, *(t for t in (given.bias, given.mask) if t is not None)]
    return x.trace.emit(
        op,
        (x, kernel, recurrent, *optional),
        (x.shape[0], steps + more, units),
        x.dtype,
        states=len(given.start),
        has_bias=given.bias is not None,
        has_mask=given.mask is not None,
        more=more,
        **attrs,
    )
