"""The optimizer's part of a training step: each update rule on its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from specc.compiler.builder import Builder, bound
from specc.compiler.state import LEARNING_RATE, StateTensor, scalar
from specc.compiler.update import SLOT, Update
from specc.graph import Value
from specc.network import NodeWeight
from specc.optimizers import AnyOptimizer, Optimizer
from specc.optimizers.schedules import Schedule
from specc.primitives import Tensor, Trace
from specc.targets.realiser import Realiser
from specc.targets.storage import split


@dataclass(slots=True)
class Updates:
    """All rules of an optimizer, and the builder that they add to.

    Attributes:
        rate: the state of the learning rate; None where a schedule or constants give it.
        gate: whether there is an update at all; None: always.
    """

    builder: Builder
    weights: Sequence[NodeWeight]
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
            each.append(Update(builder, realiser, trace, rule, own, iterations, rate, gate))
        if len(optimizer.rules) > 1:
            # Two rules may call their slots the same.
            each = [replace(update, prefix=f"{SLOT}{i}/") for i, update in enumerate(each)]
        return Updates(builder, weights, each, held, gate)

    def tensors(self) -> list[StateTensor]:
        """State of all slots."""
        return [tensor for update in self.each for tensor in update.slot_tensors()]

    def apply(self, flat: Value, grads: Sequence[Value]) -> Value:
        """New flat weights from the old ones and a gradient for each weight, as it is stored."""
        if len(self.each) == 1:
            return self.each[0].apply(flat, grads)
        g = self.builder.graph
        by_name = dict(zip([w.name for w in self.weights], grads, strict=True))
        parts = split(g, flat, {w.name: w.count for w in self.weights})
        for update in self.each:
            names = [w.name for w in update.weights]
            own = [parts[name] for name in names]
            joined = own[0] if len(own) == 1 else g.op("Concat", *own, axis=0)
            new = update.apply(joined, [by_name[name] for name in names])
            parts |= split(g, new, {w.name: w.count for w in update.weights})
        return g.op("Concat", *parts.values(), axis=0)

    def go_on(self, counter: StateTensor) -> None:
        """The counter of updates, and the learning rate as it is."""
        b = self.builder
        old = b.state(counter)
        new = old + 1
        b.next(counter, new if self.gate is None else b.graph.op("Where", self.gate, new, old))
        if self.rate is not None:
            b.next(self.rate, b.state(self.rate))
