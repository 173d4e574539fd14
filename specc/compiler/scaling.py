"""The scale of the loss in a training step: none, fixed, or one that follows the gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from specc.compiler.builder import Builder, bound
from specc.compiler.state import StateTensor, scalar
from specc.compiler.update import SLOT
from specc.graph import Value
from specc.optimizers import AnyOptimizer
from specc.optimizers.loss_scale import COUNTER, SCALE, LossScaleOptimizer
from specc.optimizers.multi import MultiOptimizer
from specc.primitives import Trace
from specc.targets.realiser import Realiser


@dataclass(slots=True)
class Scaling:
    """What the optimizer asks for, and the builder that it adds to.

    Attributes:
        finite: whether all gradients are, where that matters; known from `unscaled` on.
    """

    builder: Builder
    optimizer: AnyOptimizer
    finite: Value | None = field(default=None, init=False)

    def tensors(self) -> list[StateTensor]:
        """State that the scale needs."""
        if not isinstance(self.optimizer, LossScaleOptimizer):
            return []
        slots = self.optimizer.scalars()
        return [scalar(SLOT + s.name, "float32", float(s.start)) for s in slots]

    def _held(self, name: str) -> Value:
        held = next(t for t in self.tensors() if t.name == SLOT + name)
        return self.builder.state(held)

    def _fixed(self) -> float:
        optimizer = self.optimizer
        if isinstance(optimizer, MultiOptimizer):
            return optimizer.loss_scale_factor or 1.0
        return optimizer.rules[0].loss_scale_factor or 1.0

    def seed(self, loss: Value) -> Value:
        """The cotangent of the loss."""
        if isinstance(self.optimizer, LossScaleOptimizer):
            return self.builder.graph.cast(self._held(SCALE), loss.dtype)
        return self.builder.graph.const(self._fixed(), loss.dtype)

    def unscaled(self, grads: Sequence[Value]) -> list[Value]:
        """Gradients of the loss from those of the scaled loss."""
        if isinstance(self.optimizer, LossScaleOptimizer):
            self.finite = self._all_finite(grads)
            scale = self._held(SCALE)
            return [g / scale for g in grads]
        fixed = self._fixed()
        return list(grads) if fixed == 1.0 else [g * (1.0 / fixed) for g in grads]

    def _all_finite(self, grads: Sequence[Value]) -> Value:
        """Whether no element is infinite or NaN: only then 0 times each is 0."""
        g = self.builder.graph
        total = g.op("ReduceSum", grads[0] * 0.0, keepdims=0)
        for grad in grads[1:]:
            total = total + g.op("ReduceSum", grad * 0.0, keepdims=0)
        return g.op("Equal", total, g.const(0.0, total.dtype))

    def advance(self, realiser: Realiser, trace: Trace) -> None:
        """The scale of the next step becomes an output."""
        if not isinstance(self.optimizer, LossScaleOptimizer) or self.finite is None:
            return
        held = {t.name.removeprefix(SLOT): t for t in self.tensors()}
        counter, scale = (
            bound(realiser, trace, self.builder.state(held[name])) for name in (COUNTER, SCALE)
        )
        finite = bound(realiser, trace, self.finite)
        after = self.optimizer.advance(counter, scale, finite)
        for name, made in zip(after, realiser.realise(list(after.values())), strict=True):
            self.builder.next(held[name], made.value)
