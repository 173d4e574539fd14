"""What each output of a model is trained for: its loss, the loss's weight, its metrics.

Source: keras/src/trainers/compile_utils.py (3.15.1): a list goes by the outputs' order, a mapping
by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from specc.errors import Place, Problem, SpecError, nearest
from specc.losses import Loss
from specc.metrics import Metric
from specc.network.graph import Network, Ref
from specc.shapes import ShapeError
from specc.spec.train import Metrics, TrainSpec
from specc.tensors import DType, Shape

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Objective:
    """One output: its Keras name, its loss (None: it has none), the loss's factor, its metrics.

    Attributes:
        weighted: metrics to which sample weights matter.
    """

    output: Ref
    name: str
    loss: Loss | None
    weight: float = 1.0
    metrics: tuple[Metric, ...] = ()
    weighted: tuple[Metric, ...] = ()

    def target(self) -> tuple[Shape, DType]:
        """Shape and element type of the targets: the loss's, else the output's.

        Raises:
            ShapeError: no target fits the loss and the output.
        """
        if self.loss is None:
            return self.output.shape, "float32"
        return self.loss.target(self.output.shape)


def nowhere(path: str) -> Place:
    """The place of a field when it is not known."""
    del path
    return Place()


def objectives(
    network: Network, train: TrainSpec, place: Callable[[str], Place] = nowhere
) -> tuple[Objective, ...]:
    """The objective of every output, in order. `place` is where `train.loss` stands, `Spec.place`.

    Raises:
        SpecError: losses, weights or metrics do not fit the outputs; every problem.
    """
    names = network.output_names
    problems: list[Problem] = []

    def wrong(path: str, message: str) -> None:
        problems.append(Problem(place(path), path, message))

    def spread(
        field: str, value: Mapping[str, T] | Sequence[T | None] | None
    ) -> Sequence[T | None]:
        message = _count_problem(value, names)
        if message:
            wrong(f"train.{field}", message)
        if message or value is None:
            return [None] * len(names)
        return [value.get(name) for name in names] if isinstance(value, Mapping) else value

    loss = train.loss
    losses = spread("loss", [loss] * len(names) if isinstance(loss, Loss) else loss)
    weights = spread("loss_weights", train.loss_weights)
    metrics = spread("metrics", _metric_lists(train.metrics, len(names)))
    weighted = spread("weighted_metrics", _metric_lists(train.weighted_metrics, len(names)))
    found = tuple(
        Objective(ref, name, loss, 1.0 if weight is None else weight, own or (), weighed or ())
        for ref, name, loss, weight, own, weighed in zip(
            network.outputs, names, losses, weights, metrics, weighted, strict=True
        )
    )
    for objective in found:
        for field, message in _misfits(objective):
            wrong(f"train.{field}", message)
    if problems:
        raise SpecError(problems)
    return found


def _misfits(objective: Objective) -> Iterator[tuple[str, str]]:
    """Why no target fits both the loss and the output, and which metrics fit neither."""
    shape = objective.output.shape
    if objective.output.text and (
        objective.loss is not None or objective.metrics or objective.weighted
    ):
        yield "loss", f"output {objective.name!r} is text, which has no loss and no metrics"
        return
    try:
        target, _ = objective.target()
    except ShapeError as error:
        loss = objective.loss.key if objective.loss else "target"
        yield "loss", f"{loss} for output {objective.name!r}: {error}"
        return
    both = (("metrics", objective.metrics), ("weighted_metrics", objective.weighted))
    for field, metric in ((field, metric) for field, metrics in both for metric in metrics):
        try:
            metric.resolve(shape, target)
        except ShapeError as error:
            yield field, f"{metric.key} for output {objective.name!r}: {error}"


def _metric_lists(
    metrics: Metrics, outputs: int
) -> dict[str, tuple[Metric, ...]] | list[tuple[Metric, ...] | None] | None:
    """The metrics as a list for each output; a plain list belongs to the only one."""
    if isinstance(metrics, dict):
        return {name: tuple(own) for name, own in metrics.items()}
    if not metrics:
        return None
    plain = tuple(item for item in metrics if isinstance(item, Metric))
    if plain and outputs == 1:
        return [plain]
    return [(item,) if isinstance(item, Metric) else tuple(item) for item in metrics]


def _count_problem(
    value: Mapping[str, T] | Sequence[T | None] | None, names: Sequence[str]
) -> str | None:
    """Why values do not go with the outputs."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        unknown = [name for name in value if name not in names]
        return (
            f"no output is called {unknown[0]!r};{nearest(unknown[0], names)}" if unknown else None
        )
    if len(value) == len(names):
        return None
    return (
        f"{len(value)} for {len(names)} outputs ({', '.join(names)}); write one for each, "
        "in a list in their order or in a mapping by name"
    )
