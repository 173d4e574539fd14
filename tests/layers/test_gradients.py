"""Every layer compiled by every target, against Keras 3.15.1: outputs, gradients, new weights."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.layer import InputLayer, Layer
from specc.spec.model import Entry, InputSpec, ModelSpec, Reference, Spec
from tests.layers.frozen import Case, cases

CASES = cases()
# The compiled model came after the layers; a checkout without it tests them in NumPy only.
pytestmark = pytest.mark.skipif(not hasattr(specc, "Model"), reason="specc.Model is not there")


def spec_of(case: Case) -> Spec:
    """A model of the one layer."""
    inputs = tuple(
        InputSpec(f"x{i}", InputLayer(x.shape[1:], str(x.dtype))) for i, x in enumerate(case.inputs)
    )
    references = tuple(Reference(each.name) for each in inputs)
    entry = Entry("layer", Layer.parse(case.layer), inputs=references)
    return Spec(ModelSpec("one_layer", inputs, (entry,), (Reference("layer"),), "functional"))


def close(found: np.ndarray | None, keras: list[float], like: np.ndarray) -> None:
    """Equal within float32's error in sums: 5e-4 of the largest element, at least 1e-5."""
    expected = np.reshape(keras, like.shape)
    found = np.zeros_like(expected) if found is None else found
    scale = np.abs(expected).max(initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=max(5e-4 * scale, 1e-5))


@pytest.mark.parametrize("target", ["portable", "cpu"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_outputs_and_gradients_are_keras(case: Case, target: str) -> None:
    model = specc.Model(spec_of(case), target=target)
    given = list(case.weights.values())
    model.set_weights(given)
    result = model.vjp(case.inputs, [case.cotangent], training=case.training)
    np.testing.assert_allclose(result.outputs[0], case.output, rtol=1e-4, atol=1e-5)
    floats = [x for x in case.inputs if x.dtype.kind == "f"]
    given = result.input_grads if floats else []
    for x, found, keras in zip(floats, given, case.stored["gx"], strict=True):
        close(found, keras, x)
    for (name, w), found in zip(case.weights.items(), result.weight_grads, strict=True):
        if name in case.stored["gw"]:
            close(found, case.stored["gw"][name], w)
        else:
            assert found is None
    for (name, w), after in zip(case.weights.items(), result.weights, strict=True):
        close(after, case.stored["after"].get(name, w), w)
