"""The optimizer's part of a training step: gradients in, new weights and slots out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from specc.compiler.builder import Builder, bound, bound_stored, stored_flat
from specc.compiler.state import WEIGHTS, Element, StateTensor, scalar, vector
from specc.graph import Graph, Value
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


def elements_of(
    g: Graph, tensors: Sequence[StateTensor], values: Mapping[str, Value]
) -> dict[str, Value]:
    """The elements of some state tensors by name, from the tensors' values by theirs."""
    found: dict[str, Value] = {}
    for t in tensors:
        found |= split(g, values[t.name], {e.name: e.size for e in t.elements})
    return found


@dataclass(slots=True)
class Update:
    """What the update needs of a step, and the builder that it adds to.

    Attributes:
        vectors: the state tensors of trainable weights: one of all small ones, one for each other.
    """

    builder: Builder
    realiser: Realiser
    trace: Trace
    optimizer: Optimizer
    weights: Sequence[NodeWeight]
    vectors: Sequence[StateTensor]
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

    def count(self, counter: StateTensor) -> None:
        """The counter of updates goes on."""
        self._next(counter, self.builder.state(counter) + 1)

    def packable(self) -> bool:
        """Whether one rule on flat vectors says it all."""
        return self.optimizer.elementwise and all(
            self._slots(w) == self._slots(self.weights[0])
            and all(s.shape is None for s in self._slots(w))
            for w in self.weights
        )

    def _slots(self, w: NodeWeight) -> tuple[Slot, ...]:
        return all_slots(self.optimizer, w.weight.shape, w.name)

    def _in(self, held: StateTensor) -> list[NodeWeight]:
        """The weights in a state tensor."""
        names = {e.name for e in held.elements}
        return [w for w in self.weights if w.name in names]

    def slot_tensors(self) -> list[StateTensor]:
        """State of the slots, of each slot as many tensors as of weights; the rule's scalars."""
        tensors = [t for of in self._slot_tensors().values() for t in of.values()]
        return [*tensors, *(scalar(self.prefix + s.name, "float32", float(s.start))
                            for s in self.optimizer.scalars())]  # fmt: skip

    def _slot_tensors(self) -> dict[str, dict[str, StateTensor]]:
        """For each slot its tensors, by the name of the weights' tensor that they go with."""
        names = dict.fromkeys(s.name for w in self.weights for s in self._slots(w))
        found: dict[str, dict[str, StateTensor]] = {name: {} for name in names}
        for held in self.vectors:
            behind = held.name.removeprefix(WEIGHTS)
            for name in names:
                made = self._slot_tensor(name, self.prefix + name + behind, self._in(held))
                if made.elements:
                    found[name][held.name] = made
        return found

    def _slot_tensor(self, name: str, called: str, weights: Sequence[NodeWeight]) -> StateTensor:
        """The state tensor of a slot of some weights."""
        shapes: dict[str, tuple[int, ...]] = {}
        held = dict(self.builder.storage)
        start: float | Literal["weight"] = 0.0
        for w in weights:
            for slot in self._slots(w):
                if slot.name == name:
                    key, start = f"{w.name}/{name}", slot.start
                    shapes[key] = w.weight.shape if slot.shape is None else slot.shape
                    if slot.shape is None:
                        held[key] = self.builder.storage[w.name]
        return vector(called, shapes, held, start)

    def apply(self, flats: Mapping[str, Value], grads: Mapping[str, Value]) -> dict[str, Value]:
        """New flat weights from the old ones and each weight's gradient, as it is stored.

        `flats` and the result are by the name of the state tensor, `grads` by that of the weight.
        The new slots become outputs of the builder.
        """
        scalars = {
            s.name: scalar(self.prefix + s.name, "float32") for s in self.optimizer.scalars()
        }
        bounds = {
            name: bound(self.realiser, self.trace, self.builder.state(t))
            for name, t in scalars.items()
        }
        lr = learning_rate(self.optimizer, self.rate, self.iterations)
        with self.trace.scope("update"):
            rule = self._packed if self.packable() else self._each
            new = rule(flats, grads, bounds, lr)
            after = advance(self.optimizer, bounds, self.iterations)
        for name, value in after.items():
            (made,) = self.realiser.realise([value])
            self._next(scalars[name], made.value)
        allowed = {v.name: self._constrained(self._in(v), new[v.name]) for v in self.vectors}
        return {name: self._gated(value, flats[name]) for name, value in allowed.items()}

    def _packed(
        self,
        flats: Mapping[str, Value],
        grads: Mapping[str, Value],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
    ) -> dict[str, Value]:
        """The rule once for each state tensor; only norms of single gradients are apart."""
        r, slots = self.realiser, self._slot_tensors()
        whole = self._joined_gradients(grads)
        news: dict[str, Tensor] = {}
        outputs: dict[tuple[str, str], Tensor] = {}
        buffers = slots.get(ACCUMULATOR, {})
        for of, tensor in buffers.items():
            buffer = bound(r, self.trace, self.builder.state(tensor))
            whole[of], outputs[ACCUMULATOR, of] = accumulate(
                self.optimizer, whole[of], buffer, self.iterations
            )
        if self.optimizer.clipnorm is None:
            clipped = clip_gradients(self.optimizer, list(whole.values()))
            whole = dict(zip(whole, clipped, strict=True))
        elif buffers:
            whole = {v.name: self._clipped_parts(v, whole[v.name]) for v in self.vectors}
        for of, g in whole.items():
            state = {
                name: bound(r, self.trace, self.builder.state(tensors[of]))
                for name, tensors in slots.items()
                if name != ACCUMULATOR
            }
            w = bound(r, self.trace, flats[of])
            news[of], changed = step(self.optimizer, w, g, state, scalars, lr, self.iterations)
            outputs |= {(name, of): value for name, value in changed.items()}
        made = r.realise([*news.values(), *outputs.values()])
        # A vector of one element may come back as a scalar.
        for (name, of), value in zip(outputs, made[len(news) :], strict=True):
            self._next(slots[name][of], plain(value, flats[of].shape))
        return {of: plain(x, flats[of].shape) for of, x in zip(news, made, strict=False)}

    def _joined_gradients(self, grads: Mapping[str, Value]) -> dict[str, Tensor]:
        """One gradient for each state tensor, clipped by single norms if nothing accumulates."""
        r = self.realiser
        found = dict(grads)
        if self.optimizer.clipnorm is not None and not self.optimizer.gradient_accumulation_steps:
            clipped = clip_gradients(
                self.optimizer, [bound(r, self.trace, g) for g in grads.values()]
            )
            made = zip(r.realise(clipped), clipped, strict=True)
            found = {k: plain(x, t.shape) for k, (x, t) in zip(grads, made, strict=True)}
        return {
            v.name: bound(r, self.trace, self._joined([found[e.name] for e in v.elements]))
            for v in self.vectors
        }

    def _clipped_parts(self, held: StateTensor, g: Tensor) -> Tensor:
        """A gradient with each weight's part clipped by its own norm."""
        r = self.realiser
        (value,) = r.realise([g])
        parts = split(self.builder.graph, value.value, {e.name: e.size for e in held.elements})
        clipped = clip_gradients(self.optimizer, [bound(r, self.trace, p) for p in parts.values()])
        made = zip(r.realise(clipped), clipped, strict=True)
        return bound(r, self.trace, self._joined([plain(x, t.shape) for x, t in made]))

    def _each(
        self,
        flats: Mapping[str, Value],
        grads: Mapping[str, Value],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
    ) -> dict[str, Value]:
        """The rule on each weight in its own shape, for rules that look at whole weights."""
        r, b = self.realiser, self.builder
        tensors = [t for of in self._slot_tensors().values() for t in of.values()]
        old = elements_of(b.graph, self.vectors, flats)
        parts = elements_of(b.graph, tensors, {t.name: b.state(t) for t in tensors})
        elements = {e.name: e for t in tensors for e in t.elements}
        states: dict[str, dict[str, Tensor]] = {}
        logical: dict[str, Tensor] = {}
        changed: dict[str, Tensor] = {}
        for w in self.weights:
            logical[w.name] = self._shaped(w, grads[w.name])
            state: dict[str, Tensor] = {}
            for slot in self._slots(w):
                e: Element = elements[f"{w.name}/{slot.name}"]
                state[slot.name] = bound_stored(r, self.trace, parts[e.name], e.shape, e.storage)
            buffer = state.pop(ACCUMULATOR, None)
            if buffer is not None:
                logical[w.name], changed[f"{w.name}/{ACCUMULATOR}"] = accumulate(
                    self.optimizer, logical[w.name], buffer, self.iterations
                )
            states[w.name] = state
        clipped = clip_gradients(self.optimizer, list(logical.values()))
        news: dict[str, Tensor] = {}
        for w, g in zip(self.weights, clipped, strict=True):
            news[w.name], own = step(
                self.optimizer, self._shaped(w, old[w.name]), g, states[w.name], scalars, lr,
                self.iterations,
            )  # fmt: skip
            changed.update({f"{w.name}/{k}": v for k, v in own.items()})
        made = r.realise([*news.values(), *changed.values()])
        values = {
            w.name: stored_flat(x, w.weight.shape, b.storage[w.name])
            for x, w in zip(made, self.weights, strict=False)
        }
        lying = {
            key: stored_flat(x, elements[key].shape, elements[key].storage)
            for key, x in zip(changed, made[len(news) :], strict=True)
        }
        for tensor in tensors:
            rows = [lying.get(e.name, parts[e.name]) for e in tensor.elements]
            self._next(tensor, self._joined(rows))
        return {v.name: self._joined([values[e.name] for e in v.elements]) for v in self.vectors}

    def _shaped(self, w: NodeWeight, flat: Value) -> Tensor:
        """A weight, or its gradient, in its own shape."""
        storage = self.builder.storage[w.name]
        return bound_stored(self.realiser, self.trace, flat, w.weight.shape, storage)

    def _joined(self, values: Sequence[Value]) -> Value:
        return values[0] if len(values) == 1 else self.builder.graph.op("Concat", *values, axis=0)

    def _constrained(self, weights: Sequence[NodeWeight], flat: Value) -> Value:
        """Weights of one state tensor after their constraints."""
        if all(w.weight.constraint is None for w in weights):
            return flat
        parts = split(self.builder.graph, flat, {w.name: w.count for w in weights})
        for w in weights:
            constraint = w.weight.constraint
            if constraint is None:
                continue
            tensor = self._shaped(w, parts[w.name])
            with self.trace.scope(f"constraint/{w.name}"):
                allowed = constraint.project(tensor)
            (made,) = self.realiser.realise([allowed])
            storage = self.builder.storage[w.name]
            parts[w.name] = stored_flat(made, w.weight.shape, storage)
        return self._joined(list(parts.values()))
