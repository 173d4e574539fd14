"""Steps of every loss, optimizer, schedule, regularizer and constraint, without `../shared`.

Oracle: losses, metrics and weights of Keras 3.15.1 on TensorFlow.
"""

from __future__ import annotations

import numpy as np
import pytest

from specc.constraints import Constraint
from specc.family import Member
from specc.losses import Loss
from specc.optimizers import AnyOptimizer
from specc.optimizers.schedules import Schedule
from specc.regularizers import Regularizer
from tests.model.frozen import Run, runs
from tests.model.golden_cases import TARGETS, close

RUNS = runs("steps")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("run", RUNS, ids=[run.name for run in RUNS])
def test_train_on_batch(run: Run, target: str) -> None:
    model = run.model(target)
    steps = len(run.stored["logs"]["loss"])
    batch = len(run.x) // steps
    logs = []
    for t in range(steps):
        part = slice(t * batch, (t + 1) * batch)
        rows = None if run.rows is None else run.rows[part]
        logs.append(model.train_on_batch(run.x[part], run.y[part], rows, run.class_weight))
        if t == 0:
            for found, keras in zip(model.weights.values(), run.weights("step1"), strict=True):
                close(found, keras, 1e-4, 1e-5, "step1")
    assert sorted(logs[0]) == sorted(run.stored["logs"])
    for name, keras in run.stored["logs"].items():
        found = [each[name] for each in logs]
        np.testing.assert_allclose(found, keras, rtol=1e-4, atol=1e-5, err_msg=name)
    kept = [model._engine.state().get(f"slot/{n}") for n in ("step_counter", "dynamic_scale")]
    assert [float(value) for value in kept if value is not None] == run.stored["kept"]
    # Muon iterates a polynomial, which spreads rounding; the others only add it up.
    relative = 5e-3 if run.name == "muon" else 1e-3
    for found, keras in zip(model.weights.values(), run.weights("final"), strict=True):
        close(found, keras, relative, 1e-5, "final")


@pytest.mark.parametrize("family", [Loss, AnyOptimizer, Schedule, Regularizer, Constraint])
def test_every_kind_is_among_them(family: type[Member]) -> None:
    # l2_per_sample is scikit-learn's, Keras has no such penalty; ctc takes sequences, which these
    # runs are not: tests/losses compares it with Keras.
    kinds = set(family.kinds()) - {"l2_per_sample", "ctc"}
    assert {kind for kind in kinds if not any(r.name.startswith(kind) for r in RUNS)} == set()
