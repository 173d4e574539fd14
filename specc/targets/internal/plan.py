"""What is done together: max-pools and weighed values as in the CPU target, normalisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from specc.primitives import Tensor
from specc.targets import attention
from specc.targets.cpu import fusion
from specc.targets.cpu.normalised import between
from specc.targets.internal import conv as _conv
from specc.targets.internal import movement as _movement
from specc.targets.internal.expansion import Expanded, Moment
from specc.targets.internal.images import ints, is_image
from specc.targets.internal.normalization import Normalised, Variance
from specc.targets.realiser import Planned

__all__ = ["_conv", "_movement", "plan"]

# By id of a tensor who realises it, or None where another one took it over.
Plan: TypeAlias = "dict[int, Planned | None]"

_OVER = (0, 1, 2)
_ACTIVATIONS = {"Relu", "capped_relu"}


def plan(tensors: Sequence[Tensor], users: Mapping[int, int]) -> Plan:
    """Which tensors take over others that feed them alone."""
    planned = attention.plan(tensors, users) | fusion.plan(tensors, users)
    # What comes last takes over: an activation before the sum or the normalisation behind it.
    for t in reversed(tensors):
        for found in (_expanded(t, users), _normalised(t, users), _variance(t, users)):
            if found is not None and not any(key in planned for key in found):
                planned |= found
                break
    return planned


def _expanded(t: Tensor, users: Mapping[int, int]) -> Plan | None:
    """A normalisation, perhaps with its ReLU, behind a convolution of one tap to many channels."""
    after = t if t.op in _ACTIVATIONS else None
    norm = t if after is None else t.inputs[0]
    if norm.op != "batch_norm_training" or (after is not None and users[id(norm)] != 1):
        return None
    conv, _, _, mean, variance = norm.inputs
    moments = between(norm, users)
    if moments is None or not is_image(conv) or not _expands(conv):
        return None
    found: Plan = {id(t): Expanded(conv, norm, after), id(mean): Moment(conv)}
    found[id(variance)] = Moment(conv, moments)
    taken = [conv, *moments, *([] if after is None else [norm])]
    return found | dict.fromkeys(map(id, taken))


def _expands(t: Tensor) -> bool:
    """Whether t is a convolution of one tap to at least twice as many channels."""
    if t.op != "conv" or t.attrs["groups"] != 1:
        return False
    source = t.inputs[0]
    point = tuple(t.inputs[1].shape[:2]) == (1, 1) and tuple(t.attrs["strides"]) == (1, 1)
    if not point or not is_image(source) or source.shape[1:3] != t.shape[1:3]:
        return False
    return ints(t.shape)[-1] >= 2 * ints(source.shape)[-1]


def _normalised(t: Tensor, users: Mapping[int, int]) -> Plan | None:
    """A ReLU behind a batch normalisation, or behind its sum with another image, or that sum."""
    after = t if t.op in _ACTIVATIONS else None
    last = t if after is None else t.inputs[0]
    if not is_image(t) or (after is not None and users[id(last)] != 1):
        return None
    if last.op == "batch_norm_training":
        return None if after is None else {id(t): Normalised(last, after=after), id(last): None}
    if last.op != "Add" or any(each.shape != t.shape for each in last.inputs):
        return None
    for norm, other in (last.inputs, last.inputs[::-1]):
        if norm.op == "batch_norm_training" and users[id(norm)] == 1 and norm is not other:
            taken = [norm] if after is None else [norm, last]
            found: Plan = {id(t): Normalised(norm, last, other, after)}
            return found | dict.fromkeys(map(id, taken))
    return None


def _variance(t: Tensor, users: Mapping[int, int]) -> Plan | None:
    """The mean of (x - mean)^2 over all but channels, where no other reads the squares."""
    if t.op != "ReduceMean":
        return None
    squares = t.inputs[0]
    if tuple(t.attrs["axes"]) != _OVER or squares.op != "Mul":
        return None
    difference, again = squares.inputs
    if difference is not again or difference.op != "Sub" or not is_image(difference):
        return None
    x, mean = difference.inputs
    alone = users[id(squares)] == 1 and users[id(difference)] == 2  # noqa: PLR2004  both factors
    if not alone or x.shape != difference.shape or mean.shape != difference.shape[-1:]:
        return None
    return {id(t): Variance(x, mean), id(squares): None, id(difference): None}
