"""What each output of a model is trained for: its loss, the loss's weight, its metrics.

Source: keras/src/trainers/compile_utils.py (3.15.1): a list goes by the outputs' order, a mapping
by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from specc.errors import Place, Problem, SpecError, nearest
from specc.losses import Loss
from specc.metrics import Metric
from specc.network.graph import Network, Ref
from specc.shapes import ShapeError
from specc.spec.train import TrainSpec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Objective:
    """One output: its Keras name, its loss (None: it has none), the loss's factor, its metrics."""

    output: Ref
    name: str
    loss: Loss | None
    weight: float = 1.0
    metrics: tuple[Metric, ...] = ()


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
    losses = spread("loss", [loss] if isinstance(loss, Loss) else loss)
    weights = spread("loss_weights", train.loss_weights)
    metrics = spread("metrics", _metric_lists(train, len(names)))
    found = tuple(
        Objective(
            ref, names[i], losses[i], 1.0 if (w := weights[i]) is None else w, metrics[i] or ()
        )
        for i, ref in enumerate(network.outputs)
    )
    for objective in found:
        message = _misfit(objective)
        if message:
            wrong("train.loss", message)
    if problems:
        raise SpecError(problems)
    return found


def _misfit(objective: Objective) -> str | None:
    """Why no target fits both the loss and the output."""
    if objective.loss is None:
        return None
    try:
        objective.loss.target(objective.output.shape)
    except ShapeError as error:
        return f"{objective.loss.key} for output {objective.name!r}: {error}"
    return None


def _metric_lists(
    train: TrainSpec, outputs: int
) -> dict[str, tuple[Metric, ...]] | list[tuple[Metric, ...] | None] | None:
    """The metrics as a list for each output; a plain list belongs to the only one."""
    if isinstance(train.metrics, dict):
        return {name: tuple(metrics) for name, metrics in train.metrics.items()}
    if not train.metrics:
        return None
    plain = tuple(item for item in train.metrics if isinstance(item, Metric))
    if plain and outputs == 1:
        return [plain]
    return [(item,) if isinstance(item, Metric) else tuple(item) for item in train.metrics]


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
