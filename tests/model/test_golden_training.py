"""Eight optimizer steps through the Python contract.

Oracle: losses, metrics, weights and slots of Keras 3.15.1, at the tolerances that its README
advises.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import specc
from specc.optimizers.step import keras_order
from tests.model.golden_cases import Golden, close, each, golden

# Largest element times this: Adam-like rules divide by roots of small numbers, Muon iterates.
FINAL, FINAL_MUON = 1e-3, 5e-3


def noise(case: Golden) -> set[int]:
    """Weights that are not compared: analytically their gradient is zero.

    Besides those that the case lists, the key bias of attention: it adds one number to all scores
    of a query, which softmax cancels. Adam-like rules turn the rounding left over into steps.
    """
    paths = [told["path"] for told in case.stored["weight_info"]]
    keys = {i for i, path in enumerate(paths) if path.endswith("/key/bias")}
    return keys | set(case.stored["noise_weights"])


def steps(case: Golden, model: specc.Model) -> list[dict[str, float]]:
    stored, arrays = case.stored, case.arrays
    given = stored["class_weight"]
    by_class = {int(key): value for key, value in given.items()} if given else None
    logs = []
    for t in range(stored["steps"]):
        x = [arrays[each["name"]][t] for each in stored["inputs"]]
        y = [arrays[each["name"]][t] for each in stored["targets"]]
        rows = arrays["sample_weight"][t] if stored["sample_weight"] else None
        logs.append(model.train_on_batch(x, y, sample_weight=rows, class_weight=by_class))
        if t == 0:
            compared(case, model, "_step1", 1e-4, 1e-5)
    return logs


def compared(case: Golden, model: specc.Model, when: str, relative: float, least: float) -> None:
    for i, (name, found) in enumerate(model.weights.items()):
        if i not in noise(case):
            close(found, case.arrays[f"w{i}{when}"], relative, least, f"{name}{when}")


@each("training")
def test_losses_metrics_and_weights(path: Path, target: str) -> None:
    case = golden(path)
    stored, arrays = case.stored, case.arrays
    model = specc.Model(case.spec(), target=target)
    model.set_weights(case.weights("_init"))
    logs = steps(case, model)
    losses = [each["loss"] for each in logs]
    np.testing.assert_allclose(losses, arrays["losses"], rtol=1e-4, atol=1e-5)
    names = [name for name in logs[0] if name != "loss"]
    assert sorted(names) == sorted(n for n in stored["metric_names"] if n != "loss")
    for column, name in enumerate(stored["metric_names"]):
        found = [each[name] for each in logs]
        np.testing.assert_allclose(
            found, arrays["metrics"][:, column], rtol=1e-4, atol=1e-5, err_msg=name
        )
    final = FINAL_MUON if path.stem.startswith("muon") else FINAL
    compared(case, model, "_final", final, 1e-5)
    slots_are_keras(case, model, final)


def slots_are_keras(case: Golden, model: specc.Model, relative: float) -> None:
    """Everything that Keras' optimizer keeps, in its order; named arrays here."""
    stored, state = case.stored, model._engine.state()
    optimizer = model.spec.train.optimizer
    info = zip(model.weights.items(), stored["weight_info"], strict=True)
    trained = [(n, w.shape, i) for i, ((n, w), told) in enumerate(info) if told["trainable"]]
    expected = ["iterations", *([] if "learning_rate" not in state else ["learning_rate"])]
    for index, slot in keras_order(optimizer, [(n, shape) for n, shape, _ in trained]):
        name, _, number = trained[index]
        expected.append(None if number in noise(case) else f"{name}/{slot.name}")
    expected += [f"slot/{scalar.name}" for scalar in optimizer.scalars()]
    # Adafactor keeps an integer in the place of each factor that a vector does not have.
    kept = [
        (f"opt{i}_final", told["path"])
        for i, told in enumerate(stored["optimizer_variables"])
        if i == 0 or told["dtype"] == "float32"
    ]
    for name, (key, path) in zip(expected, kept, strict=True):
        if name is not None:
            close(np.asarray(state[name]), case.arrays[key], relative, 1e-5, path)
