"""The optimizer's part of a training step: each update rule on its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from specc.compiler.builder import Builder, bound
from specc.compiler.state import LEARNING_RATE, StateTensor, scalar, vector
from specc.compiler.update import SLOT, Update, elements_of
from specc.graph import Value
from specc.network import NodeWeight
from specc.optimizers import AnyOptimizer, Optimizer
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor, Trace
from specc.targets.realiser import Realiser


def _part(held: StateTensor, weights: Sequence[NodeWeight]) -> StateTensor:
    """A state tensor of those of its elements that are among `weights`."""
    names = {w.name for w in weights}
    kept = [e for e in held.elements if e.name in names]
    shapes, storage = {e.name: e.shape for e in kept}, {e.name: e.storage for e in kept}
    return vector(held.name, shapes, storage)


@dataclass(slots=True)
class Updates:
    """All rules of an optimizer, and the builder that they add to.

    Attributes:
        vectors: the state tensors of all trainable weights.
        rate: the state of the learning rate; None where a schedule or constants give it.
        gate: whether there is an update at all; None: always.
    """

    builder: Builder
    vectors: Sequence[StateTensor]
    each: Sequence[Update]
    rate: StateTensor | None
    gate: Value | None

    @staticmethod
    def of(
        builder: Builder,
        realiser: Realiser,
        trace: Trace,
        optimizer: AnyOptimizer,
        weights: Sequence[NodeWeight],
        vectors: Sequence[StateTensor],
        iterations: Tensor,
        gate: Value | None,
    ) -> Updates:
        """The rules with their weights."""
        held = None
        if optimizer.rate is not None and not isinstance(optimizer.rate, Schedule):
            held = scalar(LEARNING_RATE, "float32")
        groups: dict[int, tuple[Optimizer, list[NodeWeight]]] = {}
        for weight in weights:
            rule = optimizer.rule_of(weight.name)
            groups.setdefault(id(rule), (rule, []))[1].append(weight)
        each: list[Update] = []
        for rule, own in groups.values():
            rate = None if held is None else bound(realiser, trace, builder.state(held))
            if held is None and not isinstance(rule.learning_rate, Schedule):
                rate = trace.constant(rule.learning_rate)
            held_ones = [part for v in vectors if (part := _part(v, own)).elements]
            each.append(
                Update(builder, realiser, trace, rule, own, held_ones, iterations, rate, gate)
            )
        if len(optimizer.rules) > 1:
            # Two rules may call their slots the same.
            each = [replace(update, prefix=f"{SLOT}{i}/") for i, update in enumerate(each)]
        return Updates(builder, vectors, each, held, gate)

    def tensors(self) -> list[StateTensor]:
        """State of all slots."""
        return [tensor for update in self.each for tensor in update.slot_tensors()]

    def apply(self, flats: Mapping[str, Value], grads: Mapping[str, Value]) -> dict[str, Value]:
        """New flat weights from the old ones and each weight's gradient, as it is stored.

        `flats` and the result are by the name of the state tensor, `grads` by that of the weight.
        """
        if len(self.each) == 1:
            return self.each[0].apply(flats, grads)
        g = self.builder.graph
        parts = elements_of(g, self.vectors, flats)
        for update in self.each:
            new = update.apply(
                self._joined(update.vectors, parts), {w.name: grads[w.name] for w in update.weights}
            )
            parts |= elements_of(g, update.vectors, new)
        return self._joined(self.vectors, parts)

    def _joined(
        self, vectors: Sequence[StateTensor], parts: Mapping[str, Value]
    ) -> dict[str, Value]:
        """State tensors of their weights."""
        g, found = self.builder.graph, dict[str, Value]()
        for v in vectors:
            own = [parts[e.name] for e in v.elements]
            found[v.name] = own[0] if len(own) == 1 else g.op("Concat", *own, axis=0)
        return found

    def go_on(self, counter: StateTensor) -> None:
        """The counter of updates, and the learning rate as it is."""
        b = self.builder
        old = b.state(counter)
        new = old + 1
        b.next(counter, new if self.gate is None else b.graph.op("Where", self.gate, new, old))
        if self.rate is not None:
            b.next(self.rate, b.state(self.rate))
