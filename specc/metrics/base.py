"""`Metric`: what every metric is. Accumulators live in the graph's state and only ever add up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast

from typing_extensions import override

from specc import primitives as ops
from specc.family import Member
from specc.losses.weighting import check_spreads, divide_no_nan, spread
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import DType, Shape, show


class Metric(Member):
    """A number (or vector) that describes predictions; streaming over batches.

    The state after batches 1..k is the sum of their contributions, from zeros; the graph does
    that addition, so a metric says what one batch contributes and how sums become the result.

    Class attributes:
        title: Keras' name of the metric in logs where that is not its key.
        better: whether more or less of it is better; what a monitor's `mode: auto` asks.
        keras_dtypes: the element types that Keras gives its sums, on one backend or another.
    """

    family_name: ClassVar[str] = "metric"
    title: ClassVar[str] = ""
    better: ClassVar[str] = "up"
    keras_dtypes: ClassVar[tuple[DType, ...]] = ("float32",)

    @property
    def ignores(self) -> bool:
        """Whether some values count only where nothing weighs samples, as in Keras."""
        return False

    name: str | None = None
    """Name in logs; by default the name under which the spec asks for it (`acc`, `mse`)."""

    @property
    def log_name(self) -> str:
        """The name in logs."""
        return self.name or self.title or self.key

    @classmethod
    @override
    def parse(cls, value: object) -> Self:
        """As `Member.parse`; the name that was written becomes the name in logs, as in Keras."""
        metric = super().parse(value)
        if isinstance(value, dict):
            written = next(iter(cast("dict[str, object]", value)))
        elif isinstance(value, str):
            written = value
        else:
            return metric
        if metric.name is not None or written == metric.log_name:
            return metric
        return metric.model_copy(update={"name": written})

    @override
    def written(self) -> object:
        """As `Member.written`; a name that is an alias is written as the key."""
        if self.name is not None and self.members.get(self.name) is type(self):
            plain = self.model_copy(update={"name": None}).written()
            fields = cast("dict[str, Any]", plain)[self.key] if isinstance(plain, dict) else None
            return {self.name: fields} if fields else self.name
        return super().written()

    def expected(self, output: Shape) -> Shape | None:
        """The shape of targets for predictions of this shape: theirs by default; None: any.

        Raises:
            ShapeError: the metric takes no such predictions.
        """
        return output

    def resolve(self, output: Shape, target: Shape) -> Metric:
        """The metric meant for these shapes: `accuracy` becomes one of three. Itself by default.

        Raises:
            ShapeError: the metric does not fit these shapes.
        """
        wanted = self.expected(output)
        if wanted is not None and not _alike(wanted, target):
            raise ShapeError(f"expects targets {show(wanted)}, the loss has {show(target)}")
        return self

    def aligned(self, y_true: Tensor, output: Shape) -> Tensor:
        """Targets with the axes that the metric wants: a last one of length 1 more or less."""
        wanted = self.expected(output)
        if wanted is None or len(wanted) == y_true.rank:
            return y_true
        if len(wanted) > y_true.rank:
            return ops.expand_dims(y_true, -1)
        return ops.squeeze(y_true, -1)

    def accumulators(self, output: Shape) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the float32 sums. `total` and `count` by default."""
        del output
        return {"total": (), "count": ()}

    @abstractmethod
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        """What one batch adds to each accumulator.

        Shapes: `weight` () or leading axes of the values, (N,) where samples have one weight each.

        Raises:
            ShapeError: a mask among the weights, or the weights, have other axes.
        """

    @abstractmethod
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        """The metric's value from its accumulators."""


class MeanMetric(Metric):
    """The weighted mean of per-sample values: sum(w v) / sum(w) over all batches.

    Source: keras/src/metrics/reduction_metrics.py, reduce_to_samplewise_values (3.15.1): axes
    behind the first are averaged, with their weights if there are any.
    """

    abstract: ClassVar[bool] = True
    # Whether the mask of the predictions weights the values: Keras' wrappers of functions do it.
    masked: ClassVar[bool] = True

    @abstractmethod
    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Values, one for each sample, or for each position of a sample."""

    def counted(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Which values count where samples are weighted, as bool of their shape; None: all."""
        del y_true, values
        return None

    @override
    def contributions(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None
    ) -> dict[str, Tensor]:
        values = self.values(y_true, y_pred)
        if weight is None:
            values = per_sample(values)
            return {"total": ops.reduce_sum(values), "count": ops.batch_size(values)}
        if weight.rank == 0:
            values = per_sample(values) * weight
            return {"total": ops.reduce_sum(values), "count": ops.batch_size(values) * weight}
        counted = self.counted(y_true, values)
        if counted is not None:
            weight = spread(weight, values.rank) * ops.cast(counted, weight.dtype)
        if values.rank > weight.rank:
            values = ops.reduce_mean(values, range(weight.rank, values.rank))
        weight = ops.cast(spread(weight, values.rank), values.dtype)
        check_spreads(weight, values, "weights")
        if weight.shape != values.shape:
            weight = ops.broadcast_to(weight, values.shape, values)
        return {
            "total": ops.reduce_sum(per_sample(values * weight)),
            "count": ops.reduce_sum(per_sample(weight)),
        }

    @override
    def result(self, sums: Mapping[str, Tensor]) -> Tensor:
        return divide_no_nan(sums["total"], sums["count"])


def _alike(a: Shape, b: Shape) -> bool:
    """Whether shapes agree, but for a last axis of length 1."""
    return any(x[1:] == y[1:] for x, y in ((a, b), ((*a, 1), b), (a, (*b, 1))))


def per_sample(values: Tensor) -> Tensor:
    """The mean over every axis but the first."""
    return ops.reduce_mean(values, range(1, values.rank)) if values.rank > 1 else values
