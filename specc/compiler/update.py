"""One update rule's part of a training step: gradients in, new weights and slots out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from specc.compiler.builder import Builder, bound, bound_stored, stored_flat
from specc.compiler.state import Element, StateTensor, scalar, vector
from specc.graph import Value
from specc.network import NodeWeight
from specc.optimizers import Optimizer
from specc.optimizers.base import Slot
from specc.optimizers.step import (
    ACCUMULATOR,
    accumulate,
    advance,
    all_slots,
    clip_gradients,
    learning_rate,
    step,
)
from specc.primitives import Tensor, Trace
from specc.targets.layout import plain
from specc.targets.realiser import Realiser
from specc.targets.storage import split

SLOT = "slot/"


@dataclass(slots=True)
class Update:
    """What the update needs of a step, and the builder that it adds to."""

    builder: Builder
    realiser: Realiser
    trace: Trace
    optimizer: Optimizer
    weights: Sequence[NodeWeight]
    iterations: Tensor
    rate: Tensor | None
    gate: Value | None = None
    """Whether there is an update at all, a bool; None: always."""
    prefix: str = SLOT
    """What names of the slots' state tensors begin with."""

    def _gated(self, new: Value, old: Value) -> Value:
        """A new value, or the old one where there is no update."""
        return new if self.gate is None else self.builder.graph.op("Where", self.gate, new, old)

    def _next(self, tensor: StateTensor, value: Value) -> None:
        self.builder.next(tensor, self._gated(value, self.builder.state(tensor)))

    def packable(self) -> bool:
        """Whether one rule on one flat vector says it all."""
        return self.optimizer.elementwise and all(
            self._slots(w) == self._slots(self.weights[0])
            and all(s.shape is None for s in self._slots(w))
            for w in self.weights
        )

    def _slots(self, w: NodeWeight) -> tuple[Slot, ...]:
        return all_slots(self.optimizer, w.weight.shape, w.name)

    def slot_tensors(self) -> list[StateTensor]:
        """State of the slots: one flat vector a slot name; then the rule's scalars."""
        names = list(dict.fromkeys(s.name for w in self.weights for s in self._slots(w)))
        tensors: list[StateTensor] = []
        for name in names:
            shapes: dict[str, tuple[int, ...]] = {}
            held = dict(self.builder.storage)
            start: float | Literal["weight"] = 0.0
            for w in self.weights:
                for slot in self._slots(w):
                    if slot.name != name:
                        continue
                    key = f"{w.name}/{name}"
                    start = slot.start
                    shapes[key] = w.weight.shape if slot.shape is None else slot.shape
                    if slot.shape is None:
                        held[key] = self.builder.storage[w.name]
            tensors.append(vector(self.prefix + name, shapes, held, start))
        tensors += [
            scalar(self.prefix + s.name, "float32", float(s.start)) for s in self._scalars()
        ]
        return tensors

    def _scalars(self) -> tuple[Slot, ...]:
        return self.optimizer.scalars()

    def apply(self, flat: Value, grads: Sequence[Value]) -> Value:
        """New flat weights from the old ones and a gradient for each weight, as it is stored.

        The new slots become outputs of the builder.
        """
        tensors = {t.name.removeprefix(self.prefix): t for t in self.slot_tensors()}
        scalars = {
            s.name: bound(self.realiser, self.trace, self.builder.state(tensors[s.name]))
            for s in self._scalars()
        }
        slots = {k: t for k, t in tensors.items() if k not in scalars}
        lr = learning_rate(self.optimizer, self.rate, self.iterations)
        with self.trace.scope("update"):
            if self.packable():
                new = self._packed(flat, grads, slots, scalars, lr)
            else:
                new = self._each(flat, grads, slots, scalars, lr)
            after = advance(self.optimizer, scalars, self.iterations)
        for name, value in after.items():
            (made,) = self.realiser.realise([value])
            self._next(tensors[name], made.value)
        return self._gated(self._constrained(new), flat)

    def _packed(
        self,
        flat: Value,
        grads: Sequence[Value],
        slots: Mapping[str, StateTensor],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
    ) -> Value:
        """The rule once, on all weights as one vector; only norms of single gradients are apart."""
        r, b = self.realiser, self.builder
        state = {name: bound(r, self.trace, b.state(t)) for name, t in slots.items()}
        accumulator = state.pop(ACCUMULATOR, None)
        single = self.optimizer.clipnorm is not None and accumulator is None
        if single:
            clipped = clip_gradients(self.optimizer, [bound(r, self.trace, g) for g in grads])
            grads = [plain(x, t.shape) for x, t in zip(r.realise(clipped), clipped, strict=True)]
        whole = b.graph.op("Concat", *grads, axis=0) if len(grads) > 1 else grads[0]
        g = bound(r, self.trace, whole)
        outputs: dict[str, Tensor] = {}
        if accumulator is not None:
            g, outputs[ACCUMULATOR] = accumulate(self.optimizer, g, accumulator, self.iterations)
        if not single:
            (g,) = self._clipped_whole(g)
        w = bound(r, self.trace, flat)
        new, changed = step(self.optimizer, w, g, state, scalars, lr, self.iterations)
        outputs.update(changed)
        made = r.realise([new, *outputs.values()])
        # A vector of one element may come back as a scalar.
        for name, value in zip(outputs, made[1:], strict=True):
            self._next(slots[name], plain(value, flat.shape))
        return plain(made[0], flat.shape)

    def _clipped_whole(self, g: Tensor) -> list[Tensor]:
        """The clip of one flat vector; with accumulation and `clipnorm`, part by part."""
        if self.optimizer.clipnorm is None:
            return clip_gradients(self.optimizer, [g])
        r = self.realiser
        (value,) = r.realise([g])
        sizes = {w.name: w.count for w in self.weights}
        parts = split(self.builder.graph, value.value, sizes)
        clipped = clip_gradients(self.optimizer, [bound(r, self.trace, p) for p in parts.values()])
        values = [x.value for x in r.realise(clipped)]
        joined = self.builder.graph.op("Concat", *values, axis=0) if len(values) > 1 else values[0]
        return [bound(r, self.trace, joined)]

    def _each(
        self,
        flat: Value,
        grads: Sequence[Value],
        slots: Mapping[str, StateTensor],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
    ) -> Value:
        """The rule on each weight in its own shape, for rules that look at whole weights."""
        r, b = self.realiser, self.builder
        sizes = {w.name: w.count for w in self.weights}
        old = split(b.graph, flat, sizes)
        parts = {
            name: split(b.graph, b.state(t), {e.name: e.size for e in t.elements})
            for name, t in slots.items()
        }
        elements = {e.name: e for t in slots.values() for e in t.elements}

        def slot_tensor(key: str, name: str) -> Tensor:
            e: Element = elements[key]
            return bound_stored(r, self.trace, parts[name][key], e.shape, e.storage)

        states: list[dict[str, Tensor]] = []
        logical: list[Tensor] = []
        for w, grad in zip(self.weights, grads, strict=True):
            storage = b.storage[w.name]
            logical.append(bound_stored(r, self.trace, grad, w.weight.shape, storage))
            states.append(
                {s.name: slot_tensor(f"{w.name}/{s.name}", s.name) for s in self._slots(w)}
            )
        changed: dict[str, Tensor] = {}
        for i, w in enumerate(self.weights):
            buffer = states[i].pop(ACCUMULATOR, None)
            if buffer is not None:
                logical[i], changed[f"{w.name}/{ACCUMULATOR}"] = accumulate(
                    self.optimizer, logical[i], buffer, self.iterations
                )
        logical = clip_gradients(self.optimizer, logical)
        news: list[Tensor] = []
        for i, w in enumerate(self.weights):
            before = bound_stored(r, self.trace, old[w.name], w.weight.shape, b.storage[w.name])
            new, own = step(
                self.optimizer, before, logical[i], states[i], scalars, lr, self.iterations
            )
            news.append(new)
            changed.update({f"{w.name}/{k}": v for k, v in own.items()})
        made = r.realise([*news, *changed.values()])
        flats = [
            stored_flat(x, w.weight.shape, b.storage[w.name])
            for x, w in zip(made[: len(news)], self.weights, strict=True)
        ]
        lying = {
            key: stored_flat(x, elements[key].shape, elements[key].storage)
            for key, x in zip(changed, made[len(news) :], strict=True)
        }
        for name, tensor in slots.items():
            rows = [lying.get(e.name, parts[name][e.name]) for e in tensor.elements]
            self._next(tensor, self._joined(rows))
        return self._joined(flats)

    def _joined(self, values: Sequence[Value]) -> Value:
        return values[0] if len(values) == 1 else self.builder.graph.op("Concat", *values, axis=0)

    def _constrained(self, flat: Value) -> Value:
        """Weights after their constraints."""
        if all(w.weight.constraint is None for w in self.weights):
            return flat
        r, b = self.realiser, self.builder
        parts = split(b.graph, flat, {w.name: w.count for w in self.weights})
        for w in self.weights:
            constraint = w.weight.constraint
            if constraint is None:
                continue
            storage = b.storage[w.name]
            tensor = bound_stored(r, self.trace, parts[w.name], w.weight.shape, storage)
            with self.trace.scope(f"constraint/{w.name}"):
                allowed = constraint.project(tensor)
            (made,) = r.realise([allowed])
            parts[w.name] = stored_flat(made, w.weight.shape, storage)
        return self._joined(list(parts.values()))
