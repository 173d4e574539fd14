"""Loss and metrics of a batch, as tensors."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from specc import primitives as ops
from specc.compiler.lowering import Flow, Forward, dims, total, weight_penalties
from specc.errors import Place, Problem, SpecError
from specc.losses.weighting import spread
from specc.metrics import Metric
from specc.metrics.base import MeanMetric
from specc.network import Network
from specc.network.objectives import Objective
from specc.primitives import Tensor, Trace
from specc.shapes import ShapeError
from specc.tensors import BATCH, DType, Shape

TARGET = "target/"
SAMPLE_WEIGHT = "sample_weight/"
LOSS = "loss"
# Of sample weights behind the batch's axis; None where nobody weighs.
Axes: TypeAlias = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """A metric with the place of its accumulators in the metric state: {accumulator: name}."""

    log: str
    metric: Metric | None
    shapes: Mapping[str, tuple[int, ...]]

    def key(self, accumulator: str) -> str:
        """The name of an accumulator in the state."""
        return f"{self.log}/{accumulator}"


@dataclass(frozen=True, slots=True)
class Scored:
    """Loss and metrics of one batch.

    Attributes:
        loss: the scalar to minimise, penalties included.
        tracked: everything that is logged, in the order of Keras' logs.
        adds: what the batch adds to each accumulator, by state name.
        given: targets and sample weights of every output, whether or not something reads them.
    """

    loss: Tensor
    tracked: tuple[Tracked, ...]
    adds: Mapping[str, Tensor]
    given: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What the caller supplies for one output: names, shape and element type of the targets.

    Attributes:
        weighed: lengths of the axes of the sample weights behind the batch's; none where a sample
            has one weight; None where nobody weighs samples, and all weights will be 1.
    """

    output: str
    shape: Shape
    dtype: DType
    index: int
    weighed: Axes = ()

    @property
    def name(self) -> str:
        """The graph input of the targets."""
        return f"{TARGET}{self.output}"

    @property
    def weight_name(self) -> str:
        """The graph input of the sample weights, (N, *weighed) float32."""
        return f"{SAMPLE_WEIGHT}{self.output}"


def targets(
    objectives: Sequence[Objective], weighed: Mapping[str, Axes] | None = None
) -> tuple[Target, ...]:
    """The targets of every output that has a loss or metrics, in output order."""
    found: list[Target] = []
    for index, objective in enumerate(objectives):
        if objective.loss is None and not objective.metrics and not objective.weighted:
            continue
        shape, dtype = objective.target()
        name = objective.name
        if any(t.output == name for t in found):
            name = f"{name}_{index}"
        found.append(Target(name, shape, dtype, index, (weighed or {}).get(name, ())))
    return tuple(found)


def score(
    network: Network,
    objectives: Sequence[Objective],
    outputs: Sequence[Flow],
    forward: Forward,
    batch: int | None = None,
    weighed: Mapping[str, Axes] | None = None,
) -> Scored:
    """Loss, penalties and metrics on the outputs of a lowered network.

    Raises:
        SpecError: the mask or the sample weights of an output do not fit the values of its loss or
            of a metric.
    """
    trace = forward.trace
    losses: list[Tensor] = []
    tracked: list[Tracked] = [Tracked(LOSS, None, {"total": (), "count": ()})]
    adds: dict[str, Tensor] = {}
    several = len(objectives) > 1
    sources: list[Source] = []
    for target in targets(objectives, weighed):
        objective, flow = objectives[target.index], outputs[target.index]
        y_pred = flow.tensor
        y_true, weight = target_tensors(trace, target, batch)
        if objective.loss is not None:
            with trace.scope("loss"), _placed("train.loss", objective.loss.key, objective):
                value = objective.loss.total(y_true, y_pred, weight, flow.mask)
            losses.append(value if objective.weight == 1.0 else value * objective.weight)
            if several:
                own = Tracked(f"{target.output}_loss", None, {"total": (), "count": ()})
                tracked.append(own)
                adds.update(_mean_of(own, value, y_pred))
        sources.append(Source(objective, target, flow, y_true, weight))
    for row, parts in _metrics(sources, [row.log for row in tracked], several=several):
        tracked.append(row)
        adds.update({row.key(name): value for name, value in parts.items()})
    with trace.scope("loss"):
        penalties = [*forward.losses, *weight_penalties(network, forward, outputs[0].tensor)]
        zero = [trace.constant(0.0)] if not losses and not penalties else []
        loss = total([*losses, *penalties, *zero])
        adds.update(_mean_of(tracked[0], loss, outputs[0].tensor))
    given = tuple(tensor for source in sources for tensor in (source.y_true, source.weight))
    return Scored(loss, tuple(tracked), adds, given)


@dataclass(frozen=True, slots=True)
class Source:
    """What the metrics of one output look at."""

    objective: Objective
    target: Target
    flow: Flow
    y_true: Tensor
    weight: Tensor


def _metrics(
    sources: Sequence[Source], taken: Sequence[str], *, several: bool
) -> Iterator[tuple[Tracked, dict[str, Tensor]]]:
    """Every metric with what the batch adds to it: first the plain ones, then the weighted.

    Source of the names: keras/src/trainers/compile_utils.py, CompileMetrics.result (3.15.1).
    """
    logs = set(taken)
    for weighs in (False, True):
        for source in sources:
            objective = source.objective
            prefix = f"{source.target.output}_" if several else ""
            for metric in objective.weighted if weighs else objective.metrics:
                log = f"{prefix}{metric.log_name}"
                if log in logs and weighs:
                    log = f"{prefix}weighted_{metric.log_name}"
                log = _free(log, logs)
                logs.add(log)
                resolved = metric.resolve(objective.output.shape, source.target.shape)
                row = Tracked(log, resolved, resolved.accumulators(objective.output.shape))
                scope = source.weight.trace.scope(f"metrics/{log}")
                path = "train.weighted_metrics" if weighs else "train.metrics"
                with scope, _placed(path, metric.key, objective):
                    # Ignored values count as 0 without weights, and not at all with weights of 1.
                    none = source.target.weighed is None and resolved.ignores
                    given = source.weight if weighs and not none else None
                    weight = _weights(resolved, source.flow, given)
                    y_true = resolved.aligned(source.y_true, objective.output.shape)
                    yield row, resolved.contributions(y_true, source.flow.tensor, weight)


@contextmanager
def _placed(path: str, what: str, objective: Objective) -> Generator[None]:
    """Masks and weights are known only here: what does not fit them is told with its path."""
    try:
        yield
    except ShapeError as error:
        message = f"{what} for output {objective.name!r}: {error}"
        raise SpecError(Problem(Place(), path, message)) from None


def _free(wanted: str, taken: Set[str]) -> str:
    """The name, or the name with the first number that makes it unique."""
    name, n = wanted, 0
    while name in taken:
        n += 1
        name = f"{wanted}_{n}"
    return name


def _weights(metric: Metric, flow: Flow, weight: Tensor | None) -> Tensor | None:
    """Weights of a metric's values: the samples', and the output's mask for means of values.

    Source: keras/src/metrics/reduction_metrics.py, MeanMetricWrapper.update_state (3.15.1).
    """
    if flow.mask is None or not isinstance(metric, MeanMetric) or not metric.masked:
        return weight
    mask = ops.cast(flow.mask, flow.tensor.trace.floatx)
    if weight is None:
        return mask
    rank = max(mask.rank, weight.rank)
    return spread(mask, rank) * spread(weight, rank)


def target_tensors(trace: Trace, target: Target, batch: int | None) -> tuple[Tensor, Tensor]:
    """Graph inputs for the targets and sample weights of an output."""
    dtype = trace.floatx if target.dtype == "float32" else target.dtype
    y_true = ops.graph_input(trace, target.name, dims(target.shape, batch), dtype)
    rows = BATCH if batch is None else batch
    weights = (rows, *(target.weighed or ()))
    return y_true, ops.graph_input(trace, target.weight_name, weights, trace.floatx)


def _mean_of(row: Tracked, value: Tensor, like: Tensor) -> dict[str, Tensor]:
    """A batch's value, weighted by the batch's size, as Keras tracks losses."""
    count = ops.batch_size(like)
    return {row.key("total"): value * count, row.key("count"): count}


def results(tracked: Sequence[Tracked], sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The value of everything that is logged, from the accumulators."""
    values: dict[str, Tensor] = {}
    for row in tracked:
        own = {name: sums[row.key(name)] for name in row.shapes}
        if row.metric is None:
            values[row.log] = own["total"] / own["count"]
        else:
            with own[next(iter(own))].trace.scope(f"metrics/{row.log}"):
                values[row.log] = row.metric.result(own)
    return values
