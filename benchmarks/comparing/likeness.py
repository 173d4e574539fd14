"""Steps of specc beside steps of Keras: from the same states, and freely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

import specc
from comparing.workloads import Task
from specc.optimizers.step import all_slots

Array: TypeAlias = np.ndarray
# Aims: of changes, relative to the largest of a tensor. Curves are means over so many steps.
CHANGE, SMOOTH = 1e-3, 20


@dataclass(slots=True)
class Change:
    """What one step did to one weight: distances, relative to the largest exact change.

    Attributes:
        apart: between Keras and specc, relative to Keras' largest change.
        keras, specc: of each from the change computed in float64.
        unit: the weight's spacing: no float32 result is sure to be nearer to the exact one.
        unsure: how far the exact change moves when weights and inputs move by rounding.
    """

    step: int
    name: str
    apart: float
    keras: float
    specc: float
    unit: float
    unsure: float


@dataclass(slots=True)
class Likeness:
    """What came out for one workload and target.

    Attributes:
        losses: relative differences of the loss at each state.
        exact_losses: the same of Keras' loss from its float64 value.
        curve: largest relative difference of the smoothed losses of free runs.
    """

    losses: list[float] = field(default_factory=list)
    exact_losses: list[float] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    curve: float = 0.0

    def beyond(self) -> list[Change]:
        """Changes that differ from Keras' by more than the aim."""
        return [c for c in self.changes if not c.apart <= CHANGE]

    def unexplained(self) -> list[Change]:
        """Of those, the ones where Keras is clearly nearer to the exact change than specc.

        Clearly: not within twice Keras' own distance from it, nor one unit in the last place of the
        weight, nor twice what rounding of weights and inputs makes of it.
        """
        return [c for c in self.beyond() if c.specc > 2 * max(c.keras, c.unit, c.unsure)]


def model_of(task: Task, target: str, threads: int) -> specc.Model:
    """The workload in specc, with the task's first weights."""
    model = specc.Model(task.spec, target, seed=0, threads=threads)
    model.set_weights(task.weights)
    return model


def given(task: Task, number: int) -> tuple[Any, Array]:
    """A batch as `train_on_batch` takes it."""
    names = [item["name"] for item in task.plan["inputs"]]
    xs = [x[number] for x in task.inputs]
    x = dict(zip(names, xs, strict=True)) if len(xs) > 1 else xs[0]
    return x, task.targets[number]


def same_steps(
    task: Task, states: list[int], found: Mapping[str, Array], model: specc.Model
) -> Likeness:
    """One step from each stored state of Keras."""
    result = Likeness()
    for number in states:
        put(model, number, found)
        loss = model.train_on_batch(*given(task, number))["loss"]
        theirs = float(found["losses"][number])
        exact = float(found[f"{number}/exact_loss"])
        result.losses.append(abs(loss - theirs) / abs(theirs))
        result.exact_losses.append(abs(theirs - exact) / abs(exact))
        for i, (name, after) in enumerate(model.weights.items()):
            arrays = (found[f"{number}/{kind}/{i}"] for kind in ("w", "after", "exact"))
            unsure = float(found[f"{number}/unsure"][i])
            result.changes.append(compared(number, name, unsure, after, *arrays))
    return result


def put(model: specc.Model, number: int, found: Mapping[str, Array]) -> None:
    """Give the model a state of Keras, behind `number` steps."""
    engine, optimizer = model._engine, model.spec.train.optimizer
    named = dict(engine.state())
    for i, (name, old) in enumerate(model.weights.items()):
        named[name] = found[f"{number}/w/{i}"]
        for slot in all_slots(optimizer, old.shape, name):
            if f"{name}/{slot.name}" in named:
                named[f"{name}/{slot.name}"] = found[f"{number}/slot/{slot.name}/{i}"]
    named["iterations"] = np.array(number, np.int64)
    engine.replace(named)


def compared(
    step: int, name: str, unsure: float, ours: Array, before: Array, theirs: Array, exact: Array
) -> Change:
    """Distances of the changes of one weight."""
    start = before.astype(np.float64)
    change = {"specc": ours - start, "keras": theirs - start, "exact": exact - start}
    spacing = float(np.spacing(np.abs(before).max()))
    return Change(
        step,
        name,
        distance(change["specc"], change["keras"]),
        distance(change["keras"], change["exact"]),
        distance(change["specc"], change["exact"]),
        distance(np.array([spacing]), np.zeros(1), np.abs(change["exact"]).max()),
        unsure,
    )


def distance(a: Array, b: Array, scale: float | None = None) -> float:
    """Largest difference, relative to the largest element of `b`, or to `scale`."""
    apart = float(np.abs(a - b).max(initial=0.0))
    largest = float(np.abs(b).max(initial=0.0)) if scale is None else float(scale)
    if apart == 0.0:
        return 0.0
    return apart / largest if largest else float("inf")


def free_run(task: Task, model: specc.Model) -> list[float]:
    """Losses of one step after the other."""
    return [model.train_on_batch(*given(task, i))["loss"] for i in range(len(task.targets))]


def curves_apart(ours: list[float], theirs: list[float]) -> float:
    """Largest relative difference of two curves, each a mean over `SMOOTH` steps."""
    kernel = np.full(SMOOTH, 1 / SMOOTH)
    a, b = (np.convolve(np.asarray(c, np.float64), kernel, "valid") for c in (ours, theirs))
    return float((np.abs(a - b) / np.abs(b)).max())
