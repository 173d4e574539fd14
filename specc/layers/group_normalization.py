"""Normalisation of each sample in groups of channels."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.constraints import Constraint
from specc.initializers import Initializer, Ones, Zeros
from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.affine import affine, affine_weights
from specc.layers.axes import known
from specc.layers.layer_normalization import spread
from specc.primitives import Tensor
from specc.primitives.tensor import ints
from specc.regularizers import Regularizer
from specc.shapes import ShapeError, axis_index
from specc.tensors import Shape, elements


def _groups(value: int) -> int:
    if value < 1 and value != -1:
        raise PydanticCustomError(
            "groups",
            "expected a positive number of groups, or -1 for one a channel, found {value}",
            {"value": value},
        )
    return value


class GroupNormalization(Layer):
    """`(x - mean) / sqrt(variance + epsilon) gamma + beta`, moments of each sample and group.

    A group is a run of neighbouring indices of `axis`; all other axes but the batch belong to it.

    Shapes: weights (length of `axis`); result as the input.

    Source: keras/src/layers/normalization/group_normalization.py (3.15.1); Wu and He (2018).
    """

    supports_masking: ClassVar[bool] = True

    groups: Annotated[int, AfterValidator(_groups)] = 32
    """Number of groups; -1 makes each channel one (instance normalisation)."""
    axis: int = -1
    """The axis that is divided into groups: the channels."""
    epsilon: float = 1e-3
    """Added to the variance."""
    center: bool = True
    """Whether an offset beta is learnt."""
    scale: bool = True
    """Whether a factor gamma is learnt."""
    beta_initializer: Initializer = Zeros()
    """First values of beta."""
    gamma_initializer: Initializer = Ones()
    """First values of gamma."""
    beta_regularizer: Regularizer | None = None
    """Penalty on beta."""
    gamma_regularizer: Regularizer | None = None
    """Penalty on gamma."""
    beta_constraint: Constraint | None = None
    """Limit on beta after each update."""
    gamma_constraint: Constraint | None = None
    """Limit on gamma after each update."""

    def _channels(self, shape: Shape) -> int:
        channels = known(shape, axis_index(self.axis, len(shape)))
        if self.groups != -1 and channels % self.groups:
            raise ShapeError(
                f"{channels} channels do not divide into {self.groups} groups;"
                f" use groups that divide {channels}, or -1"
            )
        return channels

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        self._channels(inputs[0])
        return inputs[0]

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return affine_weights(self, (self._channels(inputs[0]),))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(inputs[0], inputs[0].trace.floatx)
        axis = self.axis % x.rank
        (channels,) = ints(x.shape[axis : axis + 1])
        groups = channels if self.groups == -1 else self.groups
        parts = (groups, channels // groups)
        grouped = ops.reshape(x, (*x.shape[:axis], *parts, *x.shape[axis + 1 :]))
        folded = tuple(i for i in range(1, grouped.rank) if i != axis)
        y = ops.standardised(grouped, folded, self.epsilon)
        y = affine(self, low, y, spread(parts, (axis, axis + 1), grouped.rank))
        return ops.reshape(y, x.shape)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=(5 + self.scale + self.center) * elements(output[1:]))
