"""Muon: orthogonalised momentum for matrices, AdamW for the rest (Jordan, 2024)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from typing_extensions import override

from specc import primitives as ops
from specc.errors import InternalError
from specc.optimizers.adam import adam_step
from specc.optimizers.base import Optimizer, Slot
from specc.primitives import Tensor


class Muon(Optimizer):
    """m = mu m + g;  w = w - lr s O(g + mu m), O orthogonalising by Newton and Schulz.

    s = rms_rate sqrt(max(rows, columns)), 1 without rms_rate; without nesterov O(m).
    Weights that are no matrices, embeddings and excluded layers take Adam's step.

    Source: keras/src/optimizers/muon.py (3.15.1).
    """

    elementwise: ClassVar[bool] = False

    adam_beta_1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Adam's decay of the average of gradients."""

    adam_beta_2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Adam's decay of the average of squares."""

    adam_weight_decay: Annotated[float, Field(ge=0)] | None = 0.004
    """Decoupled decay of weights that take Adam's step."""

    epsilon: float = 1e-7
    """Adam's addition to the root."""

    weight_decay: Annotated[float, Field(ge=0)] | None = 0.004
    """Decoupled decay of the matrices: w -= w * weight_decay * learning_rate."""

    exclude_layers: list[str] = Field(default_factory=list[str])
    """Regular expressions; weights whose path one of them matches take Adam's step."""

    exclude_embeddings: bool = True
    """Whether weights with "embedding" in their path take Adam's step."""

    muon_a: float = 3.4445
    """Coefficient of X in a Newton-Schulz iteration."""

    muon_b: float = -4.775
    """Coefficient of (X X') X."""

    muon_c: float = 2.0315
    """Coefficient of (X X')^2 X."""

    adam_lr_ratio: float = 1.0
    """Adam's learning rate in terms of Muon's."""

    momentum: Annotated[float, Field(ge=0, le=1)] = 0.95
    """mu."""

    ns_steps: Annotated[int, Field(ge=1)] = 5
    """Newton-Schulz iterations."""

    nesterov: bool = True
    """Whether the step looks ahead of the momentum."""

    rms_rate: float | None = 0.2
    """Scale of the step, about the root mean square that Adam's steps have."""

    @override
    def slots(self, shape: tuple[int, ...], path: str = "") -> tuple[Slot, ...]:
        plain = len(shape) != 2 or (self.exclude_embeddings and "embedding" in path.lower())  # noqa: PLR2004
        if plain or any(re.search(pattern, path) for pattern in self.exclude_layers):
            return (Slot("momentum"), Slot("velocity"))
        return (Slot("momentum"),)

    @override
    def decay(self, slots: Mapping[str, Tensor]) -> float | None:
        return self.adam_weight_decay if "velocity" in slots else self.weight_decay

    @override
    def update(
        self,
        w: Tensor,
        g: Tensor,
        slots: Mapping[str, Tensor],
        scalars: Mapping[str, Tensor],
        lr: Tensor,
        t: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if "velocity" in slots:
            rate = lr * self.adam_lr_ratio
            return adam_step(w, g, slots, rate, t, self.adam_beta_1, self.adam_beta_2, self.epsilon)
        m = slots["momentum"] * self.momentum + g
        direction = self.orthogonal(g + m * self.momentum if self.nesterov else m)
        return w - direction * (lr * self._scale(w)), {"momentum": m}

    def _scale(self, w: Tensor) -> float:
        rows, columns = w.shape
        if not isinstance(rows, int) or not isinstance(columns, int):
            raise InternalError(f"a weight of {w.shape}")
        return 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(rows, columns))

    def orthogonal(self, x: Tensor) -> Tensor:
        """About U V' of the singular value decomposition U S V' of x, by a quintic iteration."""
        rows, columns = x.shape
        tall = isinstance(rows, int) and isinstance(columns, int) and rows > columns
        x = ops.transpose(x, (1, 0)) if tall else x
        x = x / (ops.sqrt(ops.reduce_sum(x * x)) + 1e-7)
        for _ in range(self.ns_steps):
            gram = ops.matmul(x, ops.transpose(x, (1, 0)))
            poly = gram * self.muon_b + ops.matmul(gram * self.muon_c, gram)
            x = x * self.muon_a + ops.matmul(poly, x)
        return ops.transpose(x, (1, 0)) if tall else x
