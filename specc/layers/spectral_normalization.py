"""A layer whose kernel is divided by its largest singular value in every training step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.initializers import TruncatedNormal
from specc.layer import Cost, Layer, Lowering, Shapes, Weight, Window
from specc.layers.nested import Nested, stored_inside
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.shapes import ShapeError
from specc.tensors import Shape
from specc.unit_vectors import unit

_KERNELS = ("kernel", "embeddings")


class SpectralNormalization(Layer):
    """layer(x) with W / (v W u^T) in place of W; v = unit(u W^T), then u = unit(v W), repeatedly.

    Each training step stores the new u and the divided kernel; inference uses what is stored. The
    gradient is that of the divided kernel. W is the kernel as a matrix (-1, last); one that is all
    0 stays so.

    Shapes: those of the layer; weight vector_u (1, last).

    Source: keras/src/layers/normalization/spectral_normalization.py (3.15.1); Miyato et al. (2018).
    """

    layer: Layer
    """The layer, which has a `kernel` or `embeddings`."""
    power_iterations: PositiveInt = 1
    """Number of power iterations in a step."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape | Shapes:
        self._kernel(inputs)
        return self.layer.output_shape(inputs)

    def _kernel(self, inputs: Shapes) -> Weight:
        for own in self.layer.weights(inputs):
            if own.name in _KERNELS:
                return own
        raise ShapeError(
            f"{self.layer.key} has neither a kernel nor embeddings; wrap a layer that has"
        )

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        kernel = self._kernel(inputs)
        u = Weight("vector_u", (1, kernel.shape[-1]), TruncatedNormal(stddev=0.02), trainable=False)
        others = [w for w in self.layer.weights(inputs) if w.name != kernel.name]
        prefix, learning = self.layer.key, self.layer.trainable
        below = [
            replace(w, name=f"{prefix}/{w.name}", trainable=w.trainable and learning)
            for w in (kernel, *others)
        ]
        return (below[0], u, *below[1:])

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        kernel, u, *_ = (w.name for w in weights)
        # The wrapper's own list begins with the kernel, which the layer keeps as well.
        return {"": [kernel, u]} | stored_inside(weights, self.layer.key, "layer", self.layer)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        shapes: Shapes = tuple((None, *ints(x.shape[1:])) for x in inputs)
        name, prefix = self._kernel(shapes).name, self.layer.key
        kernel = low.weight(f"{prefix}/{name}")
        if low.training:
            u, divided = self._divided(kernel, low.weight("vector_u"))
            low.assign("vector_u", u)
            kernel = kernel + ops.stop_gradient(divided - kernel)
            low.assign(f"{prefix}/{name}", kernel)
        inside = Nested(low, prefix, low.flags, {name: kernel})
        return self.layer.lower(inside, *inputs)

    def _divided(self, kernel: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """The next u, and the kernel over its largest singular value."""
        shape = ints(kernel.shape)
        w = ops.reshape(kernel, (prod(shape[:-1]), shape[-1]))
        turned, first = ops.transpose(w, (1, 0)), u
        v = unit(ops.matmul(u, turned), (0, 1))
        u = unit(ops.matmul(v, w), (0, 1))
        for _ in range(self.power_iterations - 1):
            v = unit(ops.matmul(u, turned), (0, 1))
            u = unit(ops.matmul(v, w), (0, 1))
        empty = ops.equal(ops.reduce_max(ops.absolute(w)), 0.0)
        sigma = ops.where(empty, 1.0, ops.reduce_sum(ops.matmul(v, w) * u))
        return ops.where(empty, first, u), kernel / sigma

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return self.layer.cost(inputs, output)

    @override
    def window(self, inputs: Shapes) -> Window | None:
        return self.layer.window(inputs)
