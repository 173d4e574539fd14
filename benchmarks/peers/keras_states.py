"""A training run of Keras, with its state at some steps and what the next step makes of it.

    KERAS_BACKEND=tensorflow python keras_states.py TASK.npz PLAN.json OUT.npz --states 0 10 20

Writes `losses` of all steps, and for each state number k: `k/w/I` weights (numbered as in the
plan), `k/slot/NAME/I` optimizer slots, `k/after/I` the weights behind the step in float32,
`k/exact/I`, `k/exact_loss` the same step computed in float64 from the same numbers, and `k/unsure`
how far, for each weight, its exact change moves when weights and inputs are moved by rounding: the
largest of a few tries, relative to the largest element of the change.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("BENCH_JIT", "no")
os.environ.setdefault("BENCH_THREADS", "2")

import keras
import numpy as np
from keras_fit import limit_threads, with_layers
from worker import Task, read

# float32 rounds to 2^-24 of a number; sums of some hundred products are off by a few times that.
ROUNDING, TRIES = 2.0**-22, 4
# Keras' attribute for each slot, by optimizer; the names are specc's.
SLOTS = {
    "sgd": {"momentum": "momentums"},
    "rmsprop": {"velocity": "_velocities"},
    "adam": {"momentum": "_momentums", "velocity": "_velocities"},
}


class Run:
    """A model of the plan, its variables by their number in the plan."""

    def __init__(self, task: Task) -> None:
        self.model, layers = with_layers(task)
        self.variables: dict[int, Any] = {}
        for call in task.plan["calls"]:
            for number, variable in zip(
                call["weights"], layers[call["layer"]].weights, strict=False
            ):
                self.variables[number] = variable
        self.model.optimizer.build(self.model.trainable_variables)
        self.slots: dict[str, Any] = {}
        optimizer = self.model.optimizer
        for name, attribute in SLOTS[task.plan["optimizer"]["kind"]].items():
            kept = getattr(optimizer, attribute)
            for number, variable in self.variables.items():
                if kept and variable.trainable:
                    index = optimizer._get_variable_index(variable)
                    self.slots[f"{name}/{number}"] = kept[index]

    def step(self, xs: list[np.ndarray], y: np.ndarray) -> float:
        """The loss of a batch, from before the update that it makes."""
        self.model.reset_metrics()
        given = xs if len(xs) > 1 else xs[0]
        return float(self.model.train_on_batch(given, y, return_dict=True)["loss"])

    def weights(self) -> dict[str, np.ndarray]:
        found = sorted(self.variables.items())
        return {str(i): np.array(keras.ops.convert_to_numpy(v)) for i, v in found}

    def optimizer_state(self) -> dict[str, np.ndarray]:
        return {key: np.array(keras.ops.convert_to_numpy(v)) for key, v in self.slots.items()}

    def put(self, step: int, weights: dict[str, Any], slots: dict[str, Any]) -> None:
        """Be where another run was."""
        for i, v in self.variables.items():
            v.assign(weights[str(i)])
        for key, v in self.slots.items():
            v.assign(slots[key])
        self.model.optimizer.iterations.assign(step)


def recorded(task: Task, states: list[int]) -> dict[str, np.ndarray]:
    """The run in float32."""
    run, found, losses = Run(task), {}, []
    for number, batch in enumerate(task.batches()):
        if number in states:
            found |= keyed(f"{number}/w", run.weights())
            found |= keyed(f"{number}/slot", run.optimizer_state())
        losses.append(run.step(*batch))
        if number in states:
            found |= keyed(f"{number}/after", run.weights())
    return found | {"losses": np.array(losses)}


def exact(task: Task, states: list[int], found: dict[str, np.ndarray]) -> None:
    """Add the steps in float64."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # the first run has left float32 as the default
    if keras.config.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    run, rng = Run(task), np.random.default_rng(0)
    batches = task.batches()
    for number in states:
        before, slots = (stripped(f"{number}/{kind}", found) for kind in ("w", "slot"))
        before = {key: a.astype(np.float64) for key, a in before.items()}
        xs, y = batches[number]
        given = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in xs]
        run.put(number, before, slots)
        found[f"{number}/exact_loss"] = np.array(run.step(given, y))
        after = run.weights()
        if any(a.dtype != np.float64 for a in after.values()):
            raise TypeError("the exact step was not computed in float64")
        found |= keyed(f"{number}/exact", after)
        unsure = np.zeros(len(after))
        for _ in range(TRIES):
            moved = {key: rounded(a, rng) for key, a in before.items()}
            run.put(number, moved, slots)
            run.step([rounded(x, rng) if x.dtype.kind == "f" else x for x in given], y)
            for i, (key, a) in enumerate(run.weights().items()):
                change = after[key] - before[key]
                apart = np.abs(a - moved[key] - change).max(initial=0.0)
                unsure[i] = max(unsure[i], apart / (np.abs(change).max(initial=0.0) or 1.0))
        found[f"{number}/unsure"] = unsure


def rounded(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Elements that are off by rounding."""
    return a * (1 + ROUNDING * rng.normal(size=a.shape))


def keyed(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{key}": a for key, a in arrays.items()}


def stripped(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = prefix + "/"
    return {key.removeprefix(start): a for key, a in arrays.items() if key.startswith(start)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("arrays")
    parser.add_argument("plan")
    parser.add_argument("out", type=Path)
    parser.add_argument("--states", type=int, nargs="*", default=[])
    options = parser.parse_args()
    task = read(options.arrays, options.plan)
    limit_threads(task.threads)
    found = recorded(task, options.states)
    if options.states:
        exact(task, options.states, found)
    np.savez(options.out, **found)


if __name__ == "__main__":
    main()
