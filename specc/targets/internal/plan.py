"""What is done together: as in the CPU target, normalisations with what follows, variances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc.primitives import Tensor
from specc.targets import cpu
from specc.targets.internal import conv as _conv
from specc.targets.internal import movement as _movement
from specc.targets.internal.images import is_image
from specc.targets.internal.normalization import Normalised, Variance
from specc.targets.realiser import Planned

__all__ = ["_conv", "_movement", "plan"]

_OVER = (0, 1, 2)
_ACTIVATIONS = {"Relu", "capped_relu"}


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> dict[int, Planned | None]:
    """Which tensors take over others that feed them alone."""
    planned = cpu.plan(tensors, users)
    # What comes last takes over: an activation before the sum or the normalisation behind it.
    for t in reversed(tensors):
        if id(t) in planned or not t.inputs:
            continue
        variance = _variance(t, users)
        found = variance or _normalised(t, users)
        if found is None:
            continue
        taker, taken = found
        if any(id(each) in planned for each in taken):
            continue
        planned[id(t)] = taker
        planned |= dict.fromkeys(map(id, taken))
    return planned


def _normalised(t: Tensor, users: Mapping[int, int]) -> tuple[Planned, list[Tensor]] | None:
    """A ReLU behind a batch normalisation, or behind its sum with another image, or that sum."""
    after = t if t.op in _ACTIVATIONS else None
    last = t if after is None else t.inputs[0]
    if not is_image(t) or (after is not None and users[id(last)] != 1):
        return None
    if last.op == "batch_norm_training":
        return None if after is None else (Normalised(last, after=after), [last])
    if last.op != "Add" or any(each.shape != t.shape for each in last.inputs):
        return None
    for norm, other in (last.inputs, last.inputs[::-1]):
        if norm.op == "batch_norm_training" and users[id(norm)] == 1 and norm is not other:
            taken = [norm] if after is None else [norm, last]
            return Normalised(norm, last, other, after), taken
    return None


def _variance(t: Tensor, users: Mapping[int, int]) -> tuple[Planned, list[Tensor]] | None:
    """The mean of (x - mean)^2 over all but channels, where no other reads the squares."""
    squares = t.inputs[0]
    if t.op != "ReduceMean" or tuple(t.attrs["axes"]) != _OVER or squares.op != "Mul":
        return None
    difference, again = squares.inputs
    if difference is not again or difference.op != "Sub" or not is_image(difference):
        return None
    x, mean = difference.inputs
    alone = users[id(squares)] == 1 and users[id(difference)] == 2  # noqa: PLR2004  both factors
    if not alone or x.shape != difference.shape or mean.shape != difference.shape[-1:]:
        return None
    return Variance(x, mean), [squares, difference]
