"""Single layers and small graphs through the Python contract.

Oracle: outputs, gradients and new weights that Keras 3.15.1 computed, at the tolerances that its
README advises.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from tests.golden import cases
from tests.model.golden_cases import FIRST_SET, LATER_LAYERS, Golden, close, each, golden, is_later


def outputs_are_keras(case: Golden, found: list[np.ndarray], what: str) -> None:
    for j, (output, told) in enumerate(zip(found, case.stored["outputs"], strict=True)):
        keras = case.arrays[f"y{j}"]
        assert output.shape == keras.shape
        if told["dtype"].startswith("float"):
            np.testing.assert_allclose(output, keras, rtol=1e-4, atol=1e-5, err_msg=f"{what} y{j}")
        else:
            np.testing.assert_array_equal(output, keras, err_msg=f"{what} y{j}")


@each("layers")
def test_outputs_gradients_and_new_weights(path: Path, target: str) -> None:
    case = golden(path)
    stored, arrays = case.stored, case.arrays
    model = specc.Model(case.spec(), target=target)
    model.set_weights(case.weights())
    assert [w.shape for w in model.weights.values()] == [w.shape for w in case.weights()]
    xs = [arrays[given["name"]] for given in stored["inputs"]]
    given = [arrays[f"dy{j}"] for j in range(len(stored["outputs"]))]
    is_float = [told["dtype"].startswith("float") for told in stored["outputs"]]
    cotangents = [dy if real else None for dy, real in zip(given, is_float, strict=True)]
    result = model.vjp(xs, cotangents, training=stored["training"])
    outputs_are_keras(case, result.outputs, "vjp")
    for k, (grad, info) in enumerate(zip(result.input_grads, stored["inputs"], strict=True)):
        keras = arrays[f"gx{k}"]
        if not info["dtype"].startswith("float"):
            assert grad is None
        elif keras.size:
            close(grad, keras, 5e-4, 1e-5, f"gx{k}")
    for i, (grad, info) in enumerate(zip(result.weight_grads, stored["weight_info"], strict=True)):
        keras = arrays[f"gw{i}"]
        if not info["trainable"]:
            assert grad is None
        elif keras.size:
            close(grad, keras, 5e-4, 1e-5, f"gw{i}")
    for i, (after, before) in enumerate(zip(result.weights, case.weights(), strict=True)):
        if i in stored["updated_weights"]:
            np.testing.assert_allclose(after, arrays[f"mw{i}"], rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(after, before)
    if not stored["training"]:
        predicted = model.predict(xs)
        outputs_are_keras(
            case, predicted if isinstance(predicted, list) else [predicted], "predict"
        )


def reads(case: Golden) -> list[str]:
    """Why the case cannot be read; nothing when it can."""
    try:
        specc.from_keras(case.stored["config"])
    except specc.SpecError as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.skipif(not cases("layers"), reason="the whole set of Keras' numbers is not here")
def test_only_what_comes_later_is_skipped() -> None:
    """Every group of the first set is read, but for cases about what belongs to later ones."""
    problems = {path.stem: reads(golden(path)) for path in cases("layers")}
    groups = {path.stem: golden(path).stored["group"] for path in cases("layers")}
    early = [p for found in problems.values() for p in found if not is_later(p)]
    assert not early
    skipped = {groups[name] for name, found in problems.items() if found}
    read = {groups[name] for name, found in problems.items() if not found}
    assert FIRST_SET & set(groups.values()) <= read
    # Softmax with a mask, Dense with LoRA.
    assert FIRST_SET & skipped <= {"Softmax", "Dense"}
    assert not FIRST_SET & LATER_LAYERS
