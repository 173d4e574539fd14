"""Functional models of operations: every operation by itself, and random graphs of them.

Oracle: outputs and gradients of Keras 3.15.1 (tests/frozen/operations.json.gz).
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.keras_import import from_keras
from specc.layers import Layer
from specc.layers.operations import Operation
from specc.network import build
from specc.spec.reader import loads
from specc.spec.write import dump, simplified
from tests.keras_import.frozen_operations import Case, cases, signatures

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[str(case.number) for case in CASES])


def close(found: np.ndarray, keras: np.ndarray, what: str) -> None:
    """Equal within float32's error: 2e-4 of the largest element (tolerances of the references)."""
    assert found.shape == keras.shape, what
    if keras.dtype.kind != "f":
        np.testing.assert_array_equal(found, keras, err_msg=what)
        return
    scale = np.abs(keras).max(initial=0.0)
    np.testing.assert_allclose(found, keras, rtol=0, atol=max(2e-4 * scale, 1e-5), err_msg=what)


@every_case
def test_outputs_and_gradients_are_keras(case: Case) -> None:
    target = ("cpu", "portable")[case.number % 2]
    model = specc.Model(from_keras(case.config), target=target)
    weights, cotangents = case.draw([w.shape for w in model.weights.values()])
    model.set_weights(weights)
    result = model.vjp(case.inputs, cotangents)
    names = [ref.call.node.type_name for ref in build(from_keras(case.config)).outputs]
    for name, found, keras in zip(names, result.outputs, case.outputs, strict=True):
        close(found, keras, name)
    for found, keras in zip(result.input_grads, case.grads, strict=False):
        close(np.zeros_like(keras) if found is None else found, keras, f"gradient {names}")


@every_case
def test_shapes_are_keras(case: Case) -> None:
    network = build(from_keras(case.config))
    assert [list(ref.shape) for ref in network.outputs] == case.shapes


@every_case
def test_written_spec_reads_back(case: Case) -> None:
    spec = from_keras(case.config)
    assert loads(dump(spec)) == simplified(spec)


def test_every_operation_has_a_case() -> None:
    tested = {
        layer["class_name"]
        for case in CASES
        for layer in case.config["config"]["layers"]
        if ".ops." in layer["module"]
    }
    kinds = [kind for kind in Layer.kinds().values() if issubclass(kind, Operation)]
    # Keras computes sparsemax wrongly beyond one element of support; tests/layers has a loop.
    assert {kind.__name__ for kind in kinds} == tested | {"Sparsemax"}


@pytest.mark.parametrize("name", signatures())
def test_fields_and_operands_are_keras(name: str) -> None:
    module, made, call = signatures()[name]
    kind = next(
        k for k in Layer.kinds().values() if issubclass(k, Operation) and k.__name__ == name
    )
    assert kind.keras_module == module
    if kind.operands and not kind.listed:
        assert list(kind.operands) == call
    operands = {kind.renamed.get(key, key) for key in kind.operands}
    fields = {
        key: kind.model_fields[key] for key in kind.model_fields if key not in Layer.model_fields
    }
    own = {key: field for key, field in fields.items() if key not in operands}
    assert list(own) == [key for key in made if key not in ("sparse", "ragged")]
    for key, field in own.items():
        assert field.is_required() == (not made[key])
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        # Keras reads its settings' data format for null.
        assert made[key] in ([], [default]) or (key == "data_format" and made[key] == [None])


def test_the_sign_of_zero() -> None:
    """Oracle: NumPy. TensorFlow loses the sign of a constant -0."""
    x = np.array([[0.0, -0.0, -1.0, 2.0]], np.float32)
    spec = loads("specc: 1\ninputs: {x: [4]}\nlayers: [ops.signbit]\n")
    np.testing.assert_array_equal(specc.Model(spec).predict(x), np.signbit(x))
