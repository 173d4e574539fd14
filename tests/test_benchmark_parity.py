"""The benchmark's comparison with Keras. Oracle: a run of specc itself in Keras' place, by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(ROOT))
    names = ("lessons", "likeness", "workloads")
    return SimpleNamespace(**{n: importlib.import_module(f"comparing.{n}") for n in names})


def lesson(parts: SimpleNamespace, name: str, count: int, batch: int = 8):
    task = parts.workloads.Task.of(parts.workloads.WORKLOADS[name].spec, batch, count=1)
    return parts.lessons.lesson(name, task, None, count)


def recorded(parts: SimpleNamespace, task, states: list[int]) -> dict[str, np.ndarray]:
    """What `keras_states.py` writes, made with the portable target."""
    model, found, losses = parts.likeness.model_of(task, "portable", 1), {}, []
    names = list(model.weights)
    for number in range(len(task.targets)):
        for key, array in model._engine.state().items():
            owner, _, slot = key.rpartition("/")
            if key in names:
                found[f"{number}/w/{names.index(key)}"] = array.copy()
            elif owner in names:
                found[f"{number}/slot/{slot}/{names.index(owner)}"] = array.copy()
        losses.append(model.train_on_batch(*parts.likeness.given(task, number))["loss"])
        for i, array in enumerate(model.weights.values()):
            found[f"{number}/after/{i}"] = found[f"{number}/exact/{i}"] = array
        found[f"{number}/exact_loss"] = np.array(losses[-1])
        found[f"{number}/unsure"] = np.zeros(len(names))
    return {**found, "losses": np.array(losses)}


def test_a_step_from_a_state_is_the_step_that_was_taken(parts: SimpleNamespace) -> None:
    task = lesson(parts, "tabular", 4)
    found = recorded(parts, task, [0, 3])
    model = parts.likeness.model_of(task, "cpu", 1)
    like = parts.likeness.same_steps(task, [3, 0], found, model)
    assert max(like.losses) < 1e-6
    assert len(like.changes) == 2 * len(model.weights)
    assert like.beyond() == []


def test_another_step_is_told(parts: SimpleNamespace) -> None:
    task = lesson(parts, "tabular", 2)
    found = recorded(parts, task, [1])
    found["1/after/4"] = found["1/after/4"] + 1e-5
    found["1/slot/velocity/5"] = found["1/slot/velocity/5"] * 1.1
    like = parts.likeness.same_steps(task, [1], found, parts.likeness.model_of(task, "cpu", 1))
    wrong = [change.name for change in like.beyond()]
    names = list(parts.likeness.model_of(task, "cpu", 1).weights)
    assert wrong == names[4:6]
    # The first is only Keras' own: specc is where the exact change is. The second is not.
    assert [change.name for change in like.unexplained()] == names[5:6]


def test_what_rounding_makes_of_it_explains(parts: SimpleNamespace) -> None:
    make = parts.likeness.Change
    told = {"step": 0, "name": "kernel", "apart": 2e-3, "specc": 2e-3}
    like = parts.likeness.Likeness(
        changes=[
            make(**told, keras=1e-6, unit=1e-6, unsure=1e-6),
            make(**told, keras=1e-6, unit=1e-6, unsure=2e-3),
            make(**told, keras=1e-6, unit=2e-3, unsure=1e-6),
            make(**told, keras=2e-3, unit=1e-6, unsure=1e-6),
            make(**told | {"apart": 9e-4}, keras=0.0, unit=0.0, unsure=0.0),
        ]
    )
    assert len(like.beyond()) == 4
    assert like.unexplained() == like.changes[:1]


def test_distances_by_hand(parts: SimpleNamespace) -> None:
    distance = parts.likeness.distance
    assert distance(np.array([1.0, 2.5]), np.array([1.0, 2.0])) == 0.25
    assert distance(np.zeros(2), np.zeros(2)) == 0.0
    assert distance(np.ones(2), np.zeros(2)) == float("inf")
    ours, theirs = [1.0] * 20 + [3.0], [1.0] * 20 + [2.0]
    # Means over 20 steps: 1 and 1, then 22/20 and 21/20.
    assert parts.likeness.curves_apart(ours, theirs) == pytest.approx(1 / 21)


def test_waveforms_are_learned(parts: SimpleNamespace) -> None:
    task = lesson(parts, "lstm", 40)
    losses = parts.likeness.free_run(task, parts.likeness.model_of(task, "cpu", 1))
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
