"""One step of any optimizer, in the order of Keras; the compiler calls these.

    g, accumulator = accumulate(...)      only with gradient_accumulation_steps
    grads = clip_gradients(...)           per weight, or over all of them
    w, slots = step(...)                  decay, update, moving average; any shape, also packed
    scalars = advance(...)                what the rule keeps once for the model

Source: keras/src/optimizers/base_optimizer.py, apply and _backend_apply_gradients (3.15.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc import primitives as ops
from specc.errors import InternalError
from specc.optimizers.base import Optimizer, Slot
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor

AVERAGE = "average"
ACCUMULATOR = "gradient_accumulator"


def all_slots(optimizer: Optimizer, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
    """Every slot of a weight: its moving average, its gradient accumulator, the rule's own."""
    average = (Slot(AVERAGE, group=-2),) if optimizer.use_ema else ()
    steps = optimizer.gradient_accumulation_steps
    accumulator = (Slot(ACCUMULATOR, group=-1),) if steps else ()
    return (*average, *accumulator, *optimizer.slots(shape, path))


def keras_order(
    optimizer: Optimizer, weights: Sequence[tuple[str, tuple[int, ...]]]
) -> list[tuple[int, Slot]]:
    """(index of the weight, slot) in the order of Keras' optimizer variables.

    `weights` are (path, shape). The iteration counter, the learning rate (unless scheduled) come
    before them; `optimizer.scalars()` after.
    """
    every = [
        (index, slot)
        for index, (path, shape) in enumerate(weights)
        for slot in all_slots(optimizer, shape, path)
    ]
    return sorted(every, key=lambda entry: entry[1].group)


def learning_rate(optimizer: Optimizer, lr_state: Tensor | None, iterations: Tensor) -> Tensor:
    """The rate of this step: the schedule's at `iterations` (int64, before the step), or the state.

    Source: schedules see every call, also those that only accumulate gradients.
    """
    rate = optimizer.learning_rate
    if isinstance(rate, Schedule):
        return rate.at(ops.cast(iterations, iterations.trace.floatx))
    if lr_state is None:
        raise InternalError(f"{optimizer.key} has neither a schedule nor a learning-rate state")
    return lr_state


def updates_before(optimizer: Optimizer, iterations: Tensor) -> Tensor:
    """How many updates were made in `iterations` calls (int64)."""
    steps = optimizer.gradient_accumulation_steps
    # The quotient of integers is cut, as in ONNX.
    return iterations / steps if steps else iterations


def holds(condition: Tensor) -> Tensor:
    """1 or 0 in the trace's float type: a gate that is multiplied with."""
    return ops.cast(condition, condition.trace.floatx)


def divides(period: int, count: Tensor) -> Tensor:
    """1 where `count` (int64) is a multiple of `period`, else 0."""
    return holds(ops.equal(count - count / period * period, 0))


def updating(optimizer: Optimizer, iterations: Tensor) -> Tensor | None:
    """1 when this call updates weights, 0 when it only accumulates; None: it always updates."""
    steps = optimizer.gradient_accumulation_steps
    return divides(steps, iterations + 1) if steps else None


def blend(gate: Tensor | None, new: Tensor, old: Tensor) -> Tensor:
    """`new` where the gate is 1, `old` where it is 0, exactly."""
    return new if gate is None else new * gate + old * (1.0 - gate)


def accumulate(
    optimizer: Optimizer, g: Tensor, accumulator: Tensor, iterations: Tensor
) -> tuple[Tensor, Tensor]:
    """(mean gradient, new accumulator); the mean is meant only for calls that update."""
    steps = optimizer.gradient_accumulation_steps
    gate = updating(optimizer, iterations)
    if steps is None or gate is None:
        raise InternalError(f"{optimizer.key} does not accumulate gradients")
    total = g + accumulator
    return total * (1.0 / steps), total * (1.0 - gate)


def clip_gradients(optimizer: Optimizer, grads: Sequence[Tensor]) -> list[Tensor]:
    """Gradients within the optimizer's limit.

    clipnorm c: g c / max(|g|, c) for each; global_clipnorm: the same with the norm of all
    together; clipvalue v: each element within [-v, v].
    """
    if optimizer.clipvalue is not None:
        limit = optimizer.clipvalue
        return [ops.clip(g, -limit, limit) for g in grads]
    if optimizer.clipnorm is not None:
        return [g * shrink(_squares(g), optimizer.clipnorm) for g in grads]
    if optimizer.global_clipnorm is not None and grads:
        total = _squares(grads[0])
        for g in grads[1:]:
            total = total + _squares(g)
        factor = shrink(total, optimizer.global_clipnorm)
        return [g * factor for g in grads]
    return list(grads)


def _squares(g: Tensor) -> Tensor:
    return ops.reduce_sum(g * g)


def shrink(squares: Tensor, limit: float) -> Tensor:
    """The factor that brings a norm within a limit c: c / max(sqrt(squares), c)."""
    return limit / ops.maximum(ops.sqrt(squares), limit)


def step(
    optimizer: Optimizer,
    w: Tensor,
    g: Tensor,
    slots: Mapping[str, Tensor],
    scalars: Mapping[str, Tensor],
    lr: Tensor,
    iterations: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """(new w, new slots) from a clipped gradient; the accumulator is not among the new slots.

    Shapes: w, g alike; lr () float; iterations () int64, calls before this one.
    """
    done = updates_before(optimizer, iterations)
    t = ops.cast(done + 1, w.dtype)
    gate = updating(optimizer, iterations)
    decay = optimizer.decay(slots)
    decayed = w if not decay else w * (1.0 - lr * decay)
    new_w, new = optimizer.update(decayed, g, slots, scalars, lr, t)
    if gate is not None:
        new_w = blend(gate, new_w, w)
        new = {name: blend(gate, value, slots[name]) for name, value in new.items()}
    if optimizer.use_ema:
        new_w, new[AVERAGE] = _averaged(optimizer, new_w, slots[AVERAGE], done)
    return new_w, new


def _averaged(
    optimizer: Optimizer, w: Tensor, average: Tensor, done: Tensor
) -> tuple[Tensor, Tensor]:
    """(w, or its average when due; a = mu a + (1 - mu) w, with mu = 0 before the first update)."""
    momentum = holds(ops.greater(done, 0)) * optimizer.ema_momentum
    average = average * momentum + w * (1.0 - momentum)
    every = optimizer.ema_overwrite_frequency
    return (blend(divides(every, done + 1), average, w) if every else w), average


def advance(
    optimizer: Optimizer, scalars: Mapping[str, Tensor], iterations: Tensor
) -> dict[str, Tensor]:
    """The rule's scalars after this call."""
    done = updates_before(optimizer, iterations)
    new = optimizer.advance(scalars, ops.cast(done + 1, iterations.trace.floatx))
    gate = updating(optimizer, iterations)
    return {name: blend(gate, value, scalars[name]) for name, value in new.items()}
